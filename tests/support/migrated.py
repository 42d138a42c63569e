"""An empty database of this version, made once a process: migrating takes longer than most tests."""

from __future__ import annotations

import atexit
import shutil
import tempfile
from functools import cache
from pathlib import Path

from app.storage import engine, migrating


def lay(folder: Path) -> Path:
    """Put an empty database into *folder*, unless there is one; return its path."""
    path = folder / "clawtrail.db"
    if not path.exists():
        engine.prepare(path)
        shutil.copyfile(_migrated(), path)
    return path


@cache
def _migrated() -> Path:
    folder = tempfile.mkdtemp(prefix="clawtrail-migrated-")
    atexit.register(shutil.rmtree, folder)
    path = Path(folder) / "clawtrail.db"
    writing = engine.writing_engine(path)
    migrating.upgrade(writing)
    writing.dispose()
    return path
