"""Patterns of paths, such as ``~/code/**``: which paths they take in."""

import os
import re
from dataclasses import dataclass
from fnmatch import translate
from functools import cached_property
from pathlib import Path

_SPECIAL = re.compile(r"[*?\[]")


@dataclass(frozen=True)
class Tree:
    """A pattern of paths: *root* without special characters, then *rest*, one pattern for each name.

    ``*`` is anything inside one name, ``**`` any number of names. With *careful*, neither takes in a
    name that begins with a dot: such files are settings and secrets more often than not.
    """

    text: str
    root: Path
    rest: tuple[str, ...]
    careful: bool

    def has(self, path: Path) -> bool:
        """Tell whether *path* (absolute, without ``..``) is in the tree."""
        return any(self._has(path, root) for root in self._roots)

    def beneath(self, path: Path) -> str | None:
        """Give *path* as the tree's root sees it, None where it lies elsewhere."""
        for root in self._roots:
            if path.is_relative_to(root):
                return str(path.relative_to(root))
        return None

    @cached_property
    def _roots(self) -> tuple[Path, ...]:
        # The root itself may be reached over links (as /home often is); what lies below may not.
        real = Path(os.path.realpath(self.root))
        return (self.root,) if real == self.root else (self.root, real)

    @cached_property
    def _names(self) -> tuple[re.Pattern[str] | None, ...]:
        return tuple(None if part == "**" else re.compile(translate(part)) for part in self.rest)

    def _has(self, path: Path, root: Path) -> bool:
        names, above = path.parts, root.parts
        return names[: len(above)] == above and self._fits(names[len(above) :], 0, 0)

    def _fits(self, names: tuple[str, ...], at: int, pattern: int) -> bool:
        if pattern == len(self.rest):
            return at == len(names)
        wanted = self._names[pattern]
        if wanted is None:
            if self._fits(names, at, pattern + 1):
                return True
            return at < len(names) and not self._hidden(names[at]) and self._fits(names, at + 1, pattern)
        if at == len(names) or (self._hidden(names[at]) and not self.rest[pattern].startswith(".")):
            return False
        return wanted.match(names[at]) is not None and self._fits(names, at + 1, pattern + 1)

    def _hidden(self, name: str) -> bool:
        return self.careful and name.startswith(".")


def parse(text: str, *, careful: bool) -> Tree:
    """Make a tree of a pattern. Raises ``ValueError`` for what is neither absolute nor from home."""
    if not text.startswith(("/", "~")):
        raise ValueError(f"a path begins with / or ~, not like {text!r}")
    try:
        parts = Path(text).expanduser().parts
    except RuntimeError as error:
        raise ValueError(f"no such home folder: {text}") from error
    if ".." in parts:
        raise ValueError(f"no .. in a path: {text!r}")
    if parts.count("**") > 2:
        raise ValueError(f"at most two ** in a path: {text!r}")
    plain = next((at for at, part in enumerate(parts) if _SPECIAL.search(part)), len(parts))
    return Tree(text, Path(*parts[:plain]), parts[plain:], careful)
