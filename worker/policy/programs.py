"""Which file a command would execute: its real path, whether others could have put it there, its digest."""

import grp
import hashlib
import os
import pwd
import stat
import threading
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

MOST_BYTES = 512 * 1024 * 1024
_KEPT = 4096


@dataclass(frozen=True)
class Program:
    """The file that would be executed. It is *safe* when only root or this user could have put it there."""

    path: Path
    safe: bool


class Programs:
    """Finds programs and knows their digests. Any thread may call it; ``_lock`` guards the digests."""

    def __init__(self, search_path: str) -> None:
        """Take the PATH of the worker's own environment: that of a task never counts."""
        self._folders = [part for part in search_path.split(":") if part.startswith("/")]
        self._digests: dict[tuple[int, ...], str] = {}
        self._lock = threading.Lock()

    def unsafe_folders(self) -> list[str]:
        """List the folders of the PATH that others can write: no rule allows a program from there."""
        return [folder for folder in self._folders if Path(folder).is_dir() and not _is_safe_folder(folder)]

    def find(self, word: str, cwd: Path) -> Program | None:
        """Find what *word*, the first of a command, would execute in *cwd*; None where nothing.

        A name is looked for in the safe folders of the PATH alone. A path is taken as it is.
        """
        if "\0" in word:
            return None
        if "/" in word:
            return _program(str(cwd / word))
        for folder in self._folders:
            found = _program(f"{folder}/{word}")
            if found is not None and found.safe and _is_safe_folder(folder):
                return found
        return None

    def find_anywhere(self, word: str, cwd: Path, search_path: str | None) -> Program | None:
        """Find what the system would execute for *word*, in any folder of *search_path*, else of the own.

        It is not *safe*: this is for what people are asked about, never for a rule.
        """
        if "\0" in word or "/" in word:
            return None
        folders = self._folders if search_path is None else search_path.split(":")
        found = (_program(str(cwd / folder / word)) for folder in folders)
        first = next((program for program in found if program is not None), None)
        return None if first is None else Program(first.path, safe=False)

    def digest(self, path: Path) -> str | None:
        """Give the SHA-256 of a file in hexadecimal, None where it cannot be read.

        It is read anew only when inode, size or one of the times of change is another.
        """
        try:
            status = path.stat()
            if not stat.S_ISREG(status.st_mode) or status.st_size > MOST_BYTES:
                return None
            key = (status.st_dev, status.st_ino, status.st_size, status.st_mtime_ns, status.st_ctime_ns)
            with self._lock:
                known = self._digests.get(key)
            if known is not None:
                return known
            with path.open("rb") as file:
                fresh = hashlib.file_digest(file, "sha256").hexdigest()
        except (OSError, ValueError):
            return None
        with self._lock:
            if len(self._digests) >= _KEPT:
                self._digests.clear()
            self._digests[key] = fresh
        return fresh


def _program(path: str) -> Program | None:
    try:
        # Most folders of a PATH do not hold it: one look costs less than to find out where it really is.
        if not _is_file(path):
            return None
        real = os.path.realpath(path, strict=True)
        if not _is_file(real) or not os.access(real, os.X_OK):
            return None
    except (OSError, ValueError):
        return None
    return Program(Path(real), _is_safe(real, strictly=2))


def _is_file(path: str) -> bool:
    return stat.S_ISREG(os.stat(path).st_mode)  # noqa: PTH116 - a Path costs more than the look


def _is_safe_folder(folder: str) -> bool:
    return _is_safe(os.path.realpath(folder), strictly=1)


def _is_safe(real: str, *, strictly: int) -> bool:
    """Tell whether only root or this user can change *real*, or what lies on the way to it.

    Others must not write to the first *strictly* of it and the folders above; further up a sticky
    folder (as /tmp is) keeps them from moving what is ours. There must be no link in *real*.
    """
    while True:
        try:
            status = os.stat(real)  # noqa: PTH116 - as above
        except OSError:
            return False
        sticks = strictly <= 0 and status.st_mode & stat.S_ISVTX
        if not _is_ours(status) or (_others_write(status) and not sticks):
            return False
        above = os.path.dirname(real)  # noqa: PTH120 - as above
        if above == real:
            return True
        real, strictly = above, strictly - 1


def _is_ours(status: os.stat_result) -> bool:
    return status.st_uid in {0, os.getuid()}


def _others_write(status: os.stat_result) -> bool:
    if status.st_mode & stat.S_IWOTH:
        return True
    return bool(status.st_mode & stat.S_IWGRP) and not _is_lonely(status.st_gid)


@lru_cache(maxsize=64)
def _is_lonely(group: int) -> bool:
    """Tell whether nobody but root and this user is in *group*."""
    try:
        members = set(grp.getgrgid(group).gr_mem)
    except KeyError:
        members = set()
    members |= {user.pw_name for user in pwd.getpwall() if user.pw_gid == group}
    return members <= {"root", pwd.getpwuid(os.getuid()).pw_name}
