"""Alarms that stand: files in the state folder, each with both checkpoints, until a person clears them."""

import time
from pathlib import Path

from clawtrail.formats.witnessing import Alarm
from clawtrail.remembering import write_durably


class Alarms:
    """The alarms of one worker. A file that is there stands; to remove or rename it is to clear it."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def standing(self) -> list[Path]:
        """List the alarms that nobody has cleared, oldest first."""
        return sorted(self._folder.glob("alarm-*.txt"))

    def keep(self, alarm: Alarm, *, url: str) -> Path:
        """Write *alarm* down, durably, and return where; raises ``OSError``."""
        file = self._folder / f"alarm-{_now()}.txt"
        write_durably(file, f"Witness of the record at {url}, {_now()}\n\n{alarm.told()}")
        return file

    def accept(self) -> list[Path]:
        """Clear every alarm and keep its file under another name; return the new names."""
        accepted = []
        for file in self.standing():
            accepted.append(file.with_name(file.name.replace("alarm-", "accepted-", 1)))
            file.replace(accepted[-1])
        return accepted


def _now() -> str:
    return time.strftime("%Y%m%dT%H%M%SZ", time.gmtime())
