"""Overwriting what deleted rows left behind in the database file: free bytes of pages, free pages, the log.

SQLite overwrites what it deletes (``secure_delete``), but when it spreads the rows of a full page over
several, copies stay behind in the free middle of the old one. SQL does not reach these bytes, so they
are overwritten in the file itself, under the database's write lock and with nothing in its log. Page
layout: https://www.sqlite.org/fileformat2.html, sections 1.5 and 1.6.
"""

from __future__ import annotations

import os
import time
from collections.abc import Collection
from pathlib import Path
from struct import unpack_from
from typing import Any, BinaryIO

from app.storage.emptying import empty_log

_TREE_PAGES = {2: 12, 5: 12, 10: 8, 13: 8}
"""The first byte of a page of a tree, and how long its header is. Overflow pages begin with 0."""
_FIRST_HEADER = 100
_MOST_PAGES = 2 << 24
"""From here on, an overflow page could begin with another byte than 0: it begins with a page's number."""
_AT_ONCE = 256
_ZEROS = bytes(65536)

_BUSY = (
    "Somebody goes on using the database, so its write-ahead log could not be emptied. What was taken out is "
    "gone from the tables, but may still be in the files. Give the same command again."
)

Span = tuple[int, int]


class NotSwept(Exception):
    """What was taken out may still be in the file; the message says why, and what to do."""


def sweep(file: BinaryIO, driver: Any, *, patience: float) -> int:  # noqa: ANN401 - the driver's own connection
    """Overwrite all free bytes of the database that *driver* has open; return how many pages that changed.

    Others may go on reading and writing meanwhile; they wait for moments only. *file* is the same database,
    open for reading and writing without a buffer. It must stay open until this process has closed all
    connections to the database: closing it would drop their locks on it. Raises ``NotSwept`` when the
    log is not empty for one moment in *patience* seconds, and for a file of more than 128 GiB.
    """
    until = time.monotonic() + patience
    _empty_log(driver, until=until)
    trees = _tree_pages_to_sweep(file)
    while time.monotonic() < until:
        driver.execute("BEGIN IMMEDIATE")
        try:
            if _is_log_empty(driver):
                swept = _overwrite(file, trees)
                # Changes nothing, but is a commit: whoever has one of the pages at hand reads it anew.
                [version] = driver.execute("PRAGMA user_version").fetchone()
                driver.execute(f"PRAGMA user_version = {int(version)}")
                driver.execute("COMMIT")
                return swept
        finally:
            if driver.in_transaction:
                driver.execute("ROLLBACK")
        _empty_log(driver, until=until)
    raise NotSwept(_BUSY)


def _empty_log(driver: Any, *, until: float) -> None:  # noqa: ANN401 - the driver's own connection
    """Empty the write-ahead log by the clock's *until*; raises ``NotSwept`` when a reader holds it longer."""
    while not empty_log(driver, wait_ms=20):  # not long, but often
        if time.monotonic() > until:
            raise NotSwept(_BUSY)
        time.sleep(0.05)


def _is_log_empty(driver: Any) -> bool:  # noqa: ANN401 - the driver's own connection
    [_, _, name] = driver.execute("PRAGMA database_list").fetchone()
    log = Path(f"{name}-wal")
    return not log.exists() or log.stat().st_size == 0


def _tree_pages_to_sweep(file: BinaryIO) -> list[int]:
    """Return the number (from 0) of each page of a tree with something in its free bytes.

    Pages may be half written while they are read here, so this only tells where to look again.
    """
    size, count = _shape(file)
    found = []
    for first in range(0, count, _AT_ONCE):
        data = os.pread(file.fileno(), _AT_ONCE * size, first * size)
        for at in range(0, len(data) - size + 1, size):
            number, page = first + at // size, data[at : at + size]
            if _dirty(page, _free_spans(page, number)):
                found.append(number)
    return found


def _overwrite(file: BinaryIO, trees: Collection[int]) -> int:
    """Overwrite the free bytes of all free pages and of the pages in *trees*; return in how many were any."""
    size, count = _shape(file)
    free = _free_pages(file, size)
    swept = 0
    for number in {*free, *trees}:
        page = os.pread(file.fileno(), size, number * size) if number < count else b""
        spans = [(free[number], size)] if number in free else _free_spans(page, number)
        dirty = _dirty(page, spans)
        swept += bool(dirty)
        for start, end in dirty:
            os.pwrite(file.fileno(), bytes(end - start), number * size + start)
    os.fsync(file.fileno())
    return swept


def _shape(file: BinaryIO) -> tuple[int, int]:
    """Return the size of a page and their number."""
    head = os.pread(file.fileno(), _FIRST_HEADER, 0)
    [size] = unpack_from(">H", head, 16)
    size = 65536 if size == 1 else size
    count = os.fstat(file.fileno()).st_size // size
    if not head.startswith(b"SQLite format 3\0") or head[20] or count >= _MOST_PAGES:
        raise NotSwept(
            "This database file is too large, or of another kind than this program makes. What was taken "
            "out is gone from the tables, but may still be in the file. Stop the server, then VACUUM it.",
        )
    return size, count


def _free_pages(file: BinaryIO, size: int) -> dict[int, int]:
    """Return the pages that belong to no table, with how many bytes at the start of each are in use."""
    [trunk] = unpack_from(">I", os.pread(file.fileno(), 4, 32))
    found: dict[int, int] = {}
    while trunk and trunk - 1 not in found:
        data = os.pread(file.fileno(), size, (trunk - 1) * size)
        following, leaves = unpack_from(">II", data)
        found[trunk - 1] = 8 + 4 * leaves
        found |= {leaf - 1: 0 for leaf in unpack_from(f">{leaves}I", data, 8)}
        trunk = following
    return found


def _free_spans(page: bytes, number: int) -> list[Span]:
    """Return where the free bytes of a page of a tree lie; none for any other page."""
    start = 0 if number else _FIRST_HEADER
    header = _TREE_PAGES.get(page[start]) if page else None
    if header is None:
        return []
    block, cells, content = unpack_from(">HHH", page, start + 1)
    spans = [(start + header + 2 * cells, content or 65536)]
    while 0 < block <= len(page) - 4:
        following, length = unpack_from(">HH", page, block)
        spans.append((block + 4, block + length))
        block = following if following > block else 0
    return spans


def _dirty(page: bytes, spans: Collection[Span]) -> list[Span]:
    return [
        (start, end) for start, end in spans if end <= len(page) and not _ZEROS.startswith(page[start:end])
    ]
