"""Withdrawing a task: at once when it has not started, by asking its worker when it has."""

from __future__ import annotations

from sqlalchemy import Connection, bindparam, select, update

from app.domain.errors import IllegalTransition, TaskNotFound
from app.domain.event_types import EventType
from app.domain.states import FINISHED, State
from app.services import approvals, record, transitions
from app.storage.tables import tasks

_TASK = select(
    tasks.c.id,
    tasks.c.state,
    tasks.c.attempt,
    tasks.c.claimed_by,
    tasks.c.cancel_requested_at,
    tasks.c.session_key,
    tasks.c.approval_id,
).where(tasks.c.id == bindparam("id"))


def cancel(conn: Connection, task_id: str, *, reason: str | None, actor: str, now: int) -> State:
    """Withdraw a task and return the state it is in afterwards.

    A task that was not started is ``cancelled`` at once. A running one stays ``running`` until
    its worker has stopped it; asking twice is one event. Raises ``TaskNotFound`` and, for a
    finished task, ``IllegalTransition``.
    """
    row = conn.execute(_TASK, {"id": task_id}).first()
    if row is None:
        raise TaskNotFound
    state = State(row.state)
    if state in FINISHED:
        raise IllegalTransition(f"The task is {state} already; there is nothing left to cancel.")
    if state is State.RUNNING:
        if row.cancel_requested_at is None:
            conn.execute(
                update(tasks).where(tasks.c.id == task_id).values(cancel_requested_at=now),
            )
            record.append(
                conn,
                EventType.CANCEL_REQUESTED,
                at=now,
                actor=actor,
                task_id=task_id,
                attempt=row.attempt,
                reason=reason,
                worker=row.claimed_by,
            )
        return state
    if state is State.AWAITING_APPROVAL:
        approvals.withdraw(conn, row.approval_id, actor=actor, now=now)
    transitions.move(
        conn,
        task_id,
        from_=state,
        to=State.CANCELLED,
        type_=EventType.TASK_CANCELLED,
        at=now,
        actor=actor,
        attempt=row.attempt or None,
        values={
            "finished_at": now,
            "lease_hash": None,
            "lease_expires_at": None,
            "cancel_requested_at": now,
            "reason": reason,
        },
        reason=reason,
        from_state=state.value,
        session_key=row.session_key,
    )
    return State.CANCELLED
