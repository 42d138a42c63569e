"""Shell text that is one plain command: the only text that a rule about words may speak of."""

import re
import shlex
from contextlib import suppress

MOST_CHARACTERS = 8192

# A word is made of characters that no shell treats as special, and of quoted pieces without anything that is
# expanded inside quotes. Everything else is not understood on purpose: no parser of ours is a boundary.
_PIECE = re.compile(
    r"""(?:[A-Za-z0-9_./,:=@%+-]|(?<=[A-Za-z0-9_])[~^])+|'[^'\x00-\x1f\x7f]*'|"[^"\\$`!\x00-\x1f\x7f]*\""""
)
_BLANKS = re.compile(r"[ \t]+")
_SEPARATORS = re.compile(r"[;&|\n(){}`]|\$\(")


def words_of(text: str) -> tuple[str, ...] | None:
    """Give the words of *text* when it is one command of literal words, else None.

    None for anything that a shell would expand, substitute, redirect, join, assign or comment.
    """
    if len(text) > MOST_CHARACTERS:
        return None
    words: list[str] = []
    at, end = 0, len(text.strip(" \t"))
    text = text.strip(" \t")
    while at < end:
        word, at = _word(text, at)
        if word is None:
            return None
        words.append(word)
        if blanks := _BLANKS.match(text, at):
            at = blanks.end()
        elif at < end:
            return None
    # "A=b command" sets a variable; quoted it would not, but such a program's name is nobody's loss.
    return tuple(words) if words and "=" not in words[0] else None


def _word(text: str, at: int) -> tuple[str | None, int]:
    start, parts = at, []
    while piece := _PIECE.match(text, at):
        found = piece.group()
        parts.append(found[1:-1] if found[0] in "'\"" else found)
        at = piece.end()
    return ("".join(parts), at) if at > start else (None, at)


def guessed_commands(text: str) -> list[tuple[str, ...]]:
    """Guess the commands that *text* holds, for rules that refuse. A guess: much escapes it."""
    found = []
    for part in _SEPARATORS.split(text):
        words: list[str] = []
        with suppress(ValueError):
            words = shlex.split(part)
        words = words or part.split()
        if words:
            found.append(tuple(words))
    return found
