"""What every measurement is given: where to put data, how long to take, and whom to tell."""

import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

T = TypeVar("T")


@dataclass(frozen=True)
class Setting:
    """*quick* is for a look whether everything works (its figures mean little), *peers* for the peers too."""

    folder: Path
    quick: bool = False
    peers: bool = False

    def place(self, name: str) -> Path:
        """Make and return a folder for one measurement's data and logs."""
        folder = self.folder / name
        folder.mkdir(parents=True, exist_ok=True)
        return folder

    def pick(self, full: T, quick: T) -> T:
        """Return the size for this run."""
        return quick if self.quick else full

    def say(self, what: str) -> None:
        """Tell how far it is, on standard error."""
        print(f"  {what}", file=sys.stderr, flush=True)
