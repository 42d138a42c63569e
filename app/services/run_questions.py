"""Questions from inside a run: asked while the task runs on, heard by its worker, void with its end."""

from __future__ import annotations

from base64 import b64encode
from dataclasses import dataclass

from sqlalchemy import Connection, and_, bindparam, insert, literal_column, or_, select

from app.domain.errors import IllegalTransition, InvalidRequest
from app.domain.event_types import EventType
from app.domain.states import State
from app.services import approvals, attempts, record
from app.services.approvals import Question
from app.services.attempts import Reporter
from app.storage.prepared import Prepared
from app.storage.tables import approvals as table
from app.storage.tables import tasks

MOST_OPEN = 20
"""So many questions of one run can be open at one time."""

MOST_TOLD = 50
_MOST_AT_ONCE = 500

_OF_ATTEMPT = Prepared(
    select(table.c.id, table.c.digest, table.c.state).where(
        table.c.task_id == bindparam("task"), table.c.attempt == bindparam("attempt")
    )
)
_IN_A_RUN = or_(tasks.c.approval_id.is_(None), tasks.c.approval_id != table.c.id)
_RUNS = and_(tasks.c.state == literal_column("'running'"), tasks.c.attempt == table.c.attempt)
_VOID = (
    select(table.c.id, table.c.task_id, table.c.attempt, table.c.worker_id, table.c.expires_at)
    .join(tasks, tasks.c.id == table.c.task_id)
    .where(
        table.c.state == literal_column("'pending'"),
        _IN_A_RUN,
        or_(table.c.expires_at <= bindparam("now"), ~_RUNS),
    )
    .limit(_MOST_AT_ONCE)
)
_ANSWERED = Prepared(
    select(table.c.id, table.c.state, table.c.comment)
    .join(tasks, tasks.c.id == table.c.task_id)
    .where(
        tasks.c.claimed_by == bindparam("worker"),
        tasks.c.lease_expires_at.is_not(None),
        _RUNS,
        _IN_A_RUN,
        table.c.state != literal_column("'pending'"),
    )
    .order_by(table.c.decided_at.desc(), table.c.id)
    .limit(MOST_TOLD)
)


@dataclass(frozen=True, slots=True)
class Reply:
    """How a question of a run was closed: ``allow``, or ``deny`` with what was said to that."""

    approval: str
    decision: str
    comment: str | None


def ask(conn: Connection, token: str, question: Question, *, by: Reporter, now: int) -> str:
    """Put a question of the running attempt to people, and return its id; the task runs on.

    The same question of the same attempt is the same one, answered or not. Raises ``LeaseLost``,
    ``InvalidRequest`` without a digest, ``IllegalTransition`` before the start and when too many are open.
    """
    lease, row = attempts.find(conn, token)
    held = attempts.held(lease, row, by)
    if not question.digest:
        raise InvalidRequest("A question needs the digest of what exactly would be done.")
    if held.state != State.RUNNING:
        raise IllegalTransition("Only a run can ask this way; before the start, tell the verdict ask.")
    known = _OF_ATTEMPT.all(conn, {"task": held.id, "attempt": held.attempt})
    for one in known:
        if one.digest == question.digest and one.id != held.approval_id:
            return str(one.id)
    if sum(one.state == "pending" for one in known) >= MOST_OPEN:
        raise IllegalTransition(f"This run has {MOST_OPEN} open questions; wait for the answers.")
    asked = approvals.new_row(held, question, now)
    conn.execute(insert(table), [asked])
    record.append(
        conn,
        EventType.QUESTION_ASKED,
        at=now,
        actor=by.actor,
        task_id=held.id,
        attempt=held.attempt,
        approval=asked["id"],
        worker=held.claimed_by,
        rule=question.rule,
        digest=question.digest,
        policy=question.policy_hash,
        describe=b64encode(asked["describe_digest"]).decode(),
        expires_at=asked["expires_at"],
    )
    return str(asked["id"])


def list_replies(conn: Connection, worker_id: str) -> tuple[Reply, ...]:
    """Return the newest answers to questions of runs that the worker has now."""
    rows = _ANSWERED.all(conn, {"worker": worker_id})
    return tuple(
        Reply(row.id, "allow" if row.state == "approved" else "deny", row.comment or _said(row.state))
        for row in rows
    )


def has_void(conn: Connection, *, now: int) -> bool:
    """Say by reading alone whether ``close_void`` has anything to do."""
    return conn.execute(_VOID, {"now": now}).first() is not None


def close_void(conn: Connection, *, actor: str, now: int) -> int:
    """Close the open questions of runs that nobody answered in time, or that are over; return how many."""
    rows = conn.execute(_VOID, {"now": now}).all()
    for row in rows:
        state = "expired" if row.expires_at <= now else "withdrawn"
        approvals.close(conn, row.id, state, actor=actor, now=now)
        record.append(
            conn,
            EventType.QUESTION_CLOSED,
            at=now,
            actor=actor,
            task_id=row.task_id,
            attempt=row.attempt,
            approval=row.id,
            worker=row.worker_id,
            reason=state,
        )
    return len(rows)


def _said(state: str) -> str | None:
    return "nobody answered in time" if state == "expired" else None
