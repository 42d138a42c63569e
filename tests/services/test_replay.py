"""The replay finds what does not fit: gaps, forged leaves, impossible ways, tables that say otherwise."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from tests.support import acts
from tests.support.database import Database


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
        ("DELETE FROM events WHERE seq = 2", "seq 3 follows 1"),
        ("DELETE FROM events WHERE seq = 2", "task.completed while the task was claimed"),
        ("UPDATE events SET actor = 'client:mallory' WHERE seq = 0", "the leaf is not the event's"),
        ("UPDATE events SET detail = '{}' WHERE seq = 3", "the leaf is not the event's"),
        ("UPDATE events SET at = at + 1 WHERE seq = 3", "the leaf is not the event's"),
        ("UPDATE tasks SET state = 'failed'", "state is 'failed', the record says 'completed'"),
        ("UPDATE tasks SET submitted_by = 'client:mallory'", "submitted_by is 'client:mallory'"),
        ("UPDATE tasks SET finished_at = 1", "finished_at is 1"),
        ("UPDATE tasks SET timeout_ms = 1", "timeout_ms is 1"),
        ("UPDATE tasks SET claimed_by = 'mallory'", "claimed_by is 'mallory'"),
        ("DELETE FROM tasks", "the record knows a task that is not in the table"),
        ("DELETE FROM events", "a task that the record does not know"),
    ],
)
def test_a_forgery_is_found(db: Database, finished: str, forgery: str, found: str) -> None:
    """Whatever is changed in the record or in the tables, the replay says where and what."""
    with forger(db) as conn:
        conn.execute(forgery)
    assert any(found in fault.what for fault in db.faults()), db.faults()


def test_the_replay_follows_every_kind_of_life(db: Database) -> None:
    """Released, requeued, cancelled, expired and lost tasks are rebuilt as the tables have them."""
    [released] = acts.claim(db) if acts.submit(db) else []
    acts.cancel(db, released.task_id)
    acts.submit(db, "file-read", priority=7, labels='["gpu=1"]', tags='["x"]', session_key="s")
    acts.submit(db, "file-read", effect="mutating", max_attempts=4, expires_at=db.now + 5, on_behalf_of="eve")
    assert db.faults() == []
