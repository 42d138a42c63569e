"""An event of the record, read back from the canonical text that its leaf is the hash of."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from clawtrail.formats import canonical
from clawtrail.formats.canonical import NotCanonical

_FIELDS = ["actor", "at", "attempt", "detail", "seq", "task_id", "type"]


class NotAnEvent(ValueError):
    """The text is not the canonical text of an event; the message says why."""


@dataclass(frozen=True, slots=True)
class Event:
    """One line of the record; ``at`` is epoch milliseconds."""

    seq: int
    at: int
    type: str
    task_id: str | None
    attempt: int | None
    actor: str
    detail: Mapping[str, Any]


def parse(text: str) -> Event:
    """Return the event that *text* spells; it has no other text. Raises ``NotAnEvent``."""
    said = object_of(text)
    try:
        alike = canonical.text(said) == text
    except NotCanonical as error:
        raise NotAnEvent(f"it has no canonical form: {error}") from error
    if not alike:
        raise NotAnEvent("it is not in its canonical form")
    if sorted(said) != _FIELDS:
        raise NotAnEvent(f"it does not have the fields {', '.join(_FIELDS)}")
    event = Event(**said)
    numbers = (event.seq, event.at, 0 if event.attempt is None else event.attempt)
    texts = (event.type, event.actor, "" if event.task_id is None else event.task_id)
    if not all(type(number) is int and number >= 0 for number in numbers):
        raise NotAnEvent("seq, at or attempt is no number")
    if not all(isinstance(word, str) for word in texts) or not isinstance(event.detail, dict):
        raise NotAnEvent("type, actor, task_id or detail is of the wrong kind")
    return event


def object_of(text: str) -> dict[str, Any]:
    """Return the JSON object that *text* spells, if all programs read the same in it.

    Raises ``NotAnEvent`` for anything else, also when a name stands twice in an object.
    """
    try:
        said = json.loads(text, object_pairs_hook=_unique, parse_constant=_refuse, parse_float=_finite)
    except (ValueError, RecursionError) as error:
        raise NotAnEvent(f"it is not JSON: {getattr(error, 'msg', error)}") from error
    if not isinstance(said, dict):
        raise NotAnEvent("it is not a JSON object")
    return said


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    said = dict(pairs)
    if len(said) != len(pairs):
        raise ValueError("a name stands twice in an object")
    return said


def _refuse(constant: str) -> None:
    raise ValueError(f"{constant} is no JSON")


def _finite(fraction: str) -> float:
    if math.isinf(float(fraction)):
        raise ValueError("a number is too large")
    return float(fraction)
