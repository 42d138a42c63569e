"""`clawtrail restore`: what it checks, what it refuses, what it keeps, and what it puts on the record."""

from __future__ import annotations

import json
import re
import shutil
import sqlite3
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest

from clawtrail import Unfinished
from tests.support.processes import start_server, start_worker
from tests.support.typing_commands import Typed, type_


@dataclass(frozen=True)
class Past:
    """A stopped service: its data, a backup with a key of its own, and the tasks before and after that."""

    data: Path
    backup: Path
    before: str
    after: str

    def copy(self, folder: Path) -> Past:
        """Return the same past in *folder*, to be changed."""
        shutil.copytree(self.data.parent, folder, dirs_exist_ok=True)
        return Past(folder / "data", folder / "backup.db", self.before, self.after)


@pytest.fixture(scope="module")
def lived(tmp_path_factory: pytest.TempPathFactory) -> Past:
    """A service that was backed up while it ran, ran another task, redacted the first, and stopped."""
    folder = tmp_path_factory.mktemp("lived")
    data, backup = folder / "data", folder / "backup.db"
    with start_server(data) as server, start_worker(server, folder / "wim"), server.client() as client:
        before = client.run("echo before-swordfish").task_id
        assert type_(data, "backup", str(backup), "--with-key").status == 0
        after = client.run("echo after").task_id
        assert type_(data, "audit", "redact", before, "--reason", "a password").status == 0
    return Past(data, backup, before, after)


@pytest.fixture
def past(lived: Past, tmp_path: Path) -> Past:
    """That past, to be changed."""
    return lived.copy(tmp_path / "past")


def restore(past: Past, *arguments: str) -> Typed:
    """Run `clawtrail restore` with the backup."""
    return type_(past.data, "restore", str(past.backup), *arguments)


def ask(path: Path, query: str) -> list[tuple[object, ...]]:
    """Ask the database in *path* with the standard library."""
    conn = sqlite3.connect(f"file:{path}?mode=ro", uri=True)
    try:
        return conn.execute(query).fetchall()
    finally:
        conn.close()


def refused(done: Typed, said: str) -> bool:
    """Say whether a command was refused with one line that says this."""
    return (done.status, done.out, done.err.count("\n")) == (2, b"", 1) and said in done.err


def test_what_was_signed_since_is_not_lost_by_accident(past: Past) -> None:
    """A backup behind the present record is refused, and nothing has changed."""
    before = (past.data / "clawtrail.db").read_bytes()
    files = sorted(path.name for path in past.data.iterdir())
    assert refused(restore(past), "a checkpoint of")
    assert (past.data / "clawtrail.db").read_bytes() == before
    assert sorted(path.name for path in past.data.iterdir()) == files


def test_a_rollback_is_done_and_told(past: Past, tmp_path: Path) -> None:
    """With --allow-rollback it is done, the old database is kept whole, and the record says from and to."""
    database = past.data / "clawtrail.db"
    signed = ask(database, "SELECT max(size) FROM checkpoints")[0][0]
    events = ask(past.backup, "SELECT count(*) FROM events")[0][0]
    remembered = past.data / "clawtrail.verified"
    remembered.write_text("what a check of the longer record saw")
    done = restore(past, "--allow-rollback")
    assert not remembered.exists()
    assert (done.status, done.err) == (0, "")
    [aside] = past.data.glob("clawtrail.db.before-restore-*")
    assert ask(aside, f"SELECT count(*) FROM tasks WHERE id = '{past.after}'") == [(1,)]
    assert ask(database, f"SELECT count(*) FROM tasks WHERE id = '{past.after}'") == [(0,)]
    [(actor, detail)] = ask(database, "SELECT actor, detail FROM events WHERE type = 'record.restored'")
    told = json.loads(str(detail))
    assert (actor, told["size"], told["before_size"]) == ("system:operator", events, signed)
    assert database.stat().st_mode & 0o777 == 0o600
    assert type_(past.data, "backup", str(tmp_path / "again.db")).status == 0


