"""How tasks, results and events look on the wire."""

from __future__ import annotations

import json
from typing import Any

from sqlalchemy import Connection

from app.api import presenting_agents
from app.domain.kinds import AGENT_KINDS, Kind
from app.domain.states import FINISHED, State, old_status
from app.services import approvals, lookup, outcomes
from app.storage.tables import AnyRow

NOT_READY = "Result not ready yet"
_SENTENCES = {
    State.CANCELLED: "Cancelled",
    State.DENIED: "Denied: the question whether this may run was answered with no",
    State.EXPIRED: "Expired: the task was not started within its time to live",
    State.UNKNOWN: (
        "Unknown: the worker was lost after the start; the task may or may not have run to its "
        "end. It is not run again by itself"
    ),
}
_NOT_ANSWERED = {
    approvals.EXPIRED: "nobody answered in time whether this may run",
    approvals.UNUSED: "the worker did not start it in time after the approval",
}


def result(conn: Connection, task_id: str) -> dict[str, Any]:
    """Return the result of a task, or where it stands; raises ``TaskNotFound``.

    While it is unfinished there is neither ``stdout`` nor ``error``, and ``status`` is exactly
    ``pending`` or ``running``: old programs take anything else for the end.
    """
    row = lookup.get_task(conn, task_id)
    state = State(row.state)
    shown = {"taskId": row.id, "status": old_status(state), "state": state.value}
    if row.kind in AGENT_KINDS:
        shown["sessionId"] = presenting_agents.session_id(row)
    if state not in FINISHED:
        return {**shown, "message": NOT_READY}
    return {**shown, **_ending(conn, row, state)}


def _ending(conn: Connection, row: AnyRow, state: State) -> dict[str, Any]:
    ending: dict[str, Any] = {
        "stdout": stream_text(conn, row, "stdout"),
        "stderr": stream_text(conn, row, "stderr"),
        "exitCode": row.exit_code if row.exit_code is not None else -1,
        "error": row.error or without_run(row, state),
        "completedAt": row.finished_at,
        "reason": row.reason,
        "durationMs": row.duration_ms,
        "truncated": bool(row.truncated),
    }
    metadata = presenting_agents.of_dispatch(row) if row.kind in AGENT_KINDS else {}
    metadata |= {} if row.metadata is None else json.loads(row.metadata)
    if metadata or row.metadata is not None:
        ending["metadata"] = metadata
    return ending


def without_run(row: AnyRow, state: State) -> str | None:
    """Return the sentence for a task that ended without an outcome of its own, else None."""
    sentence = _SENTENCES.get(state)
    if state is State.DENIED and row.reason:
        return f"Denied: {_NOT_ANSWERED.get(row.reason, row.reason)}"
    if state is State.CANCELLED and row.reason and row.reason != "cancelled":
        return f"{sentence}: {row.reason}"
    return sentence


def stream_text(conn: Connection, row: AnyRow, stream: str) -> str:
    """Return what is kept of a stream as text; a sentence stands where its middle was left out."""
    if row.attempt < 1 or not getattr(row, f"{stream}_bytes"):
        return ""
    pieces, end = [], 0
    for offset, data in outcomes.chunks(conn, row.id, row.attempt, stream):
        if offset > end:
            pieces.append(f"\n[... {offset - end} bytes left out ...]\n".encode())
        pieces.append(data)
        end = offset + len(data)
    return b"".join(pieces).decode("utf-8", "replace")


def summary(row: AnyRow) -> dict[str, Any]:
    """Return one task as lists show it."""
    state = State(row.state)
    return {
        "taskId": row.id,
        "kind": row.kind,
        "state": state.value,
        "status": old_status(state),
        "reason": row.reason,
        "summary": one_line(row.kind, row.payload),
        "actor": row.submitted_by,
        "worker": row.claimed_by,
        "attempt": row.attempt,
        "exitCode": row.exit_code,
        "createdAt": row.created_at,
        "startedAt": row.started_at,
        "finishedAt": row.finished_at,
        "durationMs": row.duration_ms,
        "tags": json.loads(row.tags) if row.tags else [],
    }


def one_line(kind: str, payload: str | None) -> str:
    """Return what a task does in one line of at most 200 characters."""
    if payload is None:
        return "(redacted)"
    said = json.loads(payload)
    if kind == Kind.COMMAND:
        text = said.get("command") or " ".join(said.get("argv", ()))
    else:
        text = said.get("path") or said.get("prompt") or ""
    return str(text).replace("\n", " ")[:200]


