"""How one event of the record looks as a line of a log, and as JSON."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from datetime import datetime
from typing import Any

import click

from app.api import presenting
from app.cli.event_members import members
from app.domain.event_types import EventType
from app.storage.tables import AnyRow
from clawtrail.terminal import one_line

# What no person looks for in a line: digests, and what the rest of the line or a default tells.
_LEFT_OUT = frozenset(
    {
        "kind",
        "payload",
        "outcome",
        "digest",
        "policy",
        "timeout_ms",
        "from_state",
        "session",
        "method",
        "path",
    }
)
_LISTS = frozenset({"labels", "tags", "kinds"})  # kept as JSON text
_SHORTER = {"exit_code": "exit"}
ACTOR_WIDTH, _TYPE, _ID = 18, 17, 8
_WIDEST_ACTOR = 32
_COLOURS = {
    EventType.TASK_COMPLETED: "green",
    EventType.TASK_STARTED: "cyan",
    EventType.TASK_CLAIMED: "cyan",
    EventType.TASK_FAILED: "red",
    EventType.TASK_LOST: "red",
    EventType.LEASE_EXPIRED: "red",
    EventType.OUTCOME_REFUSED: "red",
    EventType.ACCESS_DENIED: "red",
    EventType.TASK_CANCELLED: "yellow",
    EventType.CANCEL_REQUESTED: "yellow",
    EventType.TASK_EXPIRED: "yellow",
    EventType.TASK_REQUEUED: "yellow",
    EventType.CLAIM_RELEASED: "yellow",
}


def actor_width(rows: Iterable[AnyRow], *, at_least: int = ACTOR_WIDTH) -> int:
    """Return how wide the actors of *rows* are, for lines that stand in columns; a few may be wider."""
    return max([at_least, *(min(len(one_line(row.actor)), _WIDEST_ACTOR) for row in rows)])


def line(row: AnyRow, *, coloured: bool, width: int = ACTOR_WIDTH) -> str:
    """Return an event in one line: time, actor, type, end of the task's id, what, and the details.

    The actor fills *width* characters.
    """
    told = json.loads(row.detail)
    time = iso(row.at)
    actor = f"{one_line(row.actor):<{width}}"
    type_ = f"{one_line(row.type):<{_TYPE}}"
    task = f"{(row.task_id or '-')[-_ID:]:<{_ID}}"
    what = one_line(_what(row, told))
    details = one_line(" ".join(_details(row, told)))
    if coloured:
        time, task, details = (text and click.style(text, dim=True) for text in (time, task, details))
        type_ = click.style(type_, fg=_COLOURS.get(row.type))
    return "  ".join(part for part in (time, actor, type_, task, what, details) if part).rstrip()


def as_json(row: AnyRow) -> str:
    """Return an event as one line of JSON in ASCII, with its task's kind and what it does in one line."""
    told = members(row, time=iso(row.at), summary=_summary(row), detail=json.loads(row.detail))
    return json.dumps(told, separators=(",", ":"))


def iso(at: int) -> str:
    """Return epoch ms as local time with its offset, in ISO 8601 with milliseconds."""
    return datetime.fromtimestamp(at / 1000).astimezone().isoformat(timespec="milliseconds")


def _summary(row: AnyRow) -> str | None:
    return None if row.kind is None else presenting.one_line(row.kind, row.payload)


def _what(row: AnyRow, told: dict[str, Any]) -> str:
    summary = _summary(row)
    if summary is None:
        return f"{told['method']} {told['path']}" if "path" in told and "method" in told else ""
    return summary if row.kind == "command" else f"{row.kind} {summary}".rstrip()


def _details(row: AnyRow, told: dict[str, Any]) -> Iterator[str]:
    if row.attempt is not None and row.attempt > 1:
        yield f"attempt={row.attempt}"
    for name, value in told.items():
        if name not in _LEFT_OUT:
            yield f"{_SHORTER.get(name, name)}={_value(name, value)}"


def _value(name: str, value: object) -> str:
    if name.endswith("_at") and isinstance(value, int):
        return iso(value)
    if name in _LISTS and isinstance(value, str):
        value = ",".join(json.loads(value))
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, separators=(",", ":"))
    return json.dumps(text, ensure_ascii=False) if " " in text or not text else text
