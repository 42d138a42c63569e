"""Files below a folder that a rule names: no link is followed, no file with a second name is taken."""

import ctypes
import errno
import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path, PurePath
from secrets import token_hex

from worker.executors.files import (
    MOST_BYTES,
    Before,
    Content,
    Digest,
    check_regular,
    is_same,
    named_troubles,
    put,
    read_piece,
)
from worker.executors.paths import FileTrouble
from worker.orders import Beneath

_OPENAT2 = 437
"""The same number on every architecture of Linux since 5.6."""

_RESOLVE = 0x02 | 0x04 | 0x08
"""RESOLVE_NO_MAGICLINKS, RESOLVE_NO_SYMLINKS, RESOLVE_BENEATH; see openat2(2)."""

_FOLDER = os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC
_FILE = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_NOCTTY | os.O_CLOEXEC
_libc = ctypes.CDLL(None, use_errno=True)


class _How(ctypes.Structure):
    _fields_ = (("flags", ctypes.c_uint64), ("mode", ctypes.c_uint64), ("resolve", ctypes.c_uint64))


@contextmanager
def opened(place: Beneath, shown: str) -> Iterator[tuple[int, os.stat_result]]:
    """Open the regular file at *place* for reading. Raises ``FileTrouble``, also for links of either sort."""
    with _folder_of(place, shown, make=False) as (folder, name), _opened(folder, name, shown) as found:
        yield found


def read_whole(place: Beneath, shown: str) -> Content:
    """Read a regular file of at most ``MOST_BYTES``. Raises ``FileTrouble``."""
    with opened(place, shown) as (descriptor, status):
        data = read_piece(descriptor, 0, MOST_BYTES + 1)
    if len(data) > MOST_BYTES:
        raise FileTrouble(f"File too large: {shown} has {status.st_size} bytes, the most is {MOST_BYTES}")
    return Content(data, status)


def replace(
    place: Beneath, data: bytes, shown: str, *, digest: Digest, read: os.stat_result | None = None
) -> Before:
    """Put a file with *data* at *place*, whole or not at all; give what was there.

    Folders are made. The name gets a new file, so nothing is ever written through it. With *read*, only
    the file that was read is replaced. Raises ``FileTrouble``.
    """
    with _folder_of(place, shown, make=True) as (folder, name):
        before, was = None, Before(there=False, sha256=None)
        if find_status(folder, name) is not None:
            with _opened(folder, name, shown) as (descriptor, before):
                was = Before(there=True, sha256=digest(descriptor))
        if read is not None and (before is None or not is_same(before, read)):
            raise FileTrouble(f"Changed by somebody else in the meantime: {shown}")
        beside = f".clawtrail-{token_hex(8)}.tmp"
        with named_troubles("write", shown):
            flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
            descriptor = os.open(beside, flags, 0o600, dir_fd=folder)
            try:
                put(descriptor, data, before)
                os.rename(beside, name, src_dir_fd=folder, dst_dir_fd=folder)
            except BaseException:
                with suppress(OSError):
                    os.unlink(beside, dir_fd=folder)
                raise
            os.fsync(folder)
    return was


def find_status(folder: int, name: str) -> os.stat_result | None:
    """Give the status of what *name* is in the open *folder*, a link itself, None where nothing is."""
    try:
        return os.stat(name, dir_fd=folder, follow_symlinks=False)
    except FileNotFoundError:
        return None


@contextmanager
def _opened(folder: int, name: str, shown: str) -> Iterator[tuple[int, os.stat_result]]:
    with named_troubles("open", shown):
        descriptor = os.open(name, _FILE, dir_fd=folder)
    try:
        status = os.fstat(descriptor)
        check_regular(status, shown)
        if not _has_no_other_name(folder, name, descriptor, status):
            raise FileTrouble(f"Has another name elsewhere, or was changed just now: {shown}")
        with named_troubles("read", shown):
            yield descriptor, status
    finally:
        os.close(descriptor)


def _has_no_other_name(folder: int, name: str, descriptor: int, status: os.stat_result) -> bool:
    """Say whether the open file with this *status* is *name* in *folder* and has no name elsewhere.

    One link is not enough: a file whose name here was taken away after the opening shows one link, too, and
    that one elsewhere. While a name is being taken away the count has fallen and the name can still be looked
    up, as long as that lasts: on a full machine, milliseconds. So first such a change has to end.
    """
    if status.st_nlink != 1:
        return False
    with os.scandir(folder) as entries:  # waits for who changes names in this folder (the lock of its inode)
        next(entries, None)
    now = find_status(folder, name)
    same = now is not None and (now.st_dev, now.st_ino) == (status.st_dev, status.st_ino)
    return same and now is not None and now.st_nlink == 1 and not _is_taken_away(descriptor, name)


def _is_taken_away(descriptor: int, name: str) -> bool:
    """Say whether the name by which a file was opened is gone, for good, even if there is one like it."""
    with suppress(OSError):  # no /proc: the second look at the name has to do
        path = str(Path(f"/proc/self/fd/{descriptor}").readlink())
        return path.endswith(" (deleted)") and not name.endswith(" (deleted)")
    return False


@contextmanager
def _folder_of(place: Beneath, shown: str, *, make: bool) -> Iterator[tuple[int, str]]:
    """Open the folder of *place*, and give it with the name in it."""
    *folders, name = PurePath(place.name).parts or (".",)
    if name in {".", ".."} or ".." in folders:
        raise FileTrouble(f"Is a directory: {shown}")
    with named_troubles("open", shown):
        if make:
            place.root.mkdir(parents=True, exist_ok=True)
        root = os.open(place.root, _FOLDER)
    try:
        with named_troubles("open", shown):
            folder = root if not folders else _open_below(root, folders, make=make)
        try:
            yield folder, name
        finally:
            if folder != root:
                os.close(folder)
    finally:
        os.close(root)


def _open_below(root: int, folders: list[str], *, make: bool) -> int:
    if not make:
        found = _openat2(root, "/".join(folders))
        if found is not None:
            return found
    return _walk(root, folders, make=make)


def _openat2(root: int, path: str) -> int | None:
    """Open a folder in one call; None where the system has no such call. Raises ``OSError``."""
    how = _How(_FOLDER, 0, _RESOLVE)
    size = ctypes.sizeof(how)
    found = (
        int(_libc.syscall(_OPENAT2, root, os.fsencode(path), ctypes.byref(how), size)) if _IS_LINUX else -1
    )
    if found >= 0:
        return found
    number = ctypes.get_errno() if _IS_LINUX else errno.ENOSYS
    # Sandboxes that do not know the call answer EPERM to it.
    if number in {errno.ENOSYS, errno.EPERM, errno.EAGAIN}:
        return None
    raise OSError(number, os.strerror(number))


def _walk(root: int, folders: list[str], *, make: bool) -> int:
    """Open a folder name by name, following none that is a link."""
    here = os.dup(root)
    os.set_inheritable(here, False)  # noqa: FBT003 - the standard library's signature
    try:
        for name in folders:
            if make:
                with suppress(FileExistsError):
                    os.mkdir(name, dir_fd=here)
            below = os.open(name, _FOLDER | os.O_NOFOLLOW, dir_fd=here)
            os.close(here)
            here = below
    except BaseException:
        os.close(here)
        raise
    return here


_IS_LINUX = os.uname().sysname == "Linux"
