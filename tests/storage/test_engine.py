"""Connections: one that writes durably, others that can only read, and one server a file."""

from __future__ import annotations

import logging
import sqlite3
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError, OperationalError, ProgrammingError

from app.storage import engine
from app.storage.engine import DatabaseInUse, UnsupportedDatabase
from tests.support import acts
from tests.support.database import Database
from tests.support.processes import REPOSITORY


def pragmas(db: Database, *names: str) -> list[object]:
    """Return settings of the writing connection."""
    return db.writer.maintain(
        lambda driver: [driver.execute(f"PRAGMA {name}").fetchone()[0] for name in names]
    )


def test_the_writing_connection_syncs_every_commit(db: Database) -> None:
    """WAL with synchronous=FULL, triggers that recurse, no memory map, and no checkpoints of its own."""
    found = pragmas(
        db, "journal_mode", "synchronous", "recursive_triggers", "mmap_size", "wal_autocheckpoint"
    )
    assert found == ["wal", 2, 1, 0, 0]


@pytest.mark.parametrize(
    "statement", ["DELETE FROM tokens", "UPDATE tasks SET priority = 1", "CREATE TABLE x (y)"]
)
def test_a_reading_connection_cannot_write(db: Database, statement: str) -> None:
    """Whatever a reader tries, the database refuses it."""
    acts.submit(db)
    with pytest.raises(DBAPIError, match="readonly"):
        db.read(lambda conn: conn.execute(text(statement)))


def test_readers_see_what_is_committed_while_somebody_writes(db: Database) -> None:
    """Reading does not wait for the writer, and sees nothing of an act that is not committed."""
    task_id = acts.submit(db)

    def act(conn: object) -> str:
        assert db.state(task_id) == "pending"
        return task_id

    assert db.write(act) == task_id


def test_the_lock_is_held_by_one_process(tmp_path: Path) -> None:
    """A second process is refused while the first lives, and let in when it is gone, however it went."""
    path = tmp_path / "clawtrail.db"
    program = "import sys; from pathlib import Path; from app.storage import engine\n"
    program += "held = engine.lock(Path(sys.argv[1])); print('held', flush=True); sys.stdin.read()"
    with subprocess.Popen(
        [sys.executable, "-c", program, str(path)],
        cwd=REPOSITORY,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    ) as other:
        assert other.stdout is not None
        assert other.stdout.readline() == b"held\n"
        with pytest.raises(DatabaseInUse, match="already runs on"):
            engine.lock(path)
        other.kill()
    engine.lock(path).close()
    engine.lock(path).close()


@pytest.mark.parametrize(
    "url", ["sqlite://", "sqlite:///:memory:", "postgresql://u:hunter2@localhost/x", "mysql://u:hunter2@h/x"]
)
def test_other_databases_are_refused_in_a_sentence(url: str) -> None:
    """Only a SQLite file will do for now, and a password in the URL is not shown."""
    with pytest.raises(UnsupportedDatabase) as refusal:
        engine.sqlite_path(url)
    assert "is not a SQLite file" in str(refusal.value)
    assert "hunter2" not in str(refusal.value)


def test_an_old_sqlite_is_used_with_a_warning(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """Without the newer driver the standard one serves, and its known fault is said if it has it."""
    monkeypatch.setattr(engine, "_newer_sqlite", None)
    with caplog.at_level(logging.WARNING):
        assert engine.sqlite_module() is sqlite3
    has_fault = sqlite3.sqlite_version_info < engine.FIRST_SOUND_SQLITE
    assert bool(caplog.records) == has_fault


def test_the_log_is_brought_back_by_the_writer_alone(db: Database) -> None:
    """A truncating checkpoint between acts leaves an empty log and loses nothing."""
    ids = [acts.submit(db) for _ in range(20)]
    wal = db.path.with_name(db.path.name + "-wal")
    assert wal.stat().st_size > 0
    db.writer.maintain(lambda driver: driver.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall())
    assert wal.stat().st_size == 0
    assert {db.state(task_id) for task_id in ids} == {"pending"}


def test_a_lone_connection_is_for_one_thread(tmp_path: Path) -> None:
    """A connection that takes no locks between threads is refused to any other thread, and never writes."""
    path = tmp_path / "clawtrail.db"
    writing = engine.writing_engine(path)
    with writing.begin() as conn:
        conn.exec_driver_sql("CREATE TABLE t (a)")
    writing.dispose()
    reading = engine.lone_reading_engine(path)
    with reading.connect() as conn:
        assert conn.exec_driver_sql("SELECT count(*) FROM t").scalar_one() == 0
        with pytest.raises(OperationalError, match="readonly"):
            conn.exec_driver_sql("INSERT INTO t VALUES (1)")
        with ThreadPoolExecutor(1) as other, pytest.raises(ProgrammingError, match="thread"):
            other.submit(conn.exec_driver_sql, "SELECT 1").result()
    reading.dispose()
