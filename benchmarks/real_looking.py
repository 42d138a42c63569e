"""Makes tokens after the recipes of `real_looking.txt`, which were not written after our patterns."""

import random
import re
import string
from pathlib import Path

_ALPHABETS = {
    "n": string.digits,
    "a": string.ascii_letters + string.digits,
    "l": string.ascii_lowercase + string.digits,
    "u": string.ascii_uppercase + string.digits,
    "h": "0123456789abcdef",
    "w": string.ascii_letters + string.digits + "-_",
    "b": string.ascii_letters + string.digits + "+/",
}
_ESCAPES = {"\\\\": "\\", "\\n": "\n", "\\e": "\x1b"}
_UNSHOWN = 8
"""A token counts as masked when nowhere so many characters of its last random part are to be seen."""


def sections() -> dict[str, list[str]]:
    """Read the file: makers with their recipes, surroundings, and what is harmless."""
    found: dict[str, list[str]] = {}
    name = ""
    for line in Path(__file__).with_suffix(".txt").read_text().splitlines():
        if title := re.fullmatch(r"\[([^\]]+)\]", line):
            name = title[1]
            found[name] = []
        elif line and name:
            found[name].append(re.sub(r"\\[\\ne]", lambda one: _ESCAPES[one[0]], line))
    return found


def made(recipe: str, rnd: random.Random) -> tuple[str, str]:
    """Make a token of a recipe; give it with its last random part, which is never one that all know."""
    part = ""

    def fill(found: re.Match[str]) -> str:
        nonlocal part
        least = int(found[2])
        part = "".join(rnd.choices(_ALPHABETS[found[1]], k=rnd.randint(least, int(found[3] or least))))
        return part

    return re.sub(r"\{(\w):(\d+)(?:-(\d+))?\}", fill, recipe), part


def is_hidden(part: str, shown: str) -> bool:
    """Tell whether *shown* has no piece of *part* that is worth anything."""
    pieces = (part[at : at + _UNSHOWN] for at in range(max(1, len(part) - _UNSHOWN + 1)))
    return not any(piece in shown for piece in pieces)
