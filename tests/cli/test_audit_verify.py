"""`clawtrail audit verify` as somebody types it: what it says, and with which status it ends."""

from __future__ import annotations

import json
import shutil
import sqlite3
import subprocess
from pathlib import Path

import pytest

from app.storage import key_file
from benchmarks.mutating.past import Past, live
from clawtrail.formats.notes import Signer
from tests.support.typing_commands import clawtrail


@pytest.fixture(scope="module")
def past(tmp_path_factory: pytest.TempPathFactory) -> Past:
    """A past with a little of everything."""
    return live(tmp_path_factory.mktemp("past"), seed=9)


@pytest.fixture
def data(past: Past, tmp_path: Path) -> Path:
    """A copy of its data folder."""
    return Path(shutil.copytree(past.database.parent, tmp_path / "data"))


def verify(data: Path, *options: str) -> subprocess.CompletedProcess[str]:
    """Run the command on a data folder."""
    return clawtrail("audit", "verify", "--data", str(data), *options)


def alter(data: Path, statement: str) -> None:
    """Write past the service."""
    with sqlite3.connect(data / "clawtrail.db") as conn:
        conn.execute(statement)
    conn.close()


def test_a_good_record_is_said_to_be_good(data: Path) -> None:
    """One line on standard output, nothing else, status 0; and the next check goes on from there."""
    done = verify(data)
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.startswith("All is well: ")
    told = json.loads(verify(data, "--since-checkpoint", "--json").stdout)
    assert (told["ok"], told["events"], told["since"]) == (True, 0, told["size"])


def test_the_first_fault_is_named(data: Path) -> None:
    """One fault with the number of its event and status 1; all of them with --all; JSON says the same."""
    alter(data, "UPDATE tasks SET priority = 77 WHERE rowid IN (3, 4)")
    one = verify(data)
    assert (one.returncode, one.stdout.count("\n")) == (1, 1)
    assert one.stdout.startswith("Not as it was written: event ")
    assert "its priority is 77, the record says 0" in one.stdout
    assert verify(data, "--all").stdout.count("its priority is 77") == 2
    [fault] = json.loads(verify(data, "--json").stdout)["faults"]
    assert f"event {fault['seq']}: task {fault['taskId']}: {fault['what']}" in one.stdout
    assert not (data / "clawtrail.verified").exists()


def test_a_kept_checkpoint_is_held_against_the_record(data: Path, past: Past, tmp_path: Path) -> None:
    """A record that was put back to an older copy is found by a note that somebody kept."""
    note = tmp_path / "note.txt"
    note.write_text(past.note, encoding="utf-8")
    assert verify(data, "--checkpoint", str(note)).returncode == 0
    shutil.copy(past.older[0], data / "clawtrail.db")
    (data / "clawtrail.verified").unlink()
    assert verify(data).returncode == 0
    held = verify(data, "--checkpoint", str(note))
    assert (held.returncode, "but the record has only" in held.stdout) == (1, True)


def test_the_last_good_check_is_a_witness_too(data: Path, past: Past) -> None:
    """A record that is shorter than what a check saw is not good, whether checked in part or whole."""
    assert verify(data).returncode == 0
    shutil.copy(past.older[0], data / "clawtrail.db")
    assert "at the last check" in verify(data, "--since-checkpoint").stdout
    assert "the last good check" in verify(data).stdout


def test_what_cannot_be_checked_ends_with_two(data: Path, tmp_path: Path) -> None:
    """Without a database, a key, or an earlier check there is a sentence on standard error and status 2."""
    earlier = verify(data, "--since-checkpoint")
    assert (earlier.returncode, "without --since-checkpoint" in earlier.stderr) == (2, True)
    key = key_file.key_path(data / "clawtrail.db")
    verifier = key_file.load(key).verifier
    key.unlink()
    keyless = verify(data)
    assert (keyless.returncode, "--key" in keyless.stderr) == (2, True)
    assert verify(data, "--key", str(verifier)).returncode == 0
    assert verify(data, "--key", str(Signer.generate(verifier.name).verifier)).returncode == 1
    assert verify(tmp_path / "nowhere").returncode == 2
