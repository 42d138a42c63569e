"""The line of a policy file where a fault stands."""

import re

_TABLE = re.compile(r"\s*\[\s*([\w.-]+)\s*\]")
_ENTRY = re.compile(r"\s*\[\[\s*([\w.-]+)\s*\]\]")
_KEY = re.compile(r"""\s*["']?([\w-]+)["']?\s*=""")

Place = tuple[str | int, ...]


def lines_of(text: str) -> dict[Place, int]:
    """Give the line, from 1, of each table, entry of a list of tables, and key.

    It reads line by line: a value that goes over several lines may pass for keys, which only ever misleads
    about the line of a fault.
    """
    lines: dict[Place, int] = {}
    counts: dict[str, int] = {}
    inside: Place = ()
    for number, line in enumerate(text.splitlines(), 1):
        if entry := _ENTRY.match(line):
            name = entry.group(1)
            inside = (name, counts.get(name, 0))
            counts[name] = counts.get(name, 0) + 1
            lines[inside] = number
        elif table := _TABLE.match(line):
            inside = tuple(table.group(1).split("."))
            lines[inside] = number
        elif key := _KEY.match(line):
            lines.setdefault((*inside, key.group(1)), number)
    return lines


def line_of(place: Place, lines: dict[Place, int]) -> int:
    """Give the line of *place*, or of the nearest thing around it; the first line where there is none."""
    while place:
        if place in lines:
            return lines[place]
        place = place[:-1]
    return 1
