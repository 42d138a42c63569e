"""Reading the details of millions of events: those that differ only in a digest are parsed once."""

from __future__ import annotations

from binascii import Error as NotBase64
from binascii import a2b_base64
from collections.abc import Mapping
from typing import Any

from app.domain.event_types import EventType
from clawtrail.formats import canonical
from clawtrail.formats.canonical import NotCanonical
from clawtrail.formats.events import NotAnEvent, object_of

_REMEMBERED = 4096
_WORKERS_OWN = {EventType.VERDICT_GIVEN.value, EventType.TASK_STARTED.value}
"""Types whose digest is what a worker says it is: any text."""
_DIGESTS = {
    EventType.TASK_SUBMITTED.value: '"payload":"',
    EventType.TASK_COMPLETED.value: '"outcome":"',
    EventType.TASK_FAILED.value: '"outcome":"',
    EventType.TASK_CANCELLED.value: '"outcome":"',
    EventType.TASK_LOST.value: '"outcome":"',
    EventType.TASK_REQUEUED.value: '"outcome":"',
    EventType.OUTCOME_REFUSED.value: '"outcome":"',
    EventType.VERDICT_GIVEN.value: '"digest":"',
    EventType.TASK_STARTED.value: '"digest":"',
}
"""Per type of event, the member of its detail that is another one each time."""

NOTHING: Mapping[str, Any] = {}


class DetailUnreadable(ValueError):
    """The detail is not canonical JSON; the message says why."""


class Details:
    """Parses details, and remembers what it parsed. For one thread."""

    def __init__(self) -> None:
        self._known: dict[tuple[str, str], Mapping[str, Any]] = {}
        # Of each type what stood around the last digest: mostly it is the same again.
        self._last: dict[str, tuple[str, str, int, Mapping[str, Any]]] = {}

    def read(self, type_: str, text: str) -> tuple[Mapping[str, Any], str | None]:
        """Return the detail without its digest, and the digest as it is written, or None without one.

        The mapping is the same object for the same text: do not change it. Raises ``DetailUnreadable``.
        """
        last = self._last.get(type_)
        if last is not None:
            head, tail, length, facts = last
            if len(text) == length and text.startswith(head) and text.endswith(tail):
                digest = text[len(head) : length - len(tail)]
                # `digest_of` refuses whatever is not base64, so only others need the look.
                if type_ not in _WORKERS_OWN or _is_plain(digest):
                    return facts, digest
        return self._read(type_, text)

    def _read(self, type_: str, text: str) -> tuple[Mapping[str, Any], str | None]:
        head, mark, rest = text.partition(_DIGESTS.get(type_, "\0"))
        digest, quote, tail = rest.partition('"')
        # Inside of a JSON text a quote is escaped, so this member can stand nowhere else. A digest
        # with escapes or with letters that only look alike is none: read the whole then.
        if not quote or not _is_plain(digest):
            return self._parsed(text, ""), None
        head, tail = f"{head}{mark}", f'"{tail}'
        facts = self._parsed(head, tail)
        self._last[type_] = (head, tail, len(text), facts)
        return facts, digest

    def _parsed(self, head: str, tail: str) -> Mapping[str, Any]:
        found = self._known.get((head, tail))
        if found is None:
            if len(self._known) >= _REMEMBERED:
                self._known.clear()
            found = self._known[head, tail] = parse(head + tail)
        return found


def _is_plain(digest: str) -> bool:
    return digest.isascii() and digest.isprintable() and '"' not in digest and "\\" not in digest


def parse(text: str) -> Mapping[str, Any]:
    """Return the detail that *text* spells; raises ``DetailUnreadable`` where programs could differ."""
    try:
        said = object_of(text)
        alike = canonical.text(said) == text
    except (NotAnEvent, NotCanonical) as error:
        raise DetailUnreadable(f"its detail cannot be read: {error}") from error
    if not alike:
        raise DetailUnreadable("its detail is not in canonical form")
    return said


def digest_of(text: str | None) -> bytes | None:
    """Return the 32 bytes that a digest in base64 spells; None for what is none."""
    if text is None:
        return None
    try:
        digest = a2b_base64(text, strict_mode=True)
    except (NotBase64, ValueError):
        return None
    return digest if len(digest) == 32 else None
