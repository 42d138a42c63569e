"""Copying a database while it is in use, and putting a file under its name only when it is whole."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

from app.storage.engine import sqlite_module

_PAGES_AT_ONCE = 2048


class CopyUnusable(Exception):
    """The copy is not what it should be; the message says in what."""


def copy(source: Path, target: Path, *, progress: Callable[[int, int], None] | None = None) -> None:
    """Copy the database *source*, as it is at one moment, into the empty file *target*, and to the disk.

    Others may read and write *source* meanwhile, and are not held up. Only its write-ahead log cannot
    be emptied until the copy is made. *target* becomes one file without a log. *progress* is called with
    how many pages of how many are copied. Raises ``CopyUnusable`` for a source that is no database, and for
    a copy that is not whole.
    """
    module = sqlite_module()
    try:
        with (
            closing(_open(source)) as read,
            closing(module.connect(str(target), isolation_level=None)) as write,
        ):
            # All of it within one read transaction: else it begins anew whenever somebody writes.
            read.execute("BEGIN")
            read.execute("SELECT count(*) FROM sqlite_schema").fetchone()
            write.execute("PRAGMA synchronous=OFF")
            read.backup(
                write,
                pages=_PAGES_AT_ONCE,
                progress=None
                if progress is None
                else lambda _status, remaining, total: progress(total - remaining, total),
            )
            read.execute("ROLLBACK")
            write.execute("PRAGMA journal_mode=DELETE")
            [first] = write.execute("PRAGMA integrity_check(1)").fetchone()
    except module.Error as error:
        raise CopyUnusable(f"{source} cannot be copied as a database: {error}") from error
    if first != "ok":
        raise CopyUnusable(f"The copy of {source} is damaged: {first}")
    sync(target)


@contextmanager
def becoming(path: Path, *, replace: bool) -> Iterator[Path]:
    """Yield an empty file beside *path*, for its owner alone, that gets its name when the block ends well.

    Then it is on the disk, under that name, whatever happens. When the block ends otherwise, it is deleted.
    Raises ``FileExistsError`` at the end when there is a *path* already, unless it is to be replaced.
    """
    handle, name = tempfile.mkstemp(prefix=f"{path.name}.", suffix=".part", dir=path.parent)
    os.close(handle)
    beside = Path(name)
    try:
        yield beside
        if replace:
            beside.replace(path)
        else:
            path.hardlink_to(beside)  # which replaces nothing
    finally:
        beside.unlink(missing_ok=True)
    sync(path.parent)


def sync(path: Path) -> None:
    """Bring a file, or the names in a folder, to the disk."""
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def set_aside(path: Path, aside: Path) -> None:
    """Give the database *path* a second name, *aside*, so that another can be put in its place.

    Nobody may have it open. It keeps its name until then, so that at no moment there is none; but it has no
    log any more, which another database must not find. A log that cannot be brought into it goes aside.
    """
    _empty_log(path)
    for ending in ("-wal", "-shm"):
        part = path.with_name(path.name + ending)
        if part.exists():
            part.rename(aside.with_name(aside.name + ending))
    aside.hardlink_to(path)
    sync(path.parent)


def _empty_log(path: Path) -> None:
    """Bring the log into its database, if that can be opened; whoever closes it last deletes the log."""
    module = sqlite_module()
    try:
        with closing(module.connect(str(path), isolation_level=None)) as conn:
            conn.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()
    except module.Error:
        return


def _open(source: Path) -> Any:  # noqa: ANN401 - a connection of either driver
    # Not immutable and not read-only: the log of a database that nobody has open needs an index to be read.
    conn = sqlite_module().connect(f"file:{_quoted(source)}?mode=rw", uri=True, isolation_level=None)
    conn.execute("PRAGMA query_only=ON")
    conn.execute("PRAGMA wal_autocheckpoint=0")
    return conn


def _quoted(path: Path) -> str:
    return str(path.absolute()).replace("%", "%25").replace("?", "%3f").replace("#", "%23")