def detail(conn: Connection, task_id: str, *, now: int) -> dict[str, Any]:
    """Return everything that is known of a task and what happens next; raises ``TaskNotFound``."""
    row = lookup.get_task(conn, task_id)
    more = {
        "payload": None if row.payload is None else json.loads(row.payload),
        "timeout": row.timeout_ms,
        "priority": row.priority,
        "labels": json.loads(row.labels) if row.labels else [],
        "effect": row.effect,
        "sessionKey": row.session_key,
        "onBehalfOf": row.on_behalf_of,
        "maxAttempts": row.max_attempts,
        "expiresAt": row.expires_at,
        "notBefore": row.not_before_at,
        "claimedAt": row.claimed_at,
        "leaseExpiresAt": row.lease_expires_at,
        "cancelRequestedAt": row.cancel_requested_at,
        "rerunOf": row.rerun_of,
        "signature": row.signature,
    }
    return {
        "task": {**summary(row), **more},
        "outcomes": [_outcome(one) for one in lookup.list_outcomes(conn, task_id)],
        "approvals": [approval(one) for one in approvals.list_of_task(conn, task_id)],
        "explain": explain(row, now=now),
    }


def _outcome(row: AnyRow) -> dict[str, Any]:
    return {
        "attempt": row.attempt,
        "accepted": bool(row.accepted),
        "exitCode": row.exit_code,
        "reason": row.reason,
        "error": row.error,
        "durationMs": row.duration_ms,
        "metadata": None if row.metadata is None else json.loads(row.metadata),
        "stdoutBytes": row.stdout_bytes,
        "stderrBytes": row.stderr_bytes,
        "truncated": bool(row.truncated),
        "reportedAt": row.reported_at,
    }


def approval(row: AnyRow) -> dict[str, Any]:
    """Return a question to people and how it was answered."""
    return {
        "approvalId": row.id,
        "taskId": row.task_id,
        "attempt": row.attempt,
        "state": row.state,
        "kind": row.kind,
        "rule": row.rule,
        "digest": row.digest,
        "policyHash": row.policy_hash,
        "describe": row.describe,
        "worker": row.worker_id,
        "submittedBy": row.submitted_by,
        "onBehalfOf": row.on_behalf_of,
        "requestedAt": row.requested_at,
        "expiresAt": row.expires_at,
        "decidedBy": row.decided_by,
        "decidedAt": row.decided_at,
        "comment": row.comment,
        "usedAt": row.used_at,
        "signature": row.signature,
    }


def explain(row: AnyRow, *, now: int) -> dict[str, Any]:
    """Say why a task stands where it stands, what happens next, and if sending it again is safe."""
    state = State(row.state)
    why, then = _WHY[state]
    if state is State.PENDING and row.not_before_at is not None and row.not_before_at > now:
        why, then = "It is not to start yet.", f"It can be claimed in {row.not_before_at - now} ms."
    if state is State.PENDING and row.pinned_to is not None:
        why, then = "It was approved.", f"{row.pinned_to}, the worker that asked, takes it and runs it."
    if state is State.RUNNING and row.cancel_requested_at is not None:
        why, then = "Its worker was asked to stop it.", "It ends as cancelled once it has stopped."
    harmless = row.effect != "mutating"
    return {"why": why, "next": then, "safeToResend": harmless or state in _NEVER_RAN}


_NEVER_RAN = frozenset({State.EXPIRED, State.DENIED})
_WHY = {
    State.PENDING: (
        "No worker that can run it has had a free slot since.",
        "The next such worker claims it; without any, it waits until its time to live ends.",
    ),
    State.CLAIMED: (
        "A worker has it and has not yet confirmed the start.",
        "It starts, or goes back to pending within 15 seconds.",
    ),
    State.AWAITING_APPROVAL: (
        "The worker's policy asks whether it may run.",
        "Somebody approves or denies it; without an answer in 30 minutes it is denied.",
    ),
    State.RUNNING: (
        "Its worker runs it and renews the lease.",
        "It ends with the worker's report, or when the lease ends unrenewed.",
    ),
    State.COMPLETED: ("It ran and ended with exit code 0.", "Nothing; this state is final."),
    State.FAILED: ("It ended otherwise than with exit code 0.", "Nothing; this state is final."),
    State.CANCELLED: ("It was withdrawn.", "Nothing; this state is final."),
    State.DENIED: ("A human said no, or nobody answered.", "Nothing; this state is final."),
    State.EXPIRED: ("It was not started in time.", "Nothing; this state is final."),
    State.UNKNOWN: (
        "Its worker was lost after the start, and running it again could do it twice.",
        "Look at what it left on the worker's machine, then send it again if it is needed.",
    ),
}


def event(row: AnyRow) -> dict[str, Any]:
    """Return one line of the record."""
    return {
        "id": row.seq,
        "seq": row.seq,
        "at": row.at,
        "createdAt": row.at,
        "type": row.type,
        "taskId": row.task_id,
        "attempt": row.attempt,
        "actor": row.actor,
        "detail": json.loads(row.detail),
    }


def old_event(row: AnyRow) -> dict[str, Any]:
    """Return one line of the record with the task's fields that old programs look for."""
    told = event(row)
    return {
        **told,
        "taskType": row.kind,
        "taskStatus": old_status(State(row.state)) if row.state else None,
        "sessionId": presenting_agents.session_id(row),
        **presenting_agents.of_event(row),
        "details": told["detail"],
    }
