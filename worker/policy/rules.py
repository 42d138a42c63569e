"""One rule, and whether it speaks of a task."""

import os
import re
from dataclasses import dataclass, field
from fnmatch import translate
from pathlib import Path
from typing import Literal

from worker.policy.asked import Asked
from worker.policy.reaching import find_real, is_crowded, paths_in
from worker.policy.trees import Tree
from worker.sandboxing.confines import Profile

Answer = Literal["deny", "ask", "allow"]
ANSWERS: tuple[Answer, ...] = ("deny", "ask", "allow")


@dataclass(frozen=True)
class Words:
    """Patterns for the words of a command, one a word; with *open_end*, any words may follow."""

    patterns: tuple[re.Pattern[str], ...]
    open_end: bool

    def fit(self, words: tuple[str, ...]) -> bool:
        """Tell whether *words* are as the patterns say."""
        count = len(self.patterns)
        if len(words) < count or (len(words) > count and not self.open_end):
            return False
        return all(pattern.match(word) for pattern, word in zip(self.patterns, words, strict=False))


def either(*globs: str) -> re.Pattern[str]:
    """Make one pattern of globs, each of which may have alternatives: ``status|log``."""
    parts = [part for glob in globs for part in glob.split("|")]
    return re.compile("|".join(translate(part) for part in parts) or r"(?!)")


def words(patterns: list[str]) -> Words:
    """Make the patterns of an ``argv``. Raises ``ValueError`` for a ``**`` that is not the last word."""
    open_end = bool(patterns) and patterns[-1] == "**"
    fixed = patterns[:-1] if open_end else patterns
    if "**" in fixed:
        raise ValueError("** stands for any rest, so it can only be the last word")
    if not fixed:
        raise ValueError("the first word, the program, has to be named")
    return Words(tuple(either(pattern) for pattern in fixed), open_end)


def literals(globs: list[str]) -> frozenset[str]:
    """Give those alternatives of *globs* that fit nothing but themselves."""
    return frozenset(part for glob in globs for part in glob.split("|") if not re.search(r"[*?\[]", part))


@dataclass(frozen=True)
class Rule:
    """One rule of a policy. None means: whatever it is. *literal* are the options that it spells out."""

    name: str
    answer: Answer
    kinds: frozenset[str] | None = None
    argv: Words | None = None
    options: re.Pattern[str] | None = None
    literal: frozenset[str] = frozenset()
    within: tuple[Tree, ...] | None = None
    cwd: tuple[Tree, ...] | None = None
    origin: re.Pattern[str] | None = None
    signed_by: re.Pattern[str] | None = None
    env: re.Pattern[str] = field(default_factory=either)
    stdin: bool = False
    shell: bool = False
    secrets: re.Pattern[str] | None = None
    paths: tuple[Tree, ...] | None = None
    sandbox: Profile | None = None
    workspace: tuple[Tree, ...] | None = None

    def speaks_of(self, asked: Asked) -> bool:
        """Tell whether this is a rule for the task. What only narrows (env, stdin) counts for allow alone."""
        if self.kinds is not None and asked.kind not in self.kinds:
            return False
        if not self._is_by(asked):
            return False
        if not self._takes_secrets(asked.secrets):
            return False
        if self.paths is not None and not self._has_path(asked):
            return False
        if asked.kind == "command":
            return self._takes_command(asked)
        return self.argv is None and (asked.cwd is None or self._is_in_place(asked.cwd))

    def _is_by(self, asked: Asked) -> bool:
        if self.origin is not None and not self.origin.match(asked.origin):
            return False
        return self.signed_by is None or bool(asked.signer and self.signed_by.match(asked.signer))

    def tree_of(self, path: Path) -> Tree | None:
        """Give the tree of ``paths`` that *path* is in."""
        return next((tree for tree in self.paths or () if tree.has(path)), None)

    def _takes_secrets(self, names: tuple[str, ...]) -> bool:
        if self.answer == "allow":  # none, unless the rule names it
            return all(self.secrets is not None and self.secrets.match(name) for name in names)
        return self.secrets is None or any(self.secrets.match(name) for name in names)

    def _has_path(self, asked: Asked) -> bool:
        if asked.path is None:
            return False
        real = Path(os.path.realpath(asked.path))
        if self.answer == "allow":  # named and real path alike: a link inside leads nowhere
            tree = self.tree_of(asked.path)
            return tree is not None and tree.has(real)
        return self.tree_of(asked.path) is not None or self.tree_of(real) is not None

    def _takes_command(self, asked: Asked) -> bool:
        # The words first: they tell most rules apart, and looking at them is cheap.
        if self.argv is not None and (asked.words is None or not self.argv.fit(asked.words)):
            return False
        if not self._is_in_place(asked.cwd or Path("/")):
            return False
        if self.answer == "allow" and not self._is_narrow_enough(asked):
            return False
        if self.argv is None:
            return True
        return asked.words is not None and self.takes_words(asked.words, asked.cwd or Path("/"))

    def _is_in_place(self, cwd: Path) -> bool:
        return self.cwd is None or any(tree.has(cwd) for tree in self.cwd)

    def _is_narrow_enough(self, asked: Asked) -> bool:
        if asked.stdin and not self.stdin:
            return False
        if not all(self.env.match(name) for name in asked.env or ()):
            return False
        return (self.shell and self.argv is None) or (asked.words is not None and asked.is_ordinary)

    def takes_words(self, found: tuple[str, ...], cwd: Path) -> bool:
        """Tell whether the words are those of the rule, its options and its places included."""
        if self.argv is None or not self.argv.fit(found):
            return False
        for word in found[len(self.argv.patterns) :]:
            if word.startswith("-") and self.options is not None and not self.options.match(word):
                return False
            if self.within is not None and word not in self.literal and not self._is_within(word, cwd):
                return False
        return True

    def _is_within(self, word: str, cwd: Path) -> bool:
        return not is_crowded(word) and all(self._has(find_real(path, cwd)) for path in paths_in(word))

    def _has(self, real: Path | None) -> bool:
        return real is not None and any(tree.has(real) for tree in self.within or ())
