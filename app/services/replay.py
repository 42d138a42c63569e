"""Rebuilding the tables from the record: what the events tell must be what the tables say."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, select

from app.domain.event_types import EventType
from app.domain.kinds import attempts_of, effect_of
from app.domain.states import FINISHED, TRANSITIONS, State
from app.storage.tables import AnyRow, events, tasks
from clawtrail.formats import leaves

_TO = {type_: to for _from, to, type_ in TRANSITIONS}
_COMPARED = (
    "kind",
    "state",
    "effect",
    "priority",
    "labels",
    "tags",
    "session_key",
    "submitted_by",
    "on_behalf_of",
    "rerun_of",
    "timeout_ms",
    "attempt",
    "max_attempts",
    "not_before_at",
    "expires_at",
    "claimed_by",
    "created_at",
    "started_at",
    "finished_at",
    "approval_id",
    "pinned_to",
)


@dataclass(frozen=True, slots=True)
class Fault:
    """One place where the record contradicts itself or the tables."""

    seq: int | None
    task_id: str | None
    what: str


def faults(conn: Connection) -> Iterator[Fault]:
    """Yield every fault: gaps in ``seq``, wrong leaves, impossible transitions, differing tables.

    Reads the whole record in order and holds one small dict a task, so it suits tests and small
    databases.
    """
    told: dict[str, dict[str, Any]] = {}
    expected = 0
    for row in conn.execute(select(events).order_by(events.c.seq)):
        if row.seq != expected:
            yield Fault(row.seq, row.task_id, f"seq {row.seq} follows {expected - 1}")
        expected = row.seq + 1
        if leaf_of(row) != row.leaf:
            yield Fault(row.seq, row.task_id, "the leaf is not the event's")
        wrong = _apply(told, row)
        if wrong is not None:
            yield Fault(row.seq, row.task_id, wrong)
    yield from _differences(conn, told)


def leaf_of(row: AnyRow) -> bytes:
    """Return the Merkle leaf that the columns of an event's *row* give."""
    text = leaves.event_text(
        seq=row.seq,
        at=row.at,
        type_=row.type,
        task_id=row.task_id,
        attempt=row.attempt,
        actor=row.actor,
        detail=row.detail,
    )
    return leaves.leaf(text)


def _apply(told: dict[str, dict[str, Any]], row: AnyRow) -> str | None:
    type_, detail = EventType(row.type), json.loads(row.detail)
    if type_ is EventType.TASK_SUBMITTED:
        if row.task_id in told:
            return "submitted twice"
        told[row.task_id] = _submitted(row, detail)
        return None
    to = _TO.get(type_)
    if to is None:
        return None
    task = told.get(row.task_id)
    if task is None:
        return f"{type_} of a task that was never submitted"
    if (State(task["state"]), to, type_) not in TRANSITIONS:
        return f"{type_} while the task was {task['state']}"
    task["state"] = to.value
    if type_ is EventType.APPROVAL_REQUESTED:
        task["approval_id"], task["pinned_to"] = detail["approval"], None
    _move(task, row, to, type_)
    return None


def _submitted(row: AnyRow, detail: dict[str, Any]) -> dict[str, Any]:
    effect = detail.get("effect") or effect_of(detail["kind"])
    task = {name: detail.get(name) for name in _COMPARED}
    return task | {
        "state": State.PENDING.value,
        "effect": effect,
        "priority": detail.get("priority", 0),
        "max_attempts": detail.get("max_attempts") or attempts_of(effect),
        "submitted_by": row.actor,
        "attempt": 0,
        "created_at": row.at,
    }


def _move(task: dict[str, Any], row: AnyRow, to: State, type_: EventType) -> None:
    if to is State.CLAIMED:
        task["attempt"] = row.attempt
        task["claimed_by"] = row.actor.removeprefix("worker:")
    elif to is State.RUNNING:
        task["started_at"], task["pinned_to"] = row.at, None
    elif to is State.PENDING:
        if type_ is EventType.APPROVAL_GIVEN:
            task["pinned_to"] = task["claimed_by"]
        task["claimed_by"] = task["started_at"] = None
        if type_ in (EventType.CLAIM_RELEASED, EventType.APPROVAL_GIVEN):
            task["attempt"] -= 1
    elif to in FINISHED:
        task["finished_at"] = row.at


def _differences(conn: Connection, told: dict[str, dict[str, Any]]) -> Iterator[Fault]:
    for row in conn.execute(select(tasks)):
        task = told.pop(row.id, None)
        if task is None:
            yield Fault(None, row.id, "a task that the record does not know")
            continue
        for name in _COMPARED:
            if row._mapping[name] != task[name]:  # noqa: SLF001 - SQLAlchemy's public name
                what = f"{name} is {row._mapping[name]!r}, the record says {task[name]!r}"  # noqa: SLF001
                yield Fault(None, row.id, what)
    for task_id in told:
        yield Fault(None, task_id, "the record knows a task that is not in the table")
