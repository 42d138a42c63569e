"""`clawtrail backup`: a whole copy under load, and never half a file under the final name."""

from __future__ import annotations

import signal
import sqlite3
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from app.services.outcomes import Outcome
from tests.support import acts
from tests.support.database import Database
from tests.support.patience import until
from tests.support.processes import Server, start_server, start_worker
from tests.support.typing_commands import start, type_

DATA = bytes(range(256)) * 12_000


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A server and its worker, at work."""
    folder = tmp_path_factory.mktemp("service")
    with start_server(folder / "data", rate_limit="none") as server, start_worker(server, folder / "wim"):
        with server.client() as client:
            client.run("echo hello")
        yield server


@pytest.fixture
def data(server: Server) -> Path:
    """That server's data folder."""
    return Path(server.environ["CLAWTRAIL_DATA"])


def ask(path: Path, query: str) -> list[tuple[object, ...]]:
    """Ask the database in *path* with the standard library."""
    conn = sqlite3.connect(f"file:{path}?mode=ro", uri=True)
    try:
        return conn.execute(query).fetchall()
    finally:
        conn.close()


@pytest.fixture
def large(db: Database) -> Path:
    """The folder of a database of 30 MB, which takes a moment to copy."""
    for _ in range(10):
        acts.submit(db)
        claimed = acts.started(db)
        acts.output(db, claimed, DATA)
        acts.result(db, claimed, Outcome(0, "exit", None, 5, None, len(DATA), 0, truncated=False))
    db.close()
    return db.path.parent


def test_a_copy_is_one_whole_file_for_its_owner(data: Path, tmp_path: Path) -> None:
    """The copy has all that was committed, is whole, has no log, and nobody else may read it."""
    file = tmp_path / "copy.db"
    events = ask(data / "clawtrail.db", "SELECT count(*) FROM events")
    done = type_(data, "backup", str(file))
    assert (done.status, done.err) == (0, "")
    assert done.text.startswith(f"{file}: ")
    assert ask(file, "PRAGMA integrity_check") == [("ok",)]
    assert ask(file, "SELECT count(*) FROM events") >= events
    assert list(tmp_path.iterdir()) == [file]
    assert file.stat().st_mode & 0o777 == 0o600


def test_under_load_nobody_waits_and_each_copy_is_one_moment(
    server: Server, data: Path, tmp_path: Path
) -> None:
    """While four clients submit, every copy is whole and checked, and every submission is taken."""
    stop, faults, taken = threading.Event(), [], []

    def submit() -> None:
        with server.client() as client:
            while not stop.is_set():
                try:
                    taken.append(client.submit("true", labels=["nobody=here"]).task_id)
                except Exception as fault:
                    faults.append(fault)
                    raise

    threads = [threading.Thread(target=submit) for _ in range(4)]
    for thread in threads:
        thread.start()
    copies = [tmp_path / f"{number}.db" for number in range(3)]
    done = [type_(data, "backup", str(copy)) for copy in copies]
    stop.set()
    for thread in threads:
        thread.join()
    assert [one.status for one in done] == [0, 0, 0], [one.err for one in done]
    assert not faults
    sizes = [ask(copy, "SELECT count(*), max(seq) + 1 FROM events")[0] for copy in copies]
    assert sizes == sorted(sizes)
    assert all(count == end for count, end in sizes)
    kept = {row[0] for row in ask(data / "clawtrail.db", "SELECT id FROM tasks")}
    assert len(taken) > 20
    assert set(taken) <= kept


def test_a_kill_leaves_no_half_file_under_the_name(large: Path, tmp_path: Path) -> None:
    """Killed when it has begun to write, it leaves nothing under the final name; the next one is whole."""
    target = tmp_path / "backups" / "copy.db"
    target.parent.mkdir()
    with start(large, "backup", str(target)) as process:
        until(lambda: any(part.stat().st_size > 4096 for part in target.parent.glob("*.part")))
        process.send_signal(signal.SIGKILL)
        process.wait(30)
    assert process.returncode == -signal.SIGKILL
    assert not target.exists()
    assert list(target.parent.glob("*.part"))
    assert type_(large, "backup", str(target)).status == 0
    assert ask(target, "PRAGMA integrity_check") == [("ok",)]


def test_nothing_is_overwritten_unless_told(data: Path, tmp_path: Path) -> None:
    """A file of that name is left alone, and --force replaces it."""
    file = tmp_path / "copy.db"
    file.write_text("of another")
    refused = type_(data, "backup", str(file))
    assert (refused.status, refused.out) == (2, b"")
    assert "--force" in refused.err
    assert file.read_text() == "of another"
    assert type_(data, "backup", str(file), "--force").status == 0
    assert ask(file, "PRAGMA integrity_check") == [("ok",)]


def test_the_key_comes_along_only_when_asked_for(data: Path, tmp_path: Path) -> None:
    """--with-key writes it beside the copy, for its owner alone; without, it is nowhere."""
    file, key = tmp_path / "copy.db", tmp_path / "copy.db.key"
    assert type_(data, "backup", str(file)).status == 0
    assert not key.exists()
    assert type_(data, "backup", str(file), "--force", "--with-key").status == 0
    assert key.read_bytes() == (data / "clawtrail.key").read_bytes()
    assert key.stat().st_mode & 0o777 == 0o600


def test_a_record_with_a_fault_gets_no_copy(large: Path, tmp_path: Path) -> None:
    """A copy whose record does not verify is deleted; the first fault is said, and the status is 1."""
    conn = sqlite3.connect(large / "clawtrail.db")
    conn.execute("DROP TRIGGER events_no_update")
    conn.execute("UPDATE events SET actor = 'client:ben' WHERE seq = 3")
    conn.execute(
        "CREATE TRIGGER events_no_update BEFORE UPDATE ON events"
        " BEGIN SELECT RAISE(ABORT, 'events is insert-only'); END"
    )
    conn.commit()
    conn.close()
    target = tmp_path / "backups" / "copy.db"
    target.parent.mkdir()
    done = type_(large, "backup", str(target))
    assert done.status == 1
    assert "event 3" in done.err
    assert list(target.parent.iterdir()) == []


def test_faults_are_said_in_a_sentence(data: Path, tmp_path: Path) -> None:
    """A folder that is not there, and a data folder without a database, are refused in one line."""
    for folder, target in ((data, tmp_path / "no" / "copy.db"), (tmp_path, tmp_path / "copy.db")):
        done = type_(folder, "backup", str(target))
        assert (done.status, done.out) == (2, b"")
        assert done.err.count("\n") == 1
