"""From a validated request to an order in the queue, and perhaps to its result at once."""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable, Sequence
from typing import Any

from flask import Response

from app.api import presenting
from app.api.agent_models import AskAgent
from app.api.errors import BadBody, answer
from app.api.models import EditFile, Options, ReadFile, SubmitTask, WriteFile
from app.api.routing import Call
from app.domain.errors import QueueFull
from app.domain.kinds import AGENT_KINDS
from app.domain.timing import clamp_timeout
from app.seats import Seat
from app.services import budgets, dispatching
from app.services.dispatching import Dispatch
from app.services.submitting import Once, Order, Submission, find_earlier, submit_each
from app.storage.writer import Joint

MESSAGE = "Task created, waiting for worker"
MAX_KEY = 255

Request = SubmitTask | ReadFile | WriteFile | EditFile | AskAgent


async def place(call: Call[Any, Any], kind: str, asked: Request) -> Any:  # noqa: ANN401 - JSON
    """Submit one task and return its id, or its result when it comes within the asked ``wait``."""
    order, once = order_of(call, kind, asked), once_of(call, [asked])

    async def submit() -> str:
        return (await _submit(call, [order], once))[0]

    return await carry_out(call, order.id, submit, accepted)


async def carry_out(
    call: Call[Any, Any],
    new_id: str,
    submit: Callable[[], Awaitable[str]],
    accepted: Callable[[str], dict[str, Any]],
) -> Any:  # noqa: ANN401 - JSON
    """Do *submit*, which returns a task's id, and return what *accepted* makes of it.

    With a ``wait`` the answer is the task's result instead, or where it stands. *new_id* is the id that the
    task gets when it is new.
    """
    if call.query.wait <= 0:
        return accepted(await submit())
    with call.service.room.expecting(new_id, call.alive) as seat:
        task_id = await submit()
        if task_id != new_id:  # an earlier submission with this key: wait for that one
            return await await_result(call, task_id)
        admitted = await _rest(call, seat)
    return present(call, task_id, admitted=admitted)


async def place_again(call: Call[Any, Any], order: Order) -> str:
    """Submit an order made of an earlier task; return the new task's id."""
    once = once_of(call, [])
    if order.kind in AGENT_KINDS:
        return await dispatch(call, order, once)
    return (await _submit(call, [order], once))[0]


async def place_all(call: Call[Any, Any], asked: Sequence[SubmitTask]) -> list[str]:
    """Submit several tasks, all or none, in one transaction; return their ids in order."""
    orders = [order_of(call, one.kind, one) for one in asked]
    return await _submit(call, orders, once_of(call, asked))


async def dispatch(
    call: Call[Any, Any], order: Order, once: Once | None, *, secret: str | None = None
) -> str:
    """Submit one task of an agent within the caller's budget; *secret* is the token for its callback."""
    if _is_full(call, 1):
        return _taken_before(call, once, 1)[0]
    service, own = call.service, call.principal.max_cost_micros
    more = Dispatch(
        limit=service.settings.max_cost_micros if own is None else own,
        wanted=budgets.micros(json.loads(order.payload).get("maxCostUsd")) or 0,
        sealed=None if secret is None else service.sealer.seal(secret, about=order.id),
    )
    return await service.written(
        lambda conn: dispatching.dispatch(conn, order, more, actor=call.actor, now=call.now, once=once),
    )


def order_of(call: Call[Any, Any], kind: str, asked: Request, *, new_session: str | None = None) -> Order:
    """Return the order that a request amounts to; times become instants.

    With *new_session* the task begins a session of that id, which the payload says too.
    """
    content, session_id = asked.content(), new_session or asked.session_id
    if new_session is not None:
        content |= {"sessionId": new_session, "isNew": True}
    session = f"{kind}:{session_id}" if session_id else None
    return Order(
        id=call.service.new_id(),
        kind=kind,
        payload=_encode(content),
        timeout_ms=clamp_timeout(asked.timeout),
        effect=asked.effect,
        priority=asked.priority,
        labels=_encode(sorted(set(asked.labels))) if asked.labels else None,
        tags=_encode(asked.tags) if asked.tags else None,
        session_key=session,
        on_behalf_of=asked.on_behalf_of,
        max_attempts=asked.max_attempts,
        expires_at=None if asked.ttl is None else call.now + asked.ttl,
        not_before_at=asked.not_before,
        signature=asked.signature,
    )


def accepted(task_id: str) -> dict[str, Any]:
    """Return the answer to a submission whose result is not waited for."""
    return {"taskId": task_id, "message": MESSAGE, "status": "pending"}


async def await_result(call: Call[Any, Any], task_id: str) -> Response:
    """Return the result of a task, or after the asked ``wait`` where it stands."""
    service = call.service
    with service.room.expecting(task_id, call.alive) as seat:
        told = service.read(lambda conn: presenting.result(conn, task_id))
        if "completedAt" in told or call.query.wait <= 0:
            return answer(told)
        admitted = await _rest(call, seat)
    return present(call, task_id, admitted=admitted)


async def _rest(call: Call[Any, Any], seat: Seat) -> bool:
    """Wait in *seat* for as long as was asked; say whether there was room for one more wait."""
    with call.doorway.admission() as admitted:
        if admitted:
            until = call.deadline(call.query.wait, call.service.settings.max_wait_ms)
            await call.service.room.rest(seat, until)
    return admitted


def present(call: Call[Any, Any], task_id: str, *, admitted: bool) -> Response:
    """Return where a task stands; a wait that was not admitted is told when to come again."""
    response = answer(call.service.read(lambda conn: presenting.result(conn, task_id)))
    if not admitted:
        response.headers["Retry-After"] = "1"
    return response


async def _submit(call: Call[Any, Any], orders: Sequence[Order], once: Once | None) -> list[str]:
    if _is_full(call, len(orders)):
        return _taken_before(call, once, len(orders))
    return await call.service.written(
        Joint(Submission(orders, call.actor, call.now, once), submit_each),
    )


def _is_full(call: Call[Any, Any], count: int) -> bool:
    """Say whether *count* more tasks would be too many for the queue."""
    return call.service.backlog.pending + count > call.service.settings.max_pending


def _taken_before(call: Call[Any, Any], once: Once | None, count: int) -> list[str]:
    """Return the ids of a repeated submission, which takes no place in the queue; else it is full."""
    if once is not None:
        ids = call.service.read(lambda conn: find_earlier(conn, call.actor, once, count))
        if ids:
            return ids
    raise QueueFull


def once_of(call: Call[Any, Any], asked: Sequence[Options]) -> Once | None:
    """Return the Idempotency-Key of a request with what it stands for, or None without one."""
    key = call.request.headers.get("Idempotency-Key")
    if key is None:
        return None
    if not 0 < len(key) <= MAX_KEY or not key.isprintable():
        raise BadBody(f"An Idempotency-Key is 1 to {MAX_KEY} printable characters.")
    # The path tells a read from a write of the same fields.
    said = [call.request.path.rstrip("/"), *(one.model_dump_json(exclude_none=True) for one in asked)]
    return Once(key, _encode(said).encode("utf-8"))


_encode = json.JSONEncoder(ensure_ascii=False, separators=(",", ":")).encode
