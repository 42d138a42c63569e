"""The worker's folder of its own, held by one worker at a time."""

import fcntl
import os
from pathlib import Path

from worker.errors import StateInUse


def hold(folder: Path) -> int:
    """Make *folder* if there is none, lock it for this process, and give the descriptor that holds the lock.

    The lock goes when the process ends, however it ends. Raises ``StateInUse`` when another
    worker has it, ``OSError`` when the folder cannot be made or written.
    """
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    descriptor = os.open(folder / "lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError as error:
        os.close(descriptor)
        raise StateInUse(
            f"Another worker runs on {folder}; give this one a --state folder of its own"
        ) from error
    return descriptor
