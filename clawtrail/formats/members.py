"""Reading the members of a signed JSON object: each of its type, each asked for, none left over."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

MAX_NUMBER = 2**53 - 1


class WrongMember(ValueError):
    """A member is missing, of another type, or one that nobody asked for; the message says which."""


class Members:
    """The members of one object. Every method raises ``WrongMember``; for one thread."""

    def __init__(self, said: Mapping[str, Any]) -> None:
        self._left = dict(said)

    def are_all_read(self) -> None:
        """Refuse what was not asked for: it would have been signed, and not obeyed."""
        if self._left:
            raise WrongMember(f"{next(iter(self._left))[:60]!a} means nothing here")

    def text(self, name: str) -> str:
        """Return a text that is not empty."""
        value = self._take(name)
        if not isinstance(value, str) or not value:
            raise WrongMember(f"{name} is no text")
        return value

    def text_or_none(self, name: str) -> str | None:
        """Return a text, or None where null stands."""
        return self._take(name) if self._left.get(name) is None else self.text(name)

    def one_of(self, name: str, words: Sequence[str]) -> str:
        """Return a text that is one of *words*."""
        value = self.text(name)
        if value not in words:
            raise WrongMember(f"{name} is not one of {', '.join(words)}")
        return value

    def number(self, name: str, *, least: int = 0, most: int = MAX_NUMBER) -> int:
        """Return a whole number within bounds."""
        value = self._take(name)
        if type(value) is not int or not least <= value <= most:
            raise WrongMember(f"{name} is no whole number from {least} to {most}")
        return value

    def number_or_none(self, name: str) -> int | None:
        """Return a whole number, or None where null stands."""
        return self._take(name) if self._left.get(name) is None else self.number(name)

    def texts(self, name: str, *, most: int) -> tuple[str, ...]:
        """Return a list of up to so many texts."""
        value = self._take(name)
        if not isinstance(value, list) or len(value) > most or not all(isinstance(one, str) for one in value):
            raise WrongMember(f"{name} is no list of at most {most} texts")
        return tuple(value)

    def objects(self, name: str, *, most: int) -> tuple[dict[str, Any], ...]:
        """Return a list of up to so many objects."""
        value = self._take(name)
        if (
            not isinstance(value, list)
            or len(value) > most
            or not all(isinstance(one, dict) for one in value)
        ):
            raise WrongMember(f"{name} is no list of at most {most} objects")
        return tuple(value)

    def mapping(self, name: str) -> dict[str, Any]:
        """Return an object."""
        value = self._take(name)
        if not isinstance(value, dict):
            raise WrongMember(f"{name} is no object")
        return value

    def _take(self, name: str) -> Any:  # noqa: ANN401 - any JSON value
        if name not in self._left:
            raise WrongMember(f"{name} is missing")
        return self._left.pop(name)
