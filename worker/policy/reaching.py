"""Where a word of a command may lead: the paths that a program could take out of it."""

import errno
import os
import re
import stat
from itertools import pairwise
from pathlib import Path

_MARKS = re.compile(r"[=:,@<>]")
_MOST_MARKS = 32
_NOT_THERE = {errno.ENOENT, errno.ENOTDIR, errno.ENAMETOOLONG}
_LEADS_AWAY = re.compile(r"\.?/|~|\.\.")


def paths_in(word: str) -> tuple[str, ...]:
    """Give what of *word* may be a path: all of it, and its parts, as in ``of=FILE`` or ``-I/FOLDER``.

    Of a word that ``is_crowded`` the last parts are left out.
    """
    is_option = word.startswith("-")
    found = _LEADS_AWAY.search(word) if is_option else None
    paths = [] if found is None else [word[found.start() :]]
    marks = [mark.start() for mark in _MARKS.finditer(word)][:_MOST_MARKS]
    begins = marks if is_option else [-1, *marks]
    for begin, end in pairwise([*begins, len(word)]):
        paths += [word[begin + 1 :], word[begin + 1 : end]]
    return tuple(path for path in dict.fromkeys(paths) if path)


def is_crowded(word: str) -> bool:
    """Tell whether *word* has more parts than are looked at."""
    return len(_MARKS.findall(word)) > _MOST_MARKS


def find_real(path: str, cwd: Path) -> Path | None:
    """Give where *path*, from *cwd*, really lies, whether it is there or not; None where that cannot be told.

    None, too, for a file with a second name (hard link): where that one lies nobody knows.
    """
    try:
        real = Path(os.path.realpath(cwd / (Path(path).expanduser() if path.startswith("~") else path)))
    except (OSError, ValueError, RuntimeError):
        return None
    try:
        status = real.lstat()
    except OSError as error:
        return real if error.errno in _NOT_THERE else None
    return None if stat.S_ISREG(status.st_mode) and status.st_nlink > 1 else real
