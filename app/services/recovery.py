"""What time does to tasks: claims not started, leases not renewed, tasks not wanted any more."""

from __future__ import annotations

from typing import Any

from sqlalchemy import Connection, Select, bindparam, literal_column, select, update

from app.domain.event_types import EventType
from app.domain.kinds import may_run_again
from app.domain.states import State
from app.domain.timing import LEASE_MS
from app.services import approvals, holding, run_questions, transitions
from app.storage.tables import AnyRow, tasks
from app.storage.tables import approvals as questions

ACTOR = "system:janitor"
MAX_AT_ONCE = 500

_OVERDUE = (
    select(
        tasks.c.id,
        tasks.c.state,
        tasks.c.effect,
        tasks.c.attempt,
        tasks.c.max_attempts,
        tasks.c.claimed_by,
        tasks.c.cancel_requested_at,
        tasks.c.session_key,
        tasks.c.approval_id,
    )
    .where(tasks.c.lease_expires_at <= bindparam("now"))
    .order_by(tasks.c.lease_expires_at)
    .limit(MAX_AT_ONCE)
)
_UNWANTED = (
    select(tasks.c.id, tasks.c.session_key)
    .where(transitions.is_pending(), tasks.c.expires_at <= bindparam("now"))
    .limit(MAX_AT_ONCE)
)
_UNUSED = (
    select(tasks.c.id, tasks.c.state, tasks.c.attempt, tasks.c.approval_id, tasks.c.session_key)
    .join(questions, questions.c.id == tasks.c.approval_id)
    .where(
        transitions.is_pending(), tasks.c.pinned_to.is_not(None), questions.c.expires_at <= bindparam("now")
    )
    .limit(MAX_AT_ONCE)
)
_DUE: Select[tuple[Any]] = (
    select(literal_column("1"))
    .where(
        transitions.is_pending(),
        tasks.c.not_before_at > bindparam("after"),
        tasks.c.not_before_at <= bindparam("now"),
    )
    .limit(1)
)


def is_needed(conn: Connection, *, now: int) -> bool:
    """Say by reading alone whether one of the three acts below that expire things has anything to do."""
    looks = (_OVERDUE, _UNWANTED, _UNUSED)
    return any(conn.execute(look, {"now": now}).first() for look in looks) or run_questions.has_void(
        conn, now=now
    )


def expire_leases(conn: Connection, *, now: int) -> int:
    """End every lease whose time is over; return how many.

    Before the start: back to pending, no attempt burned. After it: what is harmless to repeat
    and has attempts left goes back to pending, everything else becomes ``unknown`` and is never
    run again by itself. A task whose question nobody answered is denied.
    """
    rows = conn.execute(_OVERDUE, {"now": now}).all()
    for row in rows:
        if row.state == State.CLAIMED:
            holding.release(conn, row, actor=ACTOR, now=now, reason="not started in time")
        elif row.state == State.RUNNING:
            _lose(conn, row, now)
        else:
            approvals.lapse(conn, row, actor=ACTOR, now=now)
    return len(rows)


def expire_approvals(conn: Connection, *, now: int) -> int:
    """Deny every pending task whose yes was not used in time by the worker that asked; return how many.

    Open questions of runs that are over, or that nobody answered in time, are closed too.
    """
    run_questions.close_void(conn, actor=ACTOR, now=now)
    rows = conn.execute(_UNUSED, {"now": now}).all()
    for row in rows:
        approvals.lapse(conn, row, actor=ACTOR, now=now)
    return len(rows)


def expire_tasks(conn: Connection, *, now: int) -> int:
    """End every pending task whose time to live is over; return how many."""
    rows = conn.execute(_UNWANTED, {"now": now}).all()
    for task_id, session_key in rows:
        transitions.move(
            conn,
            task_id,
            from_=State.PENDING,
            to=State.EXPIRED,
            type_=EventType.TASK_EXPIRED,
            at=now,
            actor=ACTOR,
            attempt=None,
            values={"finished_at": now},
            from_state=State.PENDING.value,
            session_key=session_key,
        )
    return len(rows)


def are_due(conn: Connection, *, after: int, now: int) -> bool:
    """Say whether any task's ``notBefore`` has come between *after* and *now*."""
    return conn.execute(_DUE, {"after": after, "now": now}).first() is not None


def give_time(conn: Connection, *, now: int) -> None:
    """Let no lease end that could not be renewed while the server was away (called at its start)."""
    conn.execute(
        update(tasks)
        .where(tasks.c.lease_expires_at < now + LEASE_MS, tasks.c.state == State.RUNNING.value)
        .values(lease_expires_at=now + LEASE_MS),
    )


def _lose(conn: Connection, row: AnyRow, now: int) -> None:
    wanted = row.cancel_requested_at is None
    again = may_run_again(row.effect, attempt=row.attempt, max_attempts=row.max_attempts)
    values: dict[str, Any] = {"lease_expires_at": None}
    if again and wanted:
        to, type_ = State.PENDING, EventType.LEASE_EXPIRED
        values |= {"claimed_by": None, "claimed_at": None, "started_at": None, "lease_hash": None}
    else:
        # The hash of the last lease stays, so that late output can still prove where it is from.
        to, type_ = State.UNKNOWN, EventType.TASK_LOST
        values |= {"finished_at": now}
    transitions.move(
        conn,
        row.id,
        from_=State.RUNNING,
        to=to,
        type_=type_,
        at=now,
        actor=ACTOR,
        attempt=row.attempt,
        values=values,
        worker=row.claimed_by,
        reason="lease expired",
        session_key=row.session_key,
    )
