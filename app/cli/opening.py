"""Opening the database of a server for one command."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from sqlalchemy import Engine

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
    writing = engine.writing_engine(database(given))
    or_leave(lambda: _known_schema(writing))
    opened = Writer(writing, committed=lambda _events: None, failed=lambda: None)
    try:
        yield opened
    finally:
        opened.farewell(lambda _conn: None)
        writing.dispose()


def database(given: dict[str, Any]) -> Path:
    """Return the file of the database that the options in *given* name; leave when there is none."""
    settings = settings_of(given)
    path = or_leave(lambda: engine.sqlite_path(settings.url))
    if not or_leave(path.exists):
        leave(f"There is no database at {path}. Make it with: clawtrail migrate --data DIR")
    return path


def _known_schema(opened: Engine) -> None:
    found = migrating.revision(opened)
    if found != migrating.HEAD:
        raise migrating.SchemaFromTheFuture(
            f"The database is at schema {found}, this version needs {migrating.HEAD}: "
            "run clawtrail migrate while the server is stopped.",
        )
