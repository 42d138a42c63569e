"""The tools that make tasks: commands, files, prompts."""

from __future__ import annotations

import uuid

from clawtrail.mcp.answers import TaskAnswer
from clawtrail.mcp.arguments import AskClaude, EditFile, ReadFile, RunCommand, Submission, WriteFile
from clawtrail.mcp.desk import Desk, Json, Request, Steps
from clawtrail.mcp.following import submit
from clawtrail.mcp.standing import read


def run_command(asked: RunCommand, desk: Desk) -> Steps[TaskAnswer]:
    """Run a command over there."""
    body = _given(
        command=asked.command,
        argv=asked.argv,
        cwd=asked.cwd,
        stdin=asked.stdin,
        timeout=round(asked.timeout_seconds * 1000),
    )
    return (yield from _do(asked, desk, "/tasks", body))


def read_file(asked: ReadFile, desk: Desk) -> Steps[TaskAnswer]:
    """Read a piece of a file; base64 makes four characters of three bytes, and must fit all the same."""
    limit = asked.limit if asked.encoding == "utf8" else asked.limit // 4 * 3 or 1
    body = _given(path=asked.path, encoding=asked.encoding, offset=asked.offset, limit=limit)
    answer = yield from _do(asked, desk, "/files/read", body)
    return _with_rest(answer)


def write_file(asked: WriteFile, desk: Desk) -> Steps[TaskAnswer]:
    """Put the whole content in the place of a file, all of it or nothing."""
    body = _given(path=asked.path, content=asked.content, encoding=asked.encoding)
    return (yield from _do(asked, desk, "/files/write", body))


def edit_file(asked: EditFile, desk: Desk) -> Steps[TaskAnswer]:
    """Replace exact text in a file."""
    body = _given(
        path=asked.path,
        old_string=asked.old_string,
        new_string=asked.new_string,
        replace_all=asked.replace_all,
    )
    return (yield from _do(asked, desk, "/files/edit", body))


def ask_claude(asked: AskClaude, desk: Desk) -> Steps[TaskAnswer]:
    """Hand a prompt to Claude Code."""
    body = _given(
        prompt=asked.prompt,
        sessionId=asked.session_id,
        model=asked.model,
        cwd=asked.cwd,
        maxCostUsd=asked.max_cost_usd,
        timeout=round(asked.timeout_seconds * 1000),
        origin="mcp",
    )
    return (yield from _do(asked, desk, "/claude", body))


def _given(**said: object) -> dict[str, object]:
    return {name: value for name, value in said.items() if value is not None}


def _do(asked: Submission, desk: Desk, path: str, body: dict[str, object]) -> Steps[TaskAnswer]:
    if asked.labels:
        body["labels"] = asked.labels
    # Without a key of the model's own, one for this call: what is tried again on the way is not done twice.
    request = Request("POST", path, body=body, key=asked.request_key or str(uuid.uuid4()))
    answer: Json = yield from submit(desk, request, wait=asked.wait_seconds)
    return read(desk, answer)


def _with_rest(answer: TaskAnswer) -> TaskAnswer:
    """Say how to read on, where the file goes on behind the piece that was read."""
    about = answer.metadata or {}
    offset, length, size = (about.get(name) for name in ("offset", "length", "size"))
    if not (isinstance(offset, int) and isinstance(length, int) and isinstance(size, int)):
        return answer
    if offset + length >= size:
        return answer
    note = f"The file has {size} bytes: read on with offset={offset + length}."
    return answer.model_copy(update={"left_out": note})
