"""The tools that look at tasks, wait for them, and end them."""

from __future__ import annotations

import time

from clawtrail import fields
from clawtrail.mcp.answers import Cancelled, ListedTask, TaskAnswer, TaskList
from clawtrail.mcp.arguments import CancelTask, GetTask, ListTasks, WaitTask
from clawtrail.mcp.desk import Desk, Json, Request, Steps
from clawtrail.mcp.following import follow
from clawtrail.mcp.standing import at, read, read_piece


def get_task(asked: GetTask, desk: Desk) -> Steps[TaskAnswer]:
    """Return how a task stands now, or a piece of what it wrote."""
    yield from ()
    told = read(desk, _look(desk, asked.task_id))
    if asked.stream is None:
        return told
    query: dict[str, object] = {"stream": asked.stream, "from": asked.offset}
    piece = read_piece(desk.ask(_of_task(asked.task_id, "/output", query)))
    # The piece is what was asked for: the rest would say it twice.
    return told.model_copy(update={"output": piece, "stdout": None, "stderr": None, "left_out": None})


def wait_task(asked: WaitTask, desk: Desk) -> Steps[TaskAnswer]:
    """Wait for the end of a task, also while people are asked."""
    begun = time.monotonic()
    answer = _look(desk, asked.task_id)
    answer = yield from follow(desk, answer, begun=begun, wait=asked.wait_seconds, through_approval=True)
    return read(desk, answer)


def list_tasks(asked: ListTasks, desk: Desk) -> Steps[TaskList]:
    """List tasks, the newest first."""
    yield from ()
    query: dict[str, object] = {"limit": asked.limit}
    more = {"kind": asked.kind, "q": asked.text, "cursor": asked.cursor}
    query |= {name: value for name, value in more.items() if value is not None}
    if asked.states:
        query["state"] = ",".join(asked.states)
    answer = desk.ask(Request("GET", "/tasks", query=query))
    return TaskList(
        tasks=[_listed(one) for one in fields.mappings(answer, "tasks")],
        next_cursor=fields.text_or_none(answer, "nextCursor"),
    )


def cancel_task(asked: CancelTask, desk: Desk) -> Steps[Cancelled]:
    """Ask for the end of a task."""
    yield from ()
    body = {} if asked.reason is None else {"reason": asked.reason}
    request = Request("POST", "/tasks/{task_id}/cancel", {"task_id": asked.task_id}, body=body)
    answer = desk.ask(request)
    return Cancelled(
        task_id=fields.text(answer, "taskId"),
        state=fields.text(answer, "state"),
        message=fields.text(answer, "message"),
    )


def _look(desk: Desk, task_id: str) -> Json:
    return desk.ask(_of_task(task_id))


def _of_task(task_id: str, rest: str = "", query: dict[str, object] | None = None) -> Request:
    return Request("GET", "/tasks/{task_id}" + rest, {"task_id": task_id}, query=query or {})


def _listed(one: Json) -> ListedTask:
    return ListedTask(
        task_id=fields.text(one, "taskId"),
        kind=fields.text(one, "kind"),
        state=fields.text(one, "state"),
        summary=fields.text_or_none(one, "summary") or "",
        submitted_by=fields.text_or_none(one, "actor") or "",
        worker=fields.text_or_none(one, "worker"),
        exit_code=fields.integer_or_none(one, "exitCode"),
        created_at=at(fields.integer(one, "createdAt")),
    )
