"""Tasks over HTTP: submit, ask for, list, watch, withdraw, repeat."""

from __future__ import annotations

import dataclasses
from base64 import b64encode
from typing import Any

from flask import Response
from sqlalchemy import Connection

from app.api import answers, models, presenting, submissions
from app.api.errors import BadBody
from app.api.routing import CLIENT, READERS, Call, Nothing, Routes
from app.domain.states import FINISHED, State, old_status
from app.services import cancelling, lookup, record, rerunning, watching
from app.waiting import output_key

routes = Routes("tasks")


@routes(
    "POST",
    "/tasks",
    roles=CLIENT,
    body=models.SubmitTask,
    query=models.Wait,
    answers=answers.Accepted,
    limited=True,
)
async def submit_task(call: Call[models.SubmitTask, models.Wait]) -> Any:  # noqa: ANN401 - JSON
    """Submit a task; with ``wait`` the answer is its result if it comes in time."""
    return await submissions.place(call, call.body.kind, call.body)


@routes(
    "POST",
    "/tasks/batch",
    roles=CLIENT,
    body=models.Batch,
    answers=answers.BatchAccepted,
    limited=True,
)
async def submit_batch(call: Call[models.Batch, Nothing]) -> dict[str, Any]:
    """Submit up to 1,000 tasks, all or none."""
    ids = await submissions.place_all(call, call.body.tasks)
    return {"taskIds": ids, "count": len(ids)}


@routes("GET", "/tasks/stats", roles=READERS, answers=answers.Stats)
def task_stats(call: Call[Nothing, Nothing]) -> dict[str, Any]:
    """Count the tasks by state."""
    counts = call.service.read(lookup.count_by_state)
    total = sum(counts.values())
    return {"queue": {"total": total, "byStatus": counts, "unconsumedResults": 0}}


@routes("GET", "/tasks", roles=READERS, query=models.ListTasks, answers=answers.TaskPage)
def list_tasks(call: Call[Nothing, models.ListTasks]) -> dict[str, Any]:
    """List tasks, the newest first, a page at a time."""
    asked = call.query
    states = [word.strip() for word in asked.state.split(",")] if asked.state else []
    if not set(states) <= {state.value for state in State}:
        raise BadBody("state: one or more of " + ", ".join(State))
    filters = lookup.Filters(
        states=states,
        kind=asked.kind,
        actor=asked.actor,
        worker=asked.worker,
        text=asked.q,
        tag=asked.tag,
        since=asked.since,
        until=asked.until,
    )
    rows = call.service.read(
        lambda conn: lookup.list_tasks(conn, filters, limit=asked.limit, before=asked.cursor),
    )
    more = len(rows) == asked.limit
    return {
        "tasks": [presenting.summary(row) for row in rows],
        "nextCursor": rows[-1].id if more else None,
    }


@routes("GET", "/tasks/{task_id}", roles=READERS, query=models.Wait, answers=answers.Result)
async def get_task(call: Call[Nothing, models.Wait], task_id: str) -> Response:
    """Return a task's result; held up to ``wait`` while it is unfinished. It can be read again."""
    return await submissions.await_result(call, task_id)


@routes("GET", "/tasks/{task_id}/detail", roles=READERS, answers=answers.Detail)
def get_detail(call: Call[Nothing, Nothing], task_id: str) -> dict[str, Any]:
    """Return everything that is known of a task, and what happens next."""
    return call.service.read(lambda conn: presenting.detail(conn, task_id, now=call.now))


@routes("GET", "/tasks/{task_id}/events", roles=READERS, answers=answers.EventPage)
def get_events(call: Call[Nothing, Nothing], task_id: str) -> dict[str, Any]:
    """Return the task's lines of the record, the oldest first."""

    def look(conn: Connection) -> list[Any]:
        lookup.get_state(conn, task_id)
        return record.list_task_events(conn, task_id)

    return {"events": [presenting.event(row) for row in call.service.read(look)]}


@routes(
    "GET",
    "/tasks/{task_id}/output",
    roles=READERS,
    query=models.ReadOutput,
    answers=answers.Output,
)
async def get_output(call: Call[Nothing, models.ReadOutput], task_id: str) -> dict[str, Any]:
    """Return output from a byte on; held up to ``wait`` while there is nothing new."""
    asked, service = call.query, call.service

    def look(conn: Connection) -> watching.Piece:
        return watching.read_output(conn, task_id, stream=asked.stream, start=asked.from_)

    with service.room.expecting(output_key(task_id), call.alive) as seat:
        until = call.deadline(asked.wait, service.settings.max_wait_ms)
        with call.doorway.admission() as admitted:
            while True:
                seat.woken.clear()
                piece = service.read(look)
                if piece.data or piece.done or not admitted or not service.room.is_open:
                    break
                if not await service.room.rest(seat, until) or not call.alive():
                    break
    return {
        "taskId": task_id,
        "stream": asked.stream,
        "from": asked.from_,
        "next": piece.next,
        "data": b64encode(piece.data).decode(),
        "text": piece.data.decode("utf-8", "replace"),
        "skipped": piece.skipped,
        "done": piece.done,
    }


@routes(
    "POST",
    "/tasks/{task_id}/cancel",
    roles=CLIENT,
    body=models.Cancel,
    answers=answers.Cancelled,
)
def cancel_task(call: Call[models.Cancel, Nothing], task_id: str) -> dict[str, Any]:
    """Withdraw a task; a running one is stopped by its worker."""
    state = call.service.write(
        lambda conn: cancelling.cancel(
            conn, task_id, reason=call.body.reason, actor=call.actor, now=call.now
        ),
    )
    message = "Task cancelled" if state in FINISHED else "The worker was asked to stop the task"
    told = {"taskId": task_id, "state": state.value, "status": old_status(state)}
    return {**told, "message": message}


@routes("POST", "/tasks/{task_id}/rerun", roles=CLIENT, answers=answers.Rerun, limited=True)
async def rerun_task(call: Call[Nothing, Nothing], task_id: str) -> dict[str, Any]:
    """Submit the same task anew, as a new task that names the old one."""
    again = call.service.read(lambda conn: rerunning.order_again(conn, task_id))
    new = await submissions.place_again(call, dataclasses.replace(again, id=call.service.new_id()))
    return {"taskId": new, "message": submissions.MESSAGE, "rerunOf": task_id}
