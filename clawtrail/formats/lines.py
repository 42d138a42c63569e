"""Reading a text line by line, so that whoever is told what is wrong is told where."""

from __future__ import annotations


class BadLine(ValueError):
    """The line with this number (from 1) is not what has to stand there."""

    def __init__(self, number: int, why: str) -> None:
        super().__init__(f"line {number}: {why}")
        self.number = number


class Lines:
    """The lines of a text, taken one after the other; each one ends with a single line feed."""

    def __init__(self, text: str) -> None:
        """Raise ``BadLine`` when the last line does not end."""
        self._lines = text.split("\n")
        self._at = 0
        if self._lines.pop():
            raise BadLine(len(self._lines) + 1, "the last line does not end")

    @property
    def number(self) -> int:
        """The number of the line that comes next."""
        return self._at + 1

    def take(self) -> str:
        """Return the next line; raises ``BadLine`` when there is none."""
        if self._at >= len(self._lines):
            raise BadLine(self.number, "the text ends too early")
        self._at += 1
        return self._lines[self._at - 1]

    def take_exactly(self, line: str) -> None:
        """Pass over the next line, which has to be this one; else raise ``BadLine``."""
        number = self.number
        if self.take() != line:
            raise BadLine(number, f"not {line!r}" if line else "not an empty line")

    def take_after(self, word: str) -> str:
        """Return what stands behind *word* and a blank on the next line; else raise ``BadLine``."""
        found = self.find_after(word)
        if found is None:
            raise BadLine(self.number, f"it does not begin with {word!r}")
        return found

    def find_after(self, word: str) -> str | None:
        """Return what ``take_after`` does, or None and take nothing when the next line begins otherwise."""
        return self.take()[len(word) + 1 :] if self.is_next(word) else None

    def is_next(self, word: str) -> bool:
        """Say whether the next line is *word* with a blank and more behind it."""
        return self._at < len(self._lines) and self._lines[self._at].startswith(f"{word} ")

    def is_word(self) -> bool:
        """Say whether the next line is a single word: not empty, without a blank."""
        return (
            self._at < len(self._lines) and bool(self._lines[self._at]) and " " not in self._lines[self._at]
        )

    def rest(self) -> str:
        """Return all lines that were not taken, as they stand in the text."""
        rest = self._lines[self._at :]
        self._at = len(self._lines)
        return "".join(f"{line}\n" for line in rest)
