"""What the last good check saw, in a file beside the database, so that the next one can go on from there."""

from __future__ import annotations

import json
import os
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any


@dataclass(frozen=True, slots=True)
class Seen:
    """A record that was found to be good: its size and root, and what its tables held then."""

    size: int
    root: bytes
    at: int
    tasks: int = 0
    outcomes: int = 0
    redactions: int = 0
    tokens: list[list[Any]] = field(default_factory=list)
    workers: list[list[Any]] = field(default_factory=list)
    schedules: list[list[Any]] = field(default_factory=list)


class NotRemembered(Exception):
    """No usable file tells of an earlier check; the message says which file."""


def place(database: Path) -> Path:
    """Return where the last good check of *database* is remembered."""
    return database.with_suffix(".verified")


def save(path: Path, seen: Seen) -> None:
    """Remember *seen*; the file is replaced whole, and is its owner's alone."""
    beside = path.with_name(f"{path.name}.{os.getpid()}.new")
    text = json.dumps({**asdict(seen), "root": seen.root.hex()})
    with os.fdopen(os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w") as file:
        file.write(text + "\n")
    beside.replace(path)


def load(path: Path) -> Seen:
    """Return what was remembered; raises ``NotRemembered``."""
    try:
        said = json.loads(path.read_text(encoding="utf-8"))
        return Seen(**{**said, "root": bytes.fromhex(said["root"])})
    except FileNotFoundError as error:
        raise NotRemembered(f"No earlier check is remembered in {path}.") from error
    except (OSError, ValueError, TypeError, KeyError) as error:
        raise NotRemembered(f"What should tell of an earlier check is not usable: {path}.") from error
