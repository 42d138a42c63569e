"""From what the service says of a task to what a model is told, within bounds."""

from __future__ import annotations

import base64
import json
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from clawtrail import fields
from clawtrail.mcp.answers import Piece, Question, TaskAnswer
from clawtrail.mcp.arguments import PIECE
from clawtrail.mcp.desk import Desk, Json, Request

AWAITING = "awaiting_approval"
MOST_METADATA = 10_000
HOW_TO_ANSWER = (
    "A human with the role approver, who is not the one that submitted it, types `clawtrail approve {id}` or "
    "`clawtrail deny {id}`. Tell your user, then call wait_task."
)
_UNFINISHED = frozenset({"pending", "running"})


def is_finished(answer: Json) -> bool:
    """Say whether an answer of the service on a task is its result."""
    return fields.text(answer, "status") not in _UNFINISHED


def read(desk: Desk, answer: Json) -> TaskAnswer:
    """Return what to tell of a task of which the service said *answer*; asks why where it is unfinished."""
    return _result(answer) if is_finished(answer) else _unfinished(desk, fields.text(answer, "taskId"))


def at(instant: int) -> str:
    """Return an instant of epoch milliseconds as ISO 8601, in UTC and whole seconds."""
    return datetime.fromtimestamp(instant // 1000, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def read_piece(answer: Json) -> Piece:
    """Return what the service gave of a stream, cut to whole characters where it is too long."""
    start = fields.integer(answer, "from") + (fields.integer_or_none(answer, "skipped") or 0)
    data = base64.b64decode(fields.text(answer, "data"))
    kept = data if len(data) <= PIECE else _whole(data[:PIECE])
    return Piece(
        stream=fields.text(answer, "stream"),
        offset=start,
        text=kept.decode("utf-8", "replace"),
        next_offset=start + len(kept),
        done=fields.truth(answer, "done") and len(kept) == len(data),
    )


def _whole(data: bytes) -> bytes:
    """Leave out the beginning of a character at the end."""
    for back in range(1, 4):
        if data[-back] & 0b1100_0000 != 0b1000_0000:
            return data[:-back] if data[-back] >= 0b1100_0000 else data
    return data


def _result(answer: Json) -> TaskAnswer:
    notes: list[str] = []
    state = fields.text_or_none(answer, "state") or fields.text(answer, "status")
    return TaskAnswer(
        task_id=fields.text(answer, "taskId"),
        state=state,
        finished=True,
        succeeded=state == "completed",
        exit_code=fields.integer(answer, "exitCode"),
        stdout=_cut(fields.text(answer, "stdout"), "stdout", notes),
        stderr=_cut(fields.text(answer, "stderr"), "stderr", notes),
        error=fields.text_or_none(answer, "error"),
        reason=fields.text_or_none(answer, "reason"),
        duration_ms=fields.integer_or_none(answer, "durationMs"),
        session_id=fields.text_or_none(answer, "sessionId"),
        metadata=_metadata(fields.mapping(answer, "metadata"), notes),
        left_out=" ".join(notes) or None,
        next=_next(state),
    )


def _next(state: str) -> str | None:
    if state != "unknown":
        return None
    return "Nobody knows if it ran to its end. Look at what it left before you do it again."


def _cut(text: str, stream: str, notes: list[str]) -> str:
    """Return *text*, or its beginning and end where it is too long, and say so in *notes*."""
    if len(text) <= PIECE:
        return text
    head, tail = text[: PIECE // 2], text[-(PIECE // 2) :]
    # A replacement character may stand for one byte: so this is where to read on, or a little before.
    offset = len(head.replace("\ufffd", "?").encode())
    left = len(text) - PIECE
    notes.append(
        f"{left} characters in the middle of {stream} are left out here: get_task with stream={stream!r} and "
        f"offset={offset} reads them."
    )
    return f"{head}\n[... {left} characters left out ...]\n{tail}"


def _metadata(metadata: Mapping[str, object], notes: list[str]) -> dict[str, Any] | None:
    if not metadata:
        return None
    shown = dict(metadata)
    for name, value in metadata.items():
        if len(json.dumps(value)) > MOST_METADATA:
            del shown[name]
            notes.append(f"{name!r} of the metadata is too long for this answer: `clawtrail show` has it.")
    return shown


def _unfinished(desk: Desk, task_id: str) -> TaskAnswer:
    detail = desk.ask(Request("GET", "/tasks/{task_id}/detail", {"task_id": task_id}))
    task, explain = fields.mapping(detail, "task"), fields.mapping(detail, "explain")
    state = fields.text(task, "state")
    question = next((_question(one) for one in _open(detail)), None)
    why = [fields.text_or_none(explain, "why"), fields.text_or_none(explain, "next"), _what_to_do(state)]
    return TaskAnswer(
        task_id=task_id,
        state=state,
        finished=False,
        session_id=_session(task),
        approval=question,
        next=" ".join(filter(None, why)),
    )


def _open(detail: Json) -> list[Json]:
    asked = fields.mappings(detail, "approvals")
    return [one for one in asked if fields.text(one, "state") == "pending"]


def _question(asked: Json) -> Question:
    approval_id = fields.text(asked, "approvalId")
    describe = fields.text_or_none(asked, "describe")
    return Question(
        approval_id=approval_id,
        rule=fields.text_or_none(asked, "rule"),
        describe=describe if describe is None else describe[: PIECE // 2],
        expires_at=at(fields.integer(asked, "expiresAt")),
        how_to_answer=HOW_TO_ANSWER.format(id=approval_id),
    )


def _session(task: Json) -> str | None:
    payload = fields.mapping(task, "payload")
    return fields.text_or_none(payload, "sessionId") if "prompt" in payload else None


def _what_to_do(state: str) -> str:
    if state == AWAITING:
        return "It waits for the permission of a human: see approval. Then call wait_task with this task_id."
    return "It goes on by itself: call wait_task with this task_id for its end, cancel_task to stop it."
