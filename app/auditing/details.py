"""Reading the details of events."""

from __future__ import annotations

from binascii import Error as NotBase64
from binascii import a2b_base64
from collections.abc import Mapping
from typing import Any

from app.domain.event_types import EventType
from clawtrail.formats import canonical
from clawtrail.formats.canonical import NotCanonical
from clawtrail.formats.events import NotAnEvent, object_of

DIGESTS = {
    EventType.TASK_SUBMITTED.value: "payload",
    EventType.TASK_COMPLETED.value: "outcome",
    EventType.TASK_FAILED.value: "outcome",
    EventType.TASK_CANCELLED.value: "outcome",
    EventType.TASK_LOST.value: "outcome",
    EventType.TASK_REQUEUED.value: "outcome",
    EventType.OUTCOME_REFUSED.value: "outcome",
    EventType.VERDICT_GIVEN.value: "digest",
    EventType.TASK_STARTED.value: "digest",
}
"""Per type of event, the member of its detail that is another one each time."""

NOTHING: Mapping[str, Any] = {}


class DetailUnreadable(ValueError):
    """The detail is not canonical JSON; the message says why."""


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


def digest_in(type_: str, facts: Mapping[str, Any]) -> str | None:
    """Return the digest in the detail of an event of this type, as it is written; None without one."""
    digest = facts.get(DIGESTS.get(type_, ""))
    return digest if isinstance(digest, str) else None


def digest_of(text: str | None) -> bytes | None:
    """Return the 32 bytes that a digest in base64 spells; None for what is none."""
    if text is None:
        return None
    try:
        digest = a2b_base64(text, strict_mode=True)
    except (NotBase64, ValueError):
        return None
    return digest if len(digest) == 32 else None
