"""Reading the members of a JSON answer with their types, so that a wrong answer is named as one."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TypeVar

from clawtrail.errors import BadAnswer

T = TypeVar("T")

Json = Mapping[str, object]


def text(answer: Json, name: str) -> str:
    """Return the string *name*; raises ``BadAnswer`` where there is none."""
    return _typed(answer, name, str)


def integer(answer: Json, name: str) -> int:
    """Return the integer *name*; raises ``BadAnswer`` where there is none."""
    value = answer.get(name)
    if isinstance(value, bool) or not isinstance(value, int):
        raise _wrong(name, "an integer")
    return value


def truth(answer: Json, name: str) -> bool:
    """Return the boolean *name*; raises ``BadAnswer`` where there is none."""
    return _typed(answer, name, bool)


def text_or_none(answer: Json, name: str) -> str | None:
    """Return the string *name*, or None where it is null or absent."""
    return None if answer.get(name) is None else text(answer, name)


def integer_or_none(answer: Json, name: str) -> int | None:
    """Return the integer *name*, or None where it is null or absent."""
    return None if answer.get(name) is None else integer(answer, name)


def mapping(answer: Json, name: str) -> Json:
    """Return the object *name*; null and absent are an empty one."""
    value = answer.get(name)
    if value is None:
        return {}
    if not isinstance(value, dict):
        raise _wrong(name, "an object")
    return value


def texts(answer: Json, name: str) -> tuple[str, ...]:
    """Return the strings of the list *name*; null and absent are an empty one."""
    return _members(answer, name, str)


def mappings(answer: Json, name: str) -> tuple[Json, ...]:
    """Return the objects of the list *name*; null and absent are an empty one."""
    return _members(answer, name, dict)


def _members(answer: Json, name: str, kind: type[T]) -> tuple[T, ...]:
    value = answer.get(name)
    if value is None:
        return ()
    if not isinstance(value, list):
        raise _wrong(name, "a list")
    members = tuple(member for member in value if isinstance(member, kind))
    if len(members) != len(value):
        raise _wrong(name, f"a list of {kind.__name__}")
    return members


def _typed(answer: Json, name: str, kind: type[T]) -> T:
    value = answer.get(name)
    if not isinstance(value, kind):
        raise _wrong(name, f"a {kind.__name__}")
    return value


def _wrong(name: str, expected: str) -> BadAnswer:
    return BadAnswer(f"The answer of the server is not as expected: {name!r} is not {expected}.")
