"""Files as the file kinds handle them: regular ones only, read without blocking, written whole or not."""

import os
import stat
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from io import FileIO
from pathlib import Path
from tempfile import mkstemp
from typing import NamedTuple

from worker.executors.paths import FileTrouble

MOST_BYTES = 10 * 1024 * 1024
"""Of one file that is read whole, or of one piece."""


class Content(NamedTuple):
    """A whole file, and what it was when it was read."""

    data: bytes
    status: os.stat_result


class Before(NamedTuple):
    """The file that was replaced: whether there was one, and its SHA-256 if it may be told."""

    there: bool
    sha256: str | None


Digest = Callable[[int], str | None]
"""Gives the SHA-256 of what is left to read of an open file, if it may be told."""


@contextmanager
def opened(path: Path, shown: str) -> Iterator[tuple[int, os.stat_result]]:
    """Open the regular file *path* for reading, without ever waiting for a pipe or a device.

    *shown* is how the submitter named it. Raises ``FileTrouble``.
    """
    with named_troubles("read", shown):
        # Without O_NONBLOCK the open of a pipe waits for somebody who writes to it.
        descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_NOCTTY | os.O_CLOEXEC)
    try:
        status = os.fstat(descriptor)
        check_regular(status, shown)
        with named_troubles("read", shown):
            yield descriptor, status
    finally:
        os.close(descriptor)


def read_piece(descriptor: int, offset: int, limit: int) -> bytes:
    """Give up to *limit* bytes from *offset* on; fewer only at the end of the file."""
    pieces = []
    while limit > 0 and (piece := os.pread(descriptor, min(limit, 1024 * 1024), offset)):
        pieces.append(piece)
        offset += len(piece)
        limit -= len(piece)
    return b"".join(pieces)


def read_whole(path: Path, shown: str) -> Content:
    """Read a regular file of at most ``MOST_BYTES``. Raises ``FileTrouble``."""
    with opened(path, shown) as (descriptor, status):
        data = read_piece(descriptor, 0, MOST_BYTES + 1)
    if len(data) > MOST_BYTES:
        raise FileTrouble(f"File too large: {shown} has {status.st_size} bytes, the most is {MOST_BYTES}")
    return Content(data, status)


def replace(path: Path, data: bytes, shown: str, *, digest: Digest) -> Before:
    """Put a file with *data* at *path*, whole or not at all; give what was there.

    Folders are made. Through a link the file that it leads to is replaced, not the link. Mode and, as
    far as allowed, owner are kept; other hard links to the old file keep the old content. Raises
    ``FileTrouble``.
    """
    with named_troubles("write", shown):
        target = Path(os.path.realpath(path))
        before = find_status(target)
        was = Before(there=False, sha256=None)
        if before is not None:
            check_regular(before, shown)
            with opened(target, shown) as (descriptor, _):
                was = Before(there=True, sha256=digest(descriptor))
        target.parent.mkdir(parents=True, exist_ok=True)
        _write_beside(target, data, before)
    return was


def encoded(text: str) -> bytes:
    """Give *text* in UTF-8. Raises ``FileTrouble`` where it has no such form."""
    try:
        return text.encode()
    except UnicodeEncodeError:
        raise FileTrouble("The text has half characters (lone surrogates) in it") from None


def find_status(path: Path) -> os.stat_result | None:
    """Give the status of what *path* leads to, None where nothing is."""
    try:
        return path.stat()
    except FileNotFoundError:
        return None


def is_same(now: os.stat_result, read: os.stat_result) -> bool:
    """Tell whether a file is still the one that was *read*, by inode, size and time of change."""
    return (now.st_ino, now.st_size, now.st_mtime_ns) == (read.st_ino, read.st_size, read.st_mtime_ns)


@contextmanager
def named_troubles(act: str, shown: str) -> Iterator[None]:
    """Turn what the system says into a ``FileTrouble`` that names the file as the submitter did."""
    try:
        yield
    except FileNotFoundError:
        raise FileTrouble(f"File not found: {shown}") from None
    except OSError as error:
        raise FileTrouble(f"Cannot {act} {shown}: {error.strerror}") from error


def check_regular(status: os.stat_result, shown: str) -> None:
    """Raise ``FileTrouble`` for a folder, a pipe, a device."""
    if stat.S_ISDIR(status.st_mode):
        raise FileTrouble(f"Is a directory: {shown}")
    if not stat.S_ISREG(status.st_mode):
        raise FileTrouble(f"Not a regular file: {shown}")


def _write_beside(target: Path, data: bytes, before: os.stat_result | None) -> None:
    descriptor, name = mkstemp(dir=target.parent, prefix=".clawtrail-", suffix=".tmp")
    temporary = Path(name)
    try:
        put(descriptor, data, before)
        temporary.replace(target)
    except BaseException:
        temporary.unlink()
        raise
    _sync_folder(target.parent)


def put(descriptor: int, data: bytes, before: os.stat_result | None) -> None:
    """Fill a new file to the last byte, with owner and mode of the one *before*, sync it and close it."""
    with os.fdopen(descriptor, "wb", buffering=0) as file:
        _write_all(file, data)
        if before is not None:
            with suppress(PermissionError):
                os.fchown(descriptor, before.st_uid, before.st_gid)
        # After the owner: a change of owner clears the bits for set-user-id.
        os.fchmod(descriptor, stat.S_IMODE(before.st_mode) if before else 0o666 & ~_UMASK)
        os.fsync(descriptor)


def _write_all(file: FileIO, data: bytes) -> None:
    rest = memoryview(data)
    while rest:
        rest = rest[file.write(rest) :]


def _sync_folder(folder: Path) -> None:
    """Make a rename in *folder* last through a power cut."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _ask_umask() -> int:
    # There is no way to ask but to set it, so it is asked once, before there are threads.
    umask = os.umask(0o077)
    os.umask(umask)
    return umask


_UMASK = _ask_umask()
