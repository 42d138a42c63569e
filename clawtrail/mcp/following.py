"""Waiting for the end of a task, a little at a time, so that there is something to tell meanwhile."""

from __future__ import annotations

import time
from collections.abc import Iterator
from itertools import chain, repeat

from clawtrail import fields
from clawtrail.mcp.desk import Desk, Json, Progress, Request, Steps
from clawtrail.mcp.standing import AWAITING, is_finished

_FIRST, _THEN = (1.0, 2.0, 3.0), 5.0


def slices() -> Iterator[float]:
    """Yield how many seconds to wait each time: short ones first, for a question to people comes soon."""
    return chain(_FIRST, repeat(_THEN))


def submit(desk: Desk, request: Request, *, wait: float) -> Steps[Json]:
    """Hand over a task and return how it stands as soon as it has ended, asks people, or *wait* is over."""
    begun = time.monotonic()
    first = min(wait, _FIRST[0])
    answer = desk.ask(Request(request.method, request.path, body=request.body, wait=first, key=request.key))
    if is_finished(answer) or wait <= first:
        return answer
    return (yield from follow(desk, answer, begun=begun, wait=wait, through_approval=False))


def follow(desk: Desk, answer: Json, *, begun: float, wait: float, through_approval: bool) -> Steps[Json]:
    """Return how the task of *answer* stands once it has ended, or *wait* seconds after *begun*.

    Unless *through_approval*, the waiting ends also where people are asked. It ends before its time where the
    service does not hold its answers, because too many wait there or it is shutting down.
    """
    task_id = fields.text(answer, "taskId")
    for piece in slices():
        now = time.monotonic()
        if is_finished(answer) or now >= begun + wait:
            break
        state = fields.text_or_none(answer, "state") or fields.text(answer, "status")
        if state == AWAITING and not through_approval:
            break
        yield Progress(round(now - begun, 1), wait, f"Task {task_id} is {state}.")
        asked = min(piece, begun + wait - now)
        answer = desk.ask(Request("GET", "/tasks/{task_id}", {"task_id": task_id}, wait=asked))
        if time.monotonic() - now < asked / 2:
            break
    return answer
