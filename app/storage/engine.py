"""Engines for SQLite: one connection that writes, many that only read, and the lock on the file."""

from __future__ import annotations

import fcntl
import logging
from pathlib import Path
from types import ModuleType
from typing import IO, Any

from sqlalchemy import Connection, Engine, create_engine, event
from sqlalchemy.engine import make_url
from sqlalchemy.pool import QueuePool, StaticPool

try:
    from pysqlite3 import dbapi2 as _newer_sqlite
except ImportError:  # no wheel for this platform
    _newer_sqlite = None

FIRST_SOUND_SQLITE = (3, 51, 3)
"""Versions from 3.7.0 to the one before can corrupt a WAL database that two connections checkpoint."""

_log = logging.getLogger("clawtrail.storage")


class DatabaseInUse(Exception):
    """Another server already runs on this database file."""


class UnsupportedDatabase(Exception):
    """This database URL is not one that the service can use."""


def sqlite_path(url: str) -> Path:
    """Return the file that a ``sqlite:///`` URL names; refuse other databases and ``:memory:``."""
    parsed = make_url(url)
    if parsed.get_backend_name() != "sqlite" or not parsed.database or parsed.database == ":memory:":
        raise UnsupportedDatabase(
            f"The database {parsed.render_as_string()} is not a SQLite file; "
            "this version keeps its record in one, as sqlite:////path/to/clawtrail.db",
        )
    return Path(parsed.database)


def prepare(path: Path) -> None:
    """Make the database's folder and an empty file, if they are missing, for their owner alone.

    The file first: SQLite gives its log and its index of the log the mode that the database has
    when they are made.
    """
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    path.touch(mode=0o600)
    path.chmod(0o600)


def writing_engine(path: Path) -> Engine:
    """Return the engine with the one connection that writes: WAL, every commit on the disk.

    Its transactions are ``BEGIN IMMEDIATE``. It never checkpoints by itself: the writer does
    so between transactions.
    """
    engine = create_engine(
        "sqlite+pysqlite://",
        module=sqlite_module(),
        creator=lambda: _connect(path, _WRITING),
        poolclass=StaticPool,
    )
    event.listen(engine, "begin", _begin_immediate)
    return engine


def reading_engine(path: Path, *, connections: int) -> Engine:
    """Return an engine whose connections can only read; up to *connections* at a time, then wait."""
    return create_engine(
        "sqlite+pysqlite://",
        module=sqlite_module(),
        creator=lambda: _connect(path, _READING),
        poolclass=QueuePool,
        pool_size=connections,
        max_overflow=0,
    )


def lone_reading_engine(path: Path) -> Engine:
    """Return an engine whose one connection can only read, in the thread that asks for it first.

    SQLite leaves out the locks between threads there, of which it takes two for each cell that is read.
    """
    return create_engine(
        "sqlite+pysqlite://",
        module=sqlite_module(),
        creator=lambda: _connect(path, _READING, lone=True),
        poolclass=QueuePool,
        pool_size=1,
        max_overflow=0,
    )


def sqlite_module() -> ModuleType:
    """Return the newest SQLite driver there is; warn when its SQLite is known to corrupt files."""
    module: ModuleType = _newer_sqlite or _standard_sqlite()
    if module.sqlite_version_info < FIRST_SOUND_SQLITE:
        _log.warning(
            "SQLite %s has a known fault that can corrupt databases in WAL mode; "
            "install pysqlite3 (or SQLite 3.51.3 or newer)",
            module.sqlite_version,
        )
    return module


def _standard_sqlite() -> ModuleType:
    import sqlite3  # noqa: PLC0415 - where there is the newer one, this one would only take a megabyte

    return sqlite3


def lock(path: Path) -> IO[str]:
    """Take the one server's lock on the database *path*, until the returned file is closed.

    Raises ``DatabaseInUse`` when another process holds it. The kernel lets go of it when the
    process ends, however it ends.
    """
    held = path.with_name(path.name + ".lock").open("a")
    try:
        fcntl.flock(held, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        held.close()
        raise DatabaseInUse(
            f"Another server already runs on {path}. Stop it first, or give this one another --data folder.",
        ) from error
    return held


# What comes and what is asked for is mostly new, so few pages are as good as many: with four times as many,
# batches took as long, and a busy server 8 MB more. What is not in them is in the system's cache of files.
_WRITING = (
    "PRAGMA journal_mode=WAL",
    "PRAGMA synchronous=FULL",
    "PRAGMA foreign_keys=ON",
    "PRAGMA recursive_triggers=ON",
    "PRAGMA mmap_size=0",
    "PRAGMA secure_delete=ON",  # costs about 1 %; off, each change of a row leaves a copy of its old content
    "PRAGMA wal_autocheckpoint=0",
    "PRAGMA cache_size=-2048",
)
_READING = (
    "PRAGMA query_only=ON",
    "PRAGMA mmap_size=0",
    "PRAGMA wal_autocheckpoint=0",
    "PRAGMA cache_size=-512",
)


_NO_MUTEX = {"flags": 0x0000_8006}
"""Open to read and write, make the file if there is none (as usual), and no locks between threads."""


def _connect(path: Path, pragmas: tuple[str, ...], *, lone: bool = False) -> Any:  # noqa: ANN401 - a connection of either driver
    # isolation_level None switches the driver's own transactions off; SQLAlchemy says BEGIN.
    module = sqlite_module()
    dbapi = module.connect(
        str(path),
        timeout=5.0,
        isolation_level=None,
        check_same_thread=lone,
        **(_NO_MUTEX if lone and module is _newer_sqlite else {}),
    )
    for pragma in pragmas:
        dbapi.execute(pragma)
    return dbapi


def _begin_immediate(conn: Connection) -> None:
    driver: Any = conn.connection.driver_connection
    if not driver.in_transaction:  # the writer may have begun already
        driver.execute("BEGIN IMMEDIATE")
