"""Files that say what may happen here: whether one has changed, and who could have changed it."""

import os
import stat
from pathlib import Path


def fingerprint(file: Path) -> tuple[int, ...] | None:
    """Give what is different after every change of *file*; None where there is none."""
    try:
        status = file.stat()
    except OSError:
        return None
    return (
        status.st_dev,
        status.st_ino,
        status.st_size,
        status.st_mtime_ns,
        status.st_ctime_ns,
        status.st_mode,
    )


def others_can_write(status: os.stat_result) -> bool:
    """Tell whether anybody but root and this user could have written the file of this *status*."""
    return status.st_uid not in {0, os.getuid()} or bool(status.st_mode & (stat.S_IWOTH | stat.S_IWGRP))
