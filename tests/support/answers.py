"""Answers of the server as tests script them."""

from __future__ import annotations

import base64

from tests.support.scripted_server import Reply, reply

ACCEPTED = {"taskId": "t-1", "message": "Task submitted", "status": "pending"}
RUNNING = {"taskId": "t-1", "status": "running", "state": "claimed", "message": "Result not ready yet"}
SUMMARY = {
    "taskId": "t-1",
    "kind": "command",
    "state": "failed",
    "status": "failed",
    "reason": "exit",
    "summary": "make",
    "actor": "client:ada",
    "worker": "wim",
    "attempt": 1,
    "exitCode": 2,
    "createdAt": 1000,
    "startedAt": 1010,
    "finishedAt": 1500,
    "durationMs": 490,
    "tags": ["nightly"],
}


def finished(**members: object) -> dict[str, object]:
    """Return the result of a task as the server gives it."""
    state = members.get("state", "completed")
    result: dict[str, object] = {"taskId": "t-1", "status": state, "state": state, "stdout": "", "stderr": ""}
    return result | {"exitCode": 0, "error": None, "completedAt": 1500} | members


def piece(stream: str, start: int, data: bytes, *, done: bool = False, skipped: int = 0) -> Reply:
    """Return an answer of the output route."""
    text, coded = data.decode("utf-8", "replace"), base64.b64encode(data).decode()
    following = start + skipped + len(data)
    content = {"taskId": "t-1", "stream": stream, "from": start, "next": following, "data": coded}
    return reply(200, content | {"text": text, "skipped": skipped, "done": done})


def event(seq: int, type_: str, **detail: object) -> dict[str, object]:
    """Return one line of the record."""
    known = {"seq": seq, "id": seq, "at": 1000 + seq, "type": type_, "taskId": "t-1", "attempt": None}
    return known | {"actor": "client:ada", "detail": detail}
