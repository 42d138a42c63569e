"""The sessions that agents keep on this disk, as far as their files say at once."""

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from worker.executors.agents.story import Event

_BEGINNING = 256 * 1024
_MOST_LINES = 200


@dataclass(frozen=True)
class Stored:
    """One session on disk: its id and its file."""

    id: str
    file: Path


def beginning(file: Path) -> str:
    """Give the first part of a file as text, an empty one where it cannot be read."""
    try:
        with file.open("rb") as stream:
            return stream.read(_BEGINNING).decode(errors="replace")
    except OSError:
        return ""


def first_objects(file: Path) -> Iterator[Event]:
    """Give the JSON objects of the first lines of a file; what is none is passed over."""
    for line in beginning(file).split("\n")[:_MOST_LINES]:
        try:
            entry = json.loads(line)
        except (ValueError, RecursionError):
            continue
        if isinstance(entry, dict):
            yield entry


def find_text(data: str, name: str) -> str | None:
    """Find the first text under *name* in JSON that may be cut off."""
    found = re.search(rf'"{name}"\s*:\s*("(?:[^"\\]|\\.)*")', data)
    if found is None:
        return None
    try:
        return str(json.loads(found.group(1)))
    except ValueError:
        return None
