"""The record cannot be changed, not even from a plain ``sqlite3`` shell."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from tests.support import acts
from tests.support.database import Database

CHANGES = {
    "events": [
        "UPDATE events SET actor = 'client:nobody'",
        "UPDATE events SET seq = seq + 100 WHERE seq = 0",
        "UPDATE OR REPLACE events SET detail = '{}' WHERE seq = 0",
        "DELETE FROM events",
        "DELETE FROM events WHERE seq = 0",
        "INSERT OR REPLACE INTO events SELECT seq, at, type, task_id, attempt, 'x', detail, leaf FROM events",
        "REPLACE INTO events SELECT * FROM events",
        "INSERT INTO events SELECT * FROM events WHERE true ON CONFLICT (seq) DO UPDATE SET actor = 'x'",
        "INSERT INTO events SELECT * FROM events WHERE true ON CONFLICT DO NOTHING",
        "INSERT OR IGNORE INTO events SELECT * FROM events",
    ],
    "outcomes": [
        "UPDATE outcomes SET exit_code = 7",
        "DELETE FROM outcomes",
        "INSERT OR REPLACE INTO outcomes SELECT * FROM outcomes",
        (
            "INSERT INTO outcomes SELECT * FROM outcomes WHERE true"
            " ON CONFLICT (task_id, attempt, nr) DO UPDATE SET exit_code = 7"
        ),
    ],
    "output": [
        "UPDATE output SET data = x'00'",
        "DELETE FROM output",
        "INSERT OR REPLACE INTO output SELECT task_id, attempt, stream, \"offset\", x'00', at FROM output",
        (
            "INSERT INTO output SELECT * FROM output WHERE true"
            " ON CONFLICT (task_id, attempt, stream, \"offset\") DO UPDATE SET data = x'00'"
        ),
    ],
}


def shell(path: Path, *statements: str) -> subprocess.CompletedProcess[str]:
    """Run statements in the ``sqlite3`` program, as somebody with access to the file would."""
    return subprocess.run(
        ["sqlite3", "-batch", "-quote", str(path), *statements],
        capture_output=True,
        text=True,
        timeout=20,
        check=False,
    )


@pytest.fixture(scope="module")
def kept(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A closed database with a finished task, its output and its outcome; no test changes it."""
    db = Database(tmp_path_factory.mktemp("kept"))
    acts.submit(db)
    claimed = acts.started(db)
    acts.output(db, claimed, b"hello\n")
    acts.result(db, claimed)
    db.close()
    return db.path


def dump(path: Path, table: str) -> str:
    """Return all that is in *table*."""
    return shell(path, f"SELECT * FROM {table}").stdout


@pytest.mark.parametrize("recursive", ["OFF", "ON"])
@pytest.mark.parametrize(
    ("table", "change"), [(table, change) for table, changes in CHANGES.items() for change in changes]
)
def test_no_statement_changes_what_is_on_record(kept: Path, table: str, change: str, recursive: str) -> None:
    """UPDATE, DELETE, REPLACE and upsert are refused by the triggers, whatever the shell's settings."""
    before = dump(kept, table)
    assert before
    refused = shell(kept, f"PRAGMA recursive_triggers={recursive}", change)
    assert f"{table} is insert-only" in refused.stderr, refused
    assert dump(kept, table) == before


@pytest.mark.parametrize(
    "change",
    [
        "state = 'completed'",
        "state = 'completed', finished_at = 1",
        "finished_at = 1",
        "state = 'running', started_at = 1",
        "state = 'claimed', claimed_by = 'wim'",
        "state = 'claimed', lease_expires_at = 1",
        "lease_expires_at = 1",
        "claimed_by = 'wim'",
        "state = 'asleep'",
        "effect = 'harmless'",
        "attempt = 2",
        "attempt = -1",
        "priority = 'high'",
    ],
)
def test_states_and_times_are_tied_together(db: Database, change: str) -> None:
    """The table refuses a state without its times, times without their state, and words it does not know."""
    task_id = acts.submit(db)
    db.close()
    refused = shell(db.path, f"UPDATE tasks SET {change} WHERE id = '{task_id}'")
    assert "constraint" in refused.stderr or "cannot store" in refused.stderr, refused


@pytest.mark.parametrize(
    "row",
    [
        "VALUES (-1, 1, 't', NULL, NULL, 'a', '{}', zeroblob(32))",
        "VALUES (9999, 1, 't', NULL, NULL, 'a', '{}', zeroblob(31))",
        "VALUES (9999, 1, 't', NULL, NULL, 'a', '{}', NULL)",
        "VALUES (9999, 'noon', 't', NULL, NULL, 'a', '{}', zeroblob(32))",
    ],
)
def test_an_event_has_a_place_and_a_leaf(db: Database, row: str) -> None:
    """An event without its 32-byte leaf, with a negative number or a time of words is refused."""
    db.close()
    assert shell(db.path, f"INSERT INTO events {row}").stderr


def test_only_one_outcome_of_an_attempt_is_accepted(kept: Path) -> None:
    """A second accepted outcome beside the first is refused by the table itself."""
    columns = "exit_code, reason, error, duration_ms, metadata, stdout_bytes, stderr_bytes, stdout_digest"
    columns += ", stderr_digest, truncated, lease_hash, salt, digest, reported_at"
    refused = shell(
        kept,
        f"INSERT INTO outcomes (task_id, attempt, nr, accepted, {columns})"
        f" SELECT task_id, attempt, 1, 1, {columns} FROM outcomes",
    )
    assert "CHECK" in refused.stderr
