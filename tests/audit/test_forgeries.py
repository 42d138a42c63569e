"""Forged databases: gaps, forged leaves, impossible ways, tables that say otherwise."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from tests.support import acts
from tests.support.database import Database

MOVED = (
    "UPDATE tasks SET payload = substr(payload, 2),"
    " payload_salt = CAST(payload_salt || substr(payload, 1, 1) AS BLOB)"
)
"""The digest is of salt and payload in a row, so it still fits."""


@contextmanager
def forger(db: Database) -> Iterator[sqlite3.Connection]:
    """Write to the file past the service, with the triggers taken out of the way."""
    conn = sqlite3.connect(db.path, isolation_level=None)
    for table in ("events", "outcomes", "output"):
        for what in ("update", "delete", "replace"):
            conn.execute(f"DROP TRIGGER {table}_no_{what}")
    yield conn
    conn.close()


@pytest.fixture
def finished(db: Database) -> str:
    """A task that was done."""
    task_id = acts.submit(db)
    acts.result(db, acts.started(db))
    assert db.faults() == []
    return task_id


@pytest.mark.parametrize(
    ("forgery", "found"),
    [
        ("DELETE FROM events WHERE seq = 2", "event 2: this event is missing"),
        ("UPDATE events SET actor = 'client:mallory' WHERE seq = 0", "its leaf is not the event's"),
        ("UPDATE events SET detail = '{}' WHERE seq = 3", "its leaf is not the event's"),
        ("UPDATE events SET at = at + 1 WHERE seq = 3", "its leaf is not the event's"),
        ("UPDATE tasks SET state = 'failed'", "its state is 'failed', the record says 'completed'"),
        ("UPDATE tasks SET submitted_by = 'client:mallory'", "its submitted_by is 'client:mallory'"),
        ("UPDATE tasks SET finished_at = 1", "its finished_at is 1"),
        ("UPDATE tasks SET timeout_ms = 1", "its timeout_ms is 1"),
        ("UPDATE tasks SET claimed_by = 'mallory'", "its claimed_by is 'mallory'"),
        (MOVED, "its payload is not what was submitted"),
        ("DELETE FROM tasks", "it is on the record, but not in the table"),
        ("DELETE FROM events", "a task that the record does not know"),
    ],
)
def test_a_forgery_is_found(db: Database, finished: str, forgery: str, found: str) -> None:
    """Whatever is changed in the record or in the tables, the check says where and what."""
    with forger(db) as conn:
        conn.execute(forgery)
    assert any(found in str(fault) for fault in db.faults()), db.faults()


def test_every_kind_of_life_is_followed(db: Database) -> None:
    """Released, requeued, cancelled, expired and lost tasks are rebuilt as the tables have them."""
    [released] = acts.claim(db) if acts.submit(db) else []
    acts.cancel(db, released.task_id)
    acts.submit(db, "file-read", priority=7, labels='["gpu=1"]', tags='["x"]', session_key="s")
    acts.submit(db, "file-read", effect="mutating", max_attempts=4, expires_at=db.now + 5, on_behalf_of="eve")
    assert db.faults() == []
