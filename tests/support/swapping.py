"""An attacker, as a process: swaps names in a folder for links; its arguments are folder, secrets, times."""

import os
import sys
from contextlib import suppress
from pathlib import Path


def swap(folder: Path, secrets: Path, times: int) -> None:
    """Let ``file`` be a file, a link and a hard link to the secret by turns, ``sub`` a folder and a link."""
    secret = secrets / "secret"
    for turn in range(times):
        fresh = folder / ".fresh"
        with suppress(FileNotFoundError):
            fresh.unlink()
        if turn % 4 == 0:
            fresh.write_text("inside")
        elif turn % 4 == 1:
            fresh.symlink_to(secret)
        elif turn % 4 == 2:
            os.link(secret, fresh)
        if turn % 4 < 3:
            fresh.replace(folder / "file")
        else:
            _swap_folder(folder, secrets)


def _swap_folder(folder: Path, secrets: Path) -> None:
    sub, aside = folder / "sub", folder / "aside"
    with suppress(OSError):
        sub.rename(aside)
        sub.symlink_to(secrets)
        sub.unlink()
        aside.rename(sub)


if __name__ == "__main__":
    swap(Path(sys.argv[1]), Path(sys.argv[2]), int(sys.argv[3]))
