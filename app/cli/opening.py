"""Opening the database of a server for one command."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, Engine
from sqlalchemy.exc import DatabaseError

from app.cli.leaving import leave, or_leave
from app.cli.options import settings_of
from app.storage import engine, migrating
from app.storage.writer import Writer

OPERATOR = "system:operator"
"""Who acts in the record when somebody types a command beside the database."""


@contextmanager
def writer(given: dict[str, Any]) -> Iterator[Writer]:
    """Open the database that the options in *given* name for writing, also while the server runs.

    Leaves with a sentence when there is none, or when it is not at this version's schema.
    """
    with writer_at(database(given)) as opened:
        yield opened


@contextmanager
def writer_at(path: Path) -> Iterator[Writer]:
    """Open the database at *path* for writing; leave when it is not at this version's schema."""
    writing = engine.writing_engine(path)
    or_leave(lambda: _known_schema(writing))
    opened = Writer(writing, committed=lambda _events: None, failed=lambda: None)
    try:
        yield opened
    finally:
        opened.farewell(lambda _conn: None)
        writing.dispose()


@contextmanager
def reader(given: dict[str, Any]) -> Iterator[tuple[Path, Connection]]:
    """Open the database that the options in *given* name for reading only, and tell which file it is.

    The server may run, and is not held up as long as no statement stays open. Leaves with a sentence when
    there is none, when this user may not read it, or when it is not at this version's schema.
    """
    path = database(given)
    reading = engine.lone_reading_engine(path)
    try:
        with reading.connect() as conn:
            conn.exec_driver_sql("SELECT count(*) FROM sqlite_schema")
        or_leave(lambda: _known_schema(reading))
        with reading.connect() as conn:
            yield path, conn
    except DatabaseError as error:
        leave(f"The database at {path} cannot be read: {error.orig}. Run this as its owner.")
    finally:
        reading.dispose()


def database(given: dict[str, Any]) -> Path:
    """Return the file of the database that the options in *given* name; leave when there is none."""
    settings = settings_of(given)
    path = or_leave(lambda: engine.sqlite_path(settings.url))
    try:
        there = path.exists()
    except PermissionError:
        leave(f"The database at {path} is not for this user. Run this as its owner.")
    if not there:
        leave(f"There is no database at {path}. Make it with: clawtrail migrate --data DIR")
    return path


def now() -> int:
    """Return the present instant in epoch milliseconds."""
    return time.time_ns() // 1_000_000


def _known_schema(opened: Engine) -> None:
    found = migrating.revision(opened)
    if found != migrating.HEAD:
        raise migrating.SchemaFromTheFuture(
            f"The database is at schema {found}, this version needs {migrating.HEAD}: "
            "run clawtrail migrate while the server is stopped.",
        )
