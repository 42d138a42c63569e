"""The documents as the tests read them: their fenced examples, links and words."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

from tests.support.processes import REPOSITORY

_FENCE = re.compile(r"^```(\w*) ?(\w*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
_LINK = re.compile(r"\]\(([^)\s]+)\)")
_HEADING = re.compile(r"^#+ (.+)$", re.MULTILINE)


@dataclass(frozen=True)
class Example:
    """One fenced block: its language, what is to be done with it, its text, and where it stands."""

    language: str
    mark: str
    text: str
    line: int


def documents() -> list[Path]:
    """List every document of ours, the README first."""
    top = [REPOSITORY / name for name in ("README.md", "CHANGELOG.md")]
    folders = ("docs", "examples", "integrations")
    return top + sorted(path for folder in folders for path in (REPOSITORY / folder).rglob("*.md"))


def name_of(path: Path) -> str:
    """Return the path of a document as the repository knows it."""
    return path.relative_to(REPOSITORY).as_posix()


def text_of(*names: str) -> str:
    """Return the text of the documents with these names, one after the other."""
    return "\n".join((REPOSITORY / name).read_text(encoding="utf-8") for name in names)


def examples(path: Path) -> list[Example]:
    """List the fenced blocks of a document in their order."""
    text = path.read_text(encoding="utf-8")
    return [
        Example(found[1], found[2], found[3], text.count("\n", 0, found.start()) + 1)
        for found in _FENCE.finditer(text)
    ]


def prose(path: Path) -> str:
    """Return a document without its fenced blocks."""
    return _FENCE.sub("", path.read_text(encoding="utf-8"))


def links(path: Path) -> list[str]:
    """List where the links of a document lead, as they are written."""
    return _LINK.findall(prose(path))


def anchors(path: Path) -> set[str]:
    """Return the names by which the headings of a document can be linked to, as GitHub makes them."""
    headings = _HEADING.findall(prose(path))
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


def table_rows(text: str) -> list[list[str]]:
    """List the cells of all rows of all tables in a text."""
    rows = re.findall(r"^\|(.*)\|$", text, re.MULTILINE)
    return [[cell.strip() for cell in row.split("|")] for row in rows]
