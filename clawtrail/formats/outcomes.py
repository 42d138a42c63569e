"""What a finished attempt left, read back from the canonical text that its digest is made of."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from clawtrail.formats import canonical
from clawtrail.formats.events import NotAnEvent, object_of

_NUMBERS = ("exit_code", "stdout_bytes", "stderr_bytes", "truncated")
_TEXTS = ("reason", "error", "metadata", "stdout", "stderr")


class NotAnOutcome(ValueError):
    """The text is not the canonical text of an outcome; the message says why."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """How an attempt ended, as its worker told.

    ``metadata`` is JSON text; ``stdout_digest`` and ``stderr_digest`` are salted, in hexadecimal, and
    None where the stream was empty. ``stdout`` and ``stderr`` are the kept bytes, or None where these are
    not at hand; of a ``truncated`` stream not all bytes were kept.
    """

    exit_code: int
    reason: str | None
    error: str | None
    duration_ms: int | None
    metadata: str | None
    stdout_bytes: int
    stderr_bytes: int
    truncated: bool
    stdout_digest: str | None
    stderr_digest: str | None
    stdout: bytes | None = None
    stderr: bytes | None = None


def parse(text: str) -> Outcome:
    """Return the outcome that *text* spells; it has no other text. Raises ``NotAnOutcome``."""
    try:
        said = object_of(text)
        alike = canonical.text(said) == text
    except (NotAnEvent, canonical.NotCanonical) as error:
        raise NotAnOutcome(str(error)) from error
    if not alike:
        raise NotAnOutcome("it is not in its canonical form")
    if sorted(said) != sorted((*_NUMBERS, *_TEXTS, "duration_ms")):
        raise NotAnOutcome("it does not have the fields of an outcome")
    _check_kinds(said)
    return Outcome(
        exit_code=said["exit_code"],
        reason=said["reason"],
        error=said["error"],
        duration_ms=said["duration_ms"],
        metadata=said["metadata"],
        stdout_bytes=said["stdout_bytes"],
        stderr_bytes=said["stderr_bytes"],
        truncated=bool(said["truncated"]),
        stdout_digest=said["stdout"],
        stderr_digest=said["stderr"],
    )


def _check_kinds(said: dict[str, Any]) -> None:
    duration_ms = said["duration_ms"]
    numbers = [said[name] for name in _NUMBERS] + ([] if duration_ms is None else [duration_ms])
    texts = [said[name] for name in _TEXTS]
    if not all(type(number) is int for number in numbers):
        raise NotAnOutcome("what should be a number is none")
    if not all(word is None or isinstance(word, str) for word in texts):
        raise NotAnOutcome("what should be a text is none")
    try:
        object_of(said["metadata"] or "{}")
    except NotAnEvent as error:
        raise NotAnOutcome(f"its metadata cannot be read: {error}") from error