def test_the_service_goes_on_with_it(past: Past) -> None:
    """A server serves the restored record, and a worker works on it."""
    assert restore(past, "--allow-rollback").status == 0
    with (
        start_server(past.data) as server,
        start_worker(server, past.data.parent / "wim"),
        server.client() as client,
    ):
        assert client.run("echo anew").stdout == "anew\n"
        assert not isinstance(client.get(past.before), Unfinished)


def test_what_was_redacted_since_stays_redacted(past: Past) -> None:
    """The backup still has the content; the restored files have not a byte of it, and the record says why."""
    assert b"before-swordfish" in past.backup.read_bytes()
    assert restore(past, "--allow-rollback").status == 0
    assert not any(b"before-swordfish" in path.read_bytes() for path in past.data.iterdir())
    told = ask(past.data / "clawtrail.db", "SELECT detail FROM events WHERE type = 'content.redacted'")
    assert {json.loads(str(detail))["reason"] for (detail,) in told} == {"a password"}


def test_a_lost_database_is_put_back_with_its_key(past: Past, tmp_path: Path) -> None:
    """On a new machine the backup and its key are all it takes."""
    new = Past(tmp_path / "new", past.backup, past.before, past.after)
    assert restore(new).status == 0
    assert (new.data / "clawtrail.key").read_bytes() == (past.data / "clawtrail.key").read_bytes()
    with start_server(new.data):
        pass
    assert ask(new.data / "clawtrail.db", "SELECT count(*) FROM events WHERE type = 'key.changed'") == [(0,)]


def test_without_the_key_the_verifier_key_will_do(past: Past, tmp_path: Path) -> None:
    """Where the key is lost, the verifier key is asked for; the next start makes a new one and says so."""
    verifier = type_(past.data, "audit", "key").text.strip()
    past.backup.with_name("backup.db.key").unlink()
    new = Past(tmp_path / "new", past.backup, past.before, past.after)
    assert refused(restore(new), "--key")
    assert refused(restore(new, "--key", "nonsense"), "--key")
    done = restore(new, "--key", verifier)
    assert done.status == 0
    assert "a new one" in done.text
    with start_server(new.data):
        pass
    assert ask(new.data / "clawtrail.db", "SELECT count(*) FROM events WHERE type = 'key.changed'") == [(1,)]


def test_a_running_server_keeps_it_away(past: Past) -> None:
    """While the server runs it is refused."""
    with start_server(past.data):
        assert refused(restore(past, "--allow-rollback"), "Stop it first")


@pytest.mark.parametrize(
    ("damage", "said"),
    [
        (lambda raw: raw[: len(raw) // 2], "cannot be copied|damaged|not good"),
        (lambda _raw: b"this is no database" * 1000, "cannot be copied"),
        (lambda raw: raw.replace(b'"timeout_ms":', b'"timeout_mz":', 1), "not good: event"),
    ],
)
def test_a_bad_backup_changes_nothing(past: Past, damage: Callable[[bytes], bytes], said: str) -> None:
    """Half a file, another file and one changed letter are each noticed before anything is replaced."""
    before = (past.data / "clawtrail.db").read_bytes()
    past.backup.write_bytes(damage(past.backup.read_bytes()))
    done = restore(past, "--allow-rollback")
    assert (done.status, done.out) == (1, b"")
    assert re.search(said, done.err)
    assert (past.data / "clawtrail.db").read_bytes() == before
    assert not list(past.data.glob("*.part*"))


def test_an_unreadable_database_is_not_lost_by_accident(past: Past) -> None:
    """When the present database cannot be read, nobody can tell what is lost: that needs the same word."""
    database = past.data / "clawtrail.db"
    database.write_bytes(b"this is no database" * 1000)
    assert refused(restore(past), "nobody can tell")
    assert restore(past, "--allow-rollback").status == 0
    [aside] = past.data.glob("clawtrail.db.before-restore-*")
    assert aside.read_bytes() == b"this is no database" * 1000
    [(detail,)] = ask(database, "SELECT detail FROM events WHERE type = 'record.restored'")
    assert "before_size" not in str(detail)
