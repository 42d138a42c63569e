"""An attacker, as a process: swaps names in a folder for links; its arguments are folder, secrets, times."""

import ctypes
import errno
import os
import sys
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

_AT_FDCWD, _EXCHANGE = -100, 2
_libc = ctypes.CDLL(None, use_errno=True)


def swap(folder: Path, secrets: Path, times: int) -> None:
    """Let ``file`` be a file, a link and a hard link to the secret by turns, ``sub`` a folder and a link.

    Most turns exchange two names, in one system call where there is one: that is the fastest attack there
    is. Every sixteenth makes its names anew, so that there are moments without any.
    """
    secret = secrets / "secret"
    (folder / ".link").symlink_to(secret)
    os.link(secret, folder / ".hard")
    (folder / ".sub").symlink_to(secrets)
    exchange = _exchanger(folder)
    for turn in range(times):
        if turn % 16 == 15:
            _make_anew(folder, secret, turn // 16)
        elif turn % 4 == 3:
            exchange("sub", ".sub")
        else:
            exchange("file", ".hard" if turn % 4 == 1 else ".link")


def _make_anew(folder: Path, secret: Path, turn: int) -> None:
    fresh = folder / ".fresh"
    with suppress(FileNotFoundError):
        fresh.unlink()
    if turn % 3 == 0:
        fresh.write_text("inside")
    elif turn % 3 == 1:
        fresh.symlink_to(secret)
    else:
        os.link(secret, fresh)
    fresh.replace(folder / "file")


def _exchanger(folder: Path) -> Callable[[str, str], None]:
    paths = {name: os.fsencode(folder / name) for name in ("file", "sub", ".link", ".hard", ".sub")}
    call = getattr(_libc, "renameat2", None)

    def by_steps(one: str, other: str) -> None:
        with suppress(OSError):
            (folder / one).rename(folder / ".aside")
            (folder / other).rename(folder / one)
            (folder / ".aside").rename(folder / other)

    if call is None:
        return by_steps

    def by_call(one: str, other: str) -> None:
        if call(_AT_FDCWD, paths[one], _AT_FDCWD, paths[other], _EXCHANGE) < 0:
            number = ctypes.get_errno()
            if number != errno.ENOENT:  # a name that makes way for a new one
                raise OSError(number, os.strerror(number))

    return by_call


if __name__ == "__main__":
    swap(Path(sys.argv[1]), Path(sys.argv[2]), int(sys.argv[3]))
