"""How attempts end: the outcome is applied under the present lease, else kept as evidence."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from sqlalchemy import Connection

from app.domain import leases
from app.domain.errors import IllegalTransition, LeaseLost, TaskNotFound
from app.domain.event_types import EventType
from app.domain.kinds import may_run_again
from app.domain.states import State
from app.services import attempts, budgets, outcomes, record, redacting, transitions
from app.services.attempts import Reporter
from app.services.outcomes import Outcome
from app.storage.tables import AnyRow


@dataclass(frozen=True, slots=True)
class Reception:
    """What became of a reported outcome: applied, or kept as evidence only."""

    accepted: bool
    kept: bool = True


def result(conn: Connection, token: str, outcome: Outcome, *, by: Reporter, now: int) -> Reception:
    """Take the outcome of an attempt: applied under the present lease, else kept as evidence.

    Delivered twice, it is answered as the first time. Raises ``LeaseLost`` when there is no such
    attempt at all or another token made the claim, ``IllegalTransition`` for a run that was never
    started.
    """
    lease, row = attempts.find(conn, token)
    if row is None or lease.attempt > row.attempt or lease.attempt < 1:
        raise LeaseLost
    lease_hash = leases.grant_hash(lease.grant)
    before = outcomes.answered(conn, row.id, lease.attempt, lease_hash)
    if before is not None:
        return Reception(before)
    if row.lease_expires_at is None or not attempts.is_of(lease, row):
        return _refuse(conn, row, lease.attempt, outcome, lease_hash=lease_hash, by=by, now=now)
    if not attempts.made_claim(row, by):
        # Nothing is kept of it: kept, it would stand in the way of the holder's own outcome.
        raise LeaseLost
    if row.state == State.AWAITING_APPROVAL:
        raise IllegalTransition("The question whether this may run is open; cancel the task to end it.")
    if row.state == State.CLAIMED and outcome.reason not in ("policy", "failed", "cancelled"):
        raise IllegalTransition("This attempt was never started; report its start first.")
    finish(conn, row, outcome, lease_hash=lease_hash, by=by, now=now)
    return Reception(accepted=True)


def result_of_old_worker(
    conn: Connection,
    task_id: str,
    outcome: Outcome,
    *,
    streams: Mapping[str, bytes],
    by: Reporter,
    now: int,
) -> Reception:
    """Take the outcome of a task that was handed out without a lease token.

    An old worker names only the task. What it says of a task that somebody else holds, or
    nobody, is kept as evidence. Raises ``TaskNotFound``, and ``LeaseLost`` for a task that was
    never handed out.
    """
    row = attempts.find_task(conn, task_id)
    if row is None:
        raise TaskNotFound
    if row.attempt < 1:
        raise LeaseLost
    no_lease = leases.grant_hash("")
    holds = row.state == State.RUNNING and row.lease_hash is None
    if holds and attempts.made_claim(row, by):
        for stream, data in streams.items():
            outcomes.keep_output(
                conn,
                task_id=row.id,
                attempt=row.attempt,
                stream=stream,
                offset=0,
                data=data,
                now=now,
            )
        finish(conn, row, outcome, lease_hash=no_lease, by=by, now=now)
        return Reception(accepted=True)
    before = outcomes.answered(conn, task_id, row.attempt, no_lease)
    if before is not None:
        return Reception(before)
    return _refuse(conn, row, row.attempt, outcome, lease_hash=no_lease, by=by, now=now)


def finish(
    conn: Connection,
    row: AnyRow,
    outcome: Outcome,
    *,
    lease_hash: bytes,
    by: Reporter,
    now: int,
) -> None:
    """Apply *outcome* to the attempt in *row*: the task ends, or waits for its next attempt."""
    to, type_ = _end(row, outcome)
    digest = outcomes.keep(
        conn,
        outcome,
        task_id=row.id,
        attempt=row.attempt,
        accepted=to is not State.PENDING,
        lease_hash=lease_hash,
        now=now,
    )
    transitions.move(
        conn,
        row.id,
        from_=State(row.state),
        to=to,
        type_=type_,
        at=now,
        actor=by.actor,
        attempt=row.attempt,
        values=_left(to, outcome, now),
        exit_code=outcome.exit_code,
        reason=None if outcome.reason == "exit" else outcome.reason,
        outcome=digest,
        session_key=row.session_key,
        from_state=None if row.state == State.RUNNING else row.state,
    )
    budgets.charge(conn, row, outcome.metadata, attempt=row.attempt, by=by, now=now)


def _end(row: AnyRow, outcome: Outcome) -> tuple[State, EventType]:
    if outcome.reason == "interrupted":
        again = may_run_again(row.effect, attempt=row.attempt, max_attempts=row.max_attempts)
        if again and row.cancel_requested_at is None:
            return State.PENDING, EventType.TASK_REQUEUED
        return State.UNKNOWN, EventType.TASK_LOST
    if outcome.reason == "cancelled" and row.cancel_requested_at is not None:
        return State.CANCELLED, EventType.TASK_CANCELLED
    if outcome.exit_code == 0 and outcome.reason == "exit":
        return State.COMPLETED, EventType.TASK_COMPLETED
    return State.FAILED, EventType.TASK_FAILED


def _left(to: State, outcome: Outcome, now: int) -> dict[str, Any]:
    if to is State.PENDING:
        return {
            "claimed_by": None,
            "claimed_at": None,
            "started_at": None,
            "lease_hash": None,
            "lease_expires_at": None,
        }
    reason = None if outcome.reason == "exit" and to is State.COMPLETED else outcome.reason
    return {"lease_hash": None, "lease_expires_at": None, "finished_at": now, "reason": reason}


def _refuse(
    conn: Connection,
    row: AnyRow,
    attempt: int,
    outcome: Outcome,
    *,
    lease_hash: bytes,
    by: Reporter,
    now: int,
) -> Reception:
    metadata = outcome.metadata
    if redacting.Content.OUTPUT in redacting.find_redacted(conn, row.id):
        outcome = replace(outcome, error=None, metadata=None)
    digest = outcomes.keep(
        conn,
        outcome,
        task_id=row.id,
        attempt=attempt,
        accepted=False,
        lease_hash=lease_hash,
        now=now,
    )
    if digest is None:
        return Reception(accepted=False, kept=False)
    record.append(
        conn,
        EventType.OUTCOME_REFUSED,
        at=now,
        actor=by.actor,
        task_id=row.id,
        attempt=attempt,
        exit_code=outcome.exit_code,
        outcome=digest,
    )
    budgets.charge(conn, row, metadata, attempt=attempt, by=by, now=now)
    return Reception(accepted=False)
