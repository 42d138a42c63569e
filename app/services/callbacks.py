"""Telling a chat how a task ended: the token for it, kept sealed while it is needed, and what came of it."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, bindparam, delete, insert, select

from app.domain.errors import LeaseLost
from app.domain.event_types import EventType
from app.domain.states import FINISHED, State
from app.domain.timing import CALLBACK_TOKEN_MS
from app.services import attempts, record
from app.services.attempts import Reporter
from app.storage.prepared import Prepared
from app.storage.tables import callback_tokens, events, tasks
from clawtrail.formats import canonical

_SEALED = Prepared(select(callback_tokens.c.sealed).where(callback_tokens.c.task_id == bindparam("task_id")))
_DELETE = Prepared(delete(callback_tokens).where(callback_tokens.c.task_id == bindparam("task_id")))
_TOLD = Prepared(
    select(events.c.detail).where(
        events.c.task_id == bindparam("task_id"),
        events.c.attempt == bindparam("attempt"),
        events.c.type == bindparam("type"),
    ),
)
_STATE = Prepared(
    select(tasks.c.state, tasks.c.reason, tasks.c.claimed_by, tasks.c.pinned_to).where(
        tasks.c.id == bindparam("id")
    )
)
_OVER = (
    select(callback_tokens.c.task_id)
    .join(tasks, tasks.c.id == callback_tokens.c.task_id)
    .where(tasks.c.finished_at <= bindparam("before"))
    .limit(500)
)


@dataclass(frozen=True, slots=True)
class End:
    """How a task ended that its worker awaited; ``state`` is None where it is not its own any more."""

    task_id: str
    state: str | None
    reason: str | None = None


@dataclass(frozen=True, slots=True)
class Told:
    """What came of a callback: was it sent, by what, after how many tries, and what was in the way."""

    sent: bool
    sink: str
    tries: int
    error: str | None = None


def keep_token(conn: Connection, task_id: str, sealed: bytes, *, now: int) -> None:
    """Keep the *sealed* token with which the end of a task is to be told."""
    conn.execute(insert(callback_tokens), {"task_id": task_id, "sealed": sealed, "created_at": now})


def find_token(conn: Connection, task_id: str) -> bytes | None:
    """Return the sealed token of a task, if it has one and it is still needed."""
    found = _SEALED.scalar(conn, {"task_id": task_id})
    return None if found is None else bytes(found)


def ended(conn: Connection, task_id: str, told: Told, *, by: Reporter, now: int) -> None:
    """Put on the record what came of a callback, and delete its token.

    Said again in the same words it changes nothing. Raises ``LeaseLost`` when *by* is not who had the task.
    """
    row = attempts.find_task(conn, task_id)
    # A task that went back to its worker with people's yes is its own, also while nobody has claimed it.
    if row is None or not (attempts.made_claim(row, by) or row.pinned_to == by.worker_id):
        raise LeaseLost("The callback of a task is told by the worker that had it last.")
    type_ = EventType.CALLBACK_SENT if told.sent else EventType.CALLBACK_FAILED
    said: dict[str, Any] = {"sink": told.sink, "tries": told.tries, "error": told.error}
    said = {name: value for name, value in said.items() if value is not None}
    before = _TOLD.all(conn, {"task_id": task_id, "attempt": row.attempt, "type": type_.value})
    if canonical.text(said) in {one.detail for one in before}:
        return
    record.append(conn, type_, at=now, actor=by.actor, task_id=task_id, attempt=row.attempt, **said)
    _DELETE.run(conn, {"task_id": task_id})


def list_ends(conn: Connection, task_ids: Iterable[str], *, worker_id: str) -> tuple[End, ...]:
    """Return which of the tasks that a worker put to people are over; those that go on are left out."""
    found = ((task_id, _STATE.first(conn, {"id": task_id})) for task_id in task_ids)
    ends = []
    for task_id, row in found:
        if row is None or worker_id not in {row.claimed_by, row.pinned_to}:
            ends.append(End(task_id, None))
        elif State(row.state) in FINISHED:
            ends.append(End(task_id, row.state, row.reason))
    return tuple(ends)


def are_over(conn: Connection, *, now: int) -> bool:
    """Say by reading alone whether ``forget_tokens`` has anything to do."""
    return conn.execute(_OVER, {"before": now - CALLBACK_TOKEN_MS}).first() is not None


def forget_tokens(conn: Connection, *, now: int) -> int:
    """Delete the tokens of tasks that ended ``CALLBACK_TOKEN_MS`` ago, used or not; return how many."""
    over = list(conn.execute(_OVER, {"before": now - CALLBACK_TOKEN_MS}).scalars())
    for task_id in over:
        _DELETE.run(conn, {"task_id": task_id})
    return len(over)
