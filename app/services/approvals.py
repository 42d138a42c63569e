"""Questions to people: asked before a run, answered once, good for one content on one worker."""

from __future__ import annotations

import uuid
from base64 import b64encode
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, bindparam, insert, select, update

from app.domain import actors
from app.domain.entropy import random_bytes
from app.domain.errors import (
    AlreadyDecided,
    ApprovalNotFound,
    IllegalTransition,
    InvalidRequest,
    OwnSubmission,
)
from app.domain.event_types import EventType
from app.domain.states import State
from app.domain.timing import APPROVAL_MS
from app.services import record, transitions
from app.services.attempts import Reporter
from app.storage.prepared import Prepared
from app.storage.tables import AnyRow, approvals, tasks
from clawtrail.formats.leaves import SALT_BYTES, salted_digest

EXPIRED = "expired"
UNUSED = "unused"

_ONE = Prepared(select(approvals).where(approvals.c.id == bindparam("id")))
_WITH_TASK = select(
    approvals,
    tasks.c.kind,
    tasks.c.submitted_by,
    tasks.c.on_behalf_of,
    tasks.c.session_key,
    tasks.c.state.label("task_state"),
    tasks.c.attempt.label("task_attempt"),
    tasks.c.approval_id.label("about"),
).join(tasks, tasks.c.id == approvals.c.task_id)
_NOBODYS = {"claimed_by": None, "claimed_at": None, "lease_hash": None, "lease_expires_at": None}


@dataclass(frozen=True, slots=True)
class Question:
    """What the worker's policy found: its rule, what exactly would run, and that for people to read."""

    rule: str
    digest: str
    policy_hash: str
    describe: str = ""


@dataclass(frozen=True, slots=True)
class Decider:
    """Who decides: the name of the token, and the actor on the record."""

    name: str
    actor: str


@dataclass(frozen=True, slots=True)
class Answer:
    """Yes or no, why, and the envelope that it was signed with; nothing here looks into that."""

    yes: bool
    comment: str | None = None
    signature: str | None = None


def ask(conn: Connection, held: AnyRow, question: Question, *, by: Reporter, now: int) -> str:
    """Let the claimed attempt in *held* wait for an answer of people; return the question's id.

    The task stays its worker's until ``APPROVAL_MS`` from now, without a slot of it. The same question
    asked again is the same one. An older yes for this task is void from now on. Raises
    ``InvalidRequest`` without a digest, ``IllegalTransition`` when another question is open.
    """
    if not question.digest:
        raise InvalidRequest("A question needs the digest of what exactly would run.")
    if held.state == State.AWAITING_APPROVAL:
        if _ONE.first(conn, {"id": held.approval_id}).digest == question.digest:
            return str(held.approval_id)
        raise IllegalTransition("Another question about this task is open.")
    row = new_row(held, question, now)
    conn.execute(insert(approvals), [row])
    transitions.move(
        conn,
        held.id,
        from_=State.CLAIMED,
        to=State.AWAITING_APPROVAL,
        type_=EventType.APPROVAL_REQUESTED,
        at=now,
        actor=by.actor,
        attempt=held.attempt,
        values={"lease_expires_at": row["expires_at"], "approval_id": row["id"], "pinned_to": None},
        approval=row["id"],
        worker=held.claimed_by,
        rule=question.rule,
        digest=question.digest,
        policy=question.policy_hash,
        describe=b64encode(row["describe_digest"]).decode(),
        expires_at=row["expires_at"],
    )
    return str(row["id"])


def has_yes(conn: Connection, held: AnyRow, digest: str, *, now: int) -> bool:
    """Say whether this claim came with a yes that still holds for *digest*."""
    row = None if held.pinned_to is None else find_given(conn, held.approval_id)
    return row is not None and row.digest == digest and row.expires_at > now


def find_given(conn: Connection, approval_id: str) -> AnyRow | None:
    """Return the question if it was answered with yes and that was not used yet, else None."""
    row: AnyRow | None = _ONE.first(conn, {"id": approval_id})
    return row if row is not None and row.state == "approved" and row.used_at is None else None


def use(conn: Connection, approval_id: str, *, now: int) -> None:
    """Use a yes up: the run that it was for starts."""
    conn.execute(update(approvals).where(approvals.c.id == approval_id).values(used_at=now))


def decide(conn: Connection, approval_id: str, answer: Answer, *, by: Decider, now: int) -> AnyRow:
    """Answer a question and return it as it is then; the first answer counts.

    With yes the task is pending again, for the worker that asked alone, and for ``APPROVAL_MS``. With no
    it ends as denied. A task that asks in its run goes on either way. The same answer by the same person
    again changes nothing. Raises ``ApprovalNotFound``, ``OwnSubmission`` and ``AlreadyDecided``.
    """
    row = get_approval(conn, approval_id)
    if actors.answerable(row.submitted_by, row.on_behalf_of).partition(":")[2] == by.name:
        raise OwnSubmission
    state = "approved" if answer.yes else "denied"
    if (row.state, row.decided_by) == (state, by.actor):
        return row
    if row.state != "pending":
        raise AlreadyDecided(f"This question was closed before: {row.state}, by {row.decided_by}.")
    if row.expires_at <= now:
        raise AlreadyDecided("The time for an answer is over.")
    if row.about != row.id:
        _answer_run(conn, row, answer, by, now)
    elif answer.yes:
        _give(conn, row, answer, by, now)
    else:
        _refuse(conn, row, answer, by, now)
    return get_approval(conn, approval_id)


