"""What workers tell of the attempts they hold, before they end: start, verdict, output."""

from __future__ import annotations

import re
from base64 import b64encode
from dataclasses import dataclass
from typing import Any, TypedDict

from sqlalchemy import Connection

from app.domain import leases
from app.domain.errors import CancelRequested, IllegalTransition, LeaseLost
from app.domain.event_types import EventType
from app.domain.states import State
from app.domain.timing import LEASE_MS
from app.services import approvals, attempts, finishing, outcomes, record, transitions
from app.services.approvals import Question
from app.services.attempts import Reporter
from app.services.outcomes import Outcome

WAITING = "The question whether this may run is open; the task comes again when it is answered with yes."

_SHA256 = re.compile("[0-9a-f]{64}")


@dataclass(frozen=True, slots=True)
class Grounds:
    """Why an attempt may start: the rule that allows it, the digest of what runs, the hash of the policy.

    Whatever a worker does not tell is None.
    """

    rule: str | None = None
    digest: str | None = None
    policy_hash: str | None = None


NOT_TOLD = Grounds()


def start(conn: Connection, token: str, grounds: Grounds = NOT_TOLD, *, by: Reporter, now: int) -> int:
    """Confirm that an attempt may be executed now and return when its lease ends.

    Nothing may run before this has answered. The event of the start holds its *grounds*. Saying it twice
    is answered alike. An approval that came with the claim is used up by it. Raises ``LeaseLost`` for
    a lease that is not the present one, ``CancelRequested`` when the task was withdrawn meanwhile,
    ``IllegalTransition`` while the question whether it may run is open.
    """
    lease, row = attempts.find(conn, token)
    if row is not None and row.state == State.CANCELLED and row.attempt == lease.attempt:
        raise CancelRequested
    held = attempts.held(lease, row, by)
    if held.state == State.RUNNING:
        return int(held.lease_expires_at)
    if held.state == State.AWAITING_APPROVAL:
        raise IllegalTransition(WAITING)
    expires_at = now + LEASE_MS
    values: dict[str, Any] = {"started_at": now, "lease_expires_at": expires_at}
    used = held.pinned_to is not None
    if used:
        approvals.use(conn, held.approval_id, now=now)
        values["pinned_to"] = None
    transitions.move(
        conn,
        held.id,
        from_=State(held.state),
        to=State.RUNNING,
        type_=EventType.TASK_STARTED,
        at=now,
        actor=by.actor,
        attempt=held.attempt,
        values=values,
        approval=held.approval_id if used else None,
        rule=grounds.rule,
        digest=_short(grounds.digest),
        policy=_short(grounds.policy_hash),
    )
    return expires_at


def verdict(
    conn: Connection,
    token: str,
    *,
    given: str,
    rule: str,
    digest: str,
    policy_hash: str,
    describe: str = "",
    error: str | None = None,
    by: Reporter,
    now: int,
) -> None:
    """Hear what the worker's policy said of an attempt, before its start.

    *digest* stands for exactly what would run, *describe* tells it to people. *deny* ends the task as
    failed, with *error* as its sentence. *ask* writes nothing when the claim came with a yes to the same
    digest, since the start tells of it; else the task waits for people, see ``approvals.ask``. Said again
    after the start, it changes nothing. Raises ``LeaseLost``, and ``IllegalTransition`` while a question is
    open.
    """
    lease, row = attempts.find(conn, token)
    held = attempts.held(lease, row, by)
    if held.state == State.RUNNING:
        return
    if given == "ask":
        if not approvals.has_yes(conn, held, digest, now=now):
            question = Question(rule, digest, policy_hash, describe)
            approvals.ask(conn, held, question, by=by, now=now)
        return
    if held.state == State.AWAITING_APPROVAL:
        raise IllegalTransition(WAITING)
    record.append(
        conn,
        EventType.VERDICT_GIVEN,
        at=now,
        actor=by.actor,
        task_id=held.id,
        attempt=held.attempt,
        verdict=given,
        rule=rule,
        digest=digest,
        policy=policy_hash,
    )
    if given == "deny":
        why = error or f"Refused by policy: {rule}"
        refused = Outcome(126, "policy", why, 0, None, 0, 0, truncated=False)
        finishing.finish(conn, held, refused, lease_hash=leases.grant_hash(lease.grant), by=by, now=now)


def output(
    conn: Connection,
    token: str,
    *,
    stream: str,
    offset: int,
    data: bytes,
    by: Reporter,
    now: int,
) -> str | None:
    """Keep a piece of output; return the task's id when it is new, for those who watch.

    Taken under the present lease, and under the last one of a task whose worker was given up
    (its late words are evidence). A piece that was kept under a lease whose outcome is there may
    come again with that outcome. Raises ``LeaseLost``, ``OutputGap``, and ``IllegalTransition``
    before the start: a claim that goes back takes no output with it to the next holder.
    """
    lease, row = attempts.find(conn, token)
    if row is None:
        raise LeaseLost
    piece = _Piece(task_id=row.id, attempt=lease.attempt, stream=stream, offset=offset, data=data)
    if attempts.is_last_lease(lease, row, by):
        if row.state in (State.CLAIMED, State.AWAITING_APPROVAL):
            raise IllegalTransition("This attempt was never started; report its start first.")
        return row.id if outcomes.keep_output(conn, **piece, now=now) else None
    ended = outcomes.answered(conn, row.id, lease.attempt, leases.grant_hash(lease.grant))
    if ended and outcomes.has_output(conn, **piece):
        return None
    raise LeaseLost


def _short(digest: str | None) -> str | None:
    """Give a SHA-256 as the record has its own: 44 characters of base64 for 64 hexadecimal digits."""
    if digest is not None and _SHA256.fullmatch(digest):
        return b64encode(bytes.fromhex(digest)).decode()
    return digest or None


class _Piece(TypedDict):
    task_id: str
    attempt: int
    stream: str
    offset: int
    data: bytes
