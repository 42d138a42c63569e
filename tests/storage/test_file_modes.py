"""Who may read the database's files."""

from __future__ import annotations

import stat
from pathlib import Path

from app.storage import engine, migrating


def test_nobody_else_may_read_the_database(tmp_path: Path) -> None:
    """The database, its log and the log's index are for their owner alone, in an open folder too."""
    tmp_path.chmod(0o755)
    path = tmp_path / "clawtrail.db"
    engine.prepare(path)
    writing = engine.writing_engine(path)
    migrating.upgrade(writing)
    modes = {file.name: stat.S_IMODE(file.stat().st_mode) for file in tmp_path.iterdir()}
    writing.dispose()
    assert modes == {"clawtrail.db": 0o600, "clawtrail.db-wal": 0o600, "clawtrail.db-shm": 0o600}