def withdraw(conn: Connection, approval_id: str, *, actor: str, now: int) -> None:
    """Close the open question of a task that was cancelled."""
    close(conn, approval_id, "withdrawn", actor=actor, now=now)


def lapse(conn: Connection, task: AnyRow, *, actor: str, now: int) -> None:
    """End a task as denied whose question was not answered in time, or whose yes was not used in time."""
    from_ = State(task.state)
    is_open = from_ is State.AWAITING_APPROVAL
    if is_open:
        close(conn, task.approval_id, "expired", actor=actor, now=now)
    reason = EXPIRED if is_open else UNUSED
    transitions.move(
        conn,
        task.id,
        from_=from_,
        to=State.DENIED,
        type_=EventType.APPROVAL_EXPIRED,
        at=now,
        actor=actor,
        attempt=task.attempt or None,
        values={"lease_hash": None, "lease_expires_at": None, "finished_at": now, "reason": reason},
        approval=task.approval_id,
        reason=reason,
        from_state=from_.value,
        session_key=task.session_key,
    )


def list_approvals(conn: Connection, *, state: str | None, limit: int) -> list[AnyRow]:
    """Return up to *limit* questions about their tasks: open ones the oldest first, else the newest."""
    order = approvals.c.requested_at if state == "pending" else approvals.c.requested_at.desc()
    query = _WITH_TASK.order_by(order, approvals.c.id).limit(limit)
    return list(conn.execute(query if state is None else query.where(approvals.c.state == state)))


def list_of_task(conn: Connection, task_id: str) -> list[AnyRow]:
    """Return every question about one task, the oldest first."""
    query = _WITH_TASK.where(approvals.c.task_id == task_id).order_by(approvals.c.requested_at)
    return list(conn.execute(query))


def get_approval(conn: Connection, approval_id: str) -> AnyRow:
    """Return a question as the lists have it; raises ``ApprovalNotFound``."""
    row = conn.execute(_WITH_TASK.where(approvals.c.id == approval_id)).first()
    if row is None:
        raise ApprovalNotFound
    return row


def new_row(held: AnyRow, question: Question, now: int) -> dict[str, Any]:
    """Return the row of a new question about the attempt in *held*."""
    salt = random_bytes(SALT_BYTES)
    return {
        "id": str(uuid.UUID(bytes=random_bytes(16), version=4)),
        "task_id": held.id,
        "attempt": held.attempt,
        "worker_id": held.claimed_by,
        "rule": question.rule,
        "digest": question.digest,
        "policy_hash": question.policy_hash,
        "describe": question.describe,
        "describe_salt": salt,
        "describe_digest": salted_digest(salt, question.describe.encode("utf-8")),
        "state": "pending",
        "requested_at": now,
        "expires_at": now + APPROVAL_MS,
    }


def _give(conn: Connection, row: AnyRow, answer: Answer, by: Decider, now: int) -> None:
    until = now + APPROVAL_MS
    signed = _close_as(conn, row, answer, by, now, expires_at=until)
    transitions.move(
        conn,
        row.task_id,
        from_=State.AWAITING_APPROVAL,
        to=State.PENDING,
        type_=EventType.APPROVAL_GIVEN,
        at=now,
        actor=by.actor,
        attempt=row.attempt,
        values={**_NOBODYS, "attempt": row.attempt - 1, "pinned_to": row.worker_id},
        approval=row.id,
        worker=row.worker_id,
        comment=answer.comment,
        expires_at=until,
        signature=signed,
    )


def _refuse(conn: Connection, row: AnyRow, answer: Answer, by: Decider, now: int) -> None:
    signed = _close_as(conn, row, answer, by, now)
    transitions.move(
        conn,
        row.task_id,
        from_=State.AWAITING_APPROVAL,
        to=State.DENIED,
        type_=EventType.APPROVAL_REFUSED,
        at=now,
        actor=by.actor,
        attempt=row.attempt,
        values={"lease_hash": None, "lease_expires_at": None, "finished_at": now, "reason": answer.comment},
        approval=row.id,
        comment=answer.comment,
        session_key=row.session_key,
        signature=signed,
    )


def _close_as(
    conn: Connection, row: AnyRow, answer: Answer, by: Decider, now: int, **more: object
) -> str | None:
    """Close a question with its answer; return the digest of a signature, under the salt of the question."""
    text = answer.signature
    signed = None if text is None else salted_digest(row.describe_salt, text.encode("utf-8"))
    about = {"comment": answer.comment, "signature": text, "signature_digest": signed, **more}
    close(conn, row.id, "approved" if answer.yes else "denied", actor=by.actor, now=now, **about)
    return None if signed is None else b64encode(signed).decode()


def _answer_run(conn: Connection, row: AnyRow, answer: Answer, by: Decider, now: int) -> None:
    if row.task_state != State.RUNNING or row.task_attempt != row.attempt:
        raise AlreadyDecided("The run that asked this is over.")
    state = "approved" if answer.yes else "denied"
    close(conn, row.id, state, actor=by.actor, now=now, comment=answer.comment)
    record.append(
        conn,
        EventType.QUESTION_ANSWERED,
        at=now,
        actor=by.actor,
        task_id=row.task_id,
        attempt=row.attempt,
        approval=row.id,
        worker=row.worker_id,
        answer=state,
        comment=answer.comment,
    )


def close(conn: Connection, approval_id: str, state: str, *, actor: str, now: int, **more: object) -> None:
    """Write down how a question was closed, and by whom; the caller appends the event."""
    conn.execute(
        update(approvals).where(approvals.c.id == approval_id),
        {"state": state, "decided_by": actor, "decided_at": now, **more},
    )
