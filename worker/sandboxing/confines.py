"""The words of sandboxing: which profiles there are, and what one run is confined to."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Literal

Profile = Literal["none", "read-only", "no-network", "workspace"]
PROFILES: tuple[Profile, ...] = ("read-only", "no-network", "workspace")
"""Those that confine, the narrowest first."""

MEGABYTE = 1024 * 1024


@dataclass(frozen=True)
class Limits:
    """What the system lets one run use at most; None: as much as the worker itself.

    *memory* (private, writable) and *file_size* are in MB, and hold for each process, as *cpu_seconds* and
    *files* (open at a time) do. *processes* counts threads, too: of the run where there is a sandbox, else
    those of the worker's user that come on top of the present ones.
    """

    cpu_seconds: int | None = None
    memory: int | None = None
    processes: int | None = None
    files: int | None = None
    file_size: int | None = None

    @property
    def told(self) -> dict[str, int]:
        """Those that are set, by name."""
        return {name: value for name, value in asdict(self).items() if value is not None}


@dataclass(frozen=True)
class Confines:
    """What one run is confined to.

    *tree* is the folder that it works in, None where that one must not be shown. *read* are further trees
    that it may read. *scratch* is the size in MB of each private place for temporary files.
    """

    profile: Profile = "none"
    tree: Path | None = None
    read: tuple[Path, ...] = ()
    scratch: int = 256
    limits: Limits = field(default_factory=Limits)

    @property
    def told(self) -> dict[str, object]:
        """What a digest is of."""
        return {
            "profile": self.profile,
            "tree": None if self.tree is None else str(self.tree),
            "read": [str(path) for path in self.read],
            "scratch": self.scratch,
            "limits": self.limits.told,
        }

    def __str__(self) -> str:
        """Say it to people."""
        shown = ""
        if self.profile != "none":
            act = "read" if self.profile == "read-only" else "change"
            shown = ", sees no folder of yours" if self.tree is None else f", may {act} {self.tree}"
        limits = "".join(f", {name} {value}" for name, value in self.limits.told.items())
        return f"{self.profile}{shown}{limits}"


@dataclass(frozen=True)
class Wrapped:
    """What is started so that a command runs confined.

    *program* is executed with *argv* and *env*. Where there are *options*, *program* is bubblewrap, which
    reads them from a descriptor: so no other user of the machine sees variables in a list of processes, and
    none of them takes effect on bubblewrap itself.
    """

    argv: tuple[str, ...]
    program: Path | None
    env: Mapping[str, str]
    options: bytes = b""
