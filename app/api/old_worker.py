"""The calls of old workers, kept as they know them."""

from __future__ import annotations

import json
from typing import Any

from flask import Response

from app.api import answers
from app.api.errors import answer, refusal
from app.api.routing import WORKER, Call, Nothing, Routes
from app.api.worker_models import OldNote, OldPoll, OldResult
from app.api.worker_reports import LATE, note
from app.domain.errors import LeaseLost
from app.domain.kinds import V1_KINDS, Kind
from app.seats import WorkerSeat
from app.services import claiming, finishing
from app.services.attempts import Reporter
from app.services.claiming import Claim, Worker
from app.services.outcomes import Outcome

MAX_POLL_WAIT_MS = 60_000
MACHINE = "v1"

routes = Routes("old_worker")


@routes("GET", "/worker/poll", roles=WORKER, query=OldPoll)
async def poll(call: Call[Nothing, OldPoll]) -> Response:
    """Return the oldest task that an old worker understands, or ``null``; never anything else."""
    if call.request.method == "HEAD":  # an answer without a body cannot bring a task
        return answer(None)
    worker = Worker(call.principal.worker_id(MACHINE), tuple(kind.value for kind in V1_KINDS))
    room, service = call.service.room, call.service
    seat = WorkerSeat(call.alive, worker_id=worker.id, kinds=worker.kinds, has=worker.has)
    until = call.deadline(call.query.wait, MAX_POLL_WAIT_MS)
    with call.doorway.admission() as admitted:
        while True:
            ticket = room.ticket(worker.id)
            claim = await service.written(
                lambda conn: claiming.claim_for_old_worker(conn, worker_id=worker.id, now=service.clock()),
            )
            if claim is not None:
                room.pass_on(seat, [claim.task_id])
                break
            if not admitted or not await room.park(seat, ticket, until):
                break
            if not call.alive():
                room.pass_on(seat)
                break
    return answer(None if claim is None else _old_task(claim, service.callback_token(claim)))


@routes("POST", "/worker/result", roles=WORKER, body=OldResult, answers=answers.Success)
def result(call: Call[OldResult, Nothing]) -> Response:
    """Take the outcome of a task from an old worker."""
    body, now = call.body, call.now
    by = _reporter(call)
    outcome, streams = _outcome(body)

    def act(conn: Any) -> finishing.Reception:  # noqa: ANN401 - a SQLAlchemy connection
        return finishing.result_of_old_worker(conn, body.task_id, outcome, streams=streams, by=by, now=now)

    reception = call.service.write(act)
    if not reception.accepted:
        return refusal(LATE, LeaseLost.code, 409, kept=reception.kept)
    return answer({"success": True})


@routes("POST", "/worker/event", roles=WORKER, body=OldNote, answers=answers.Success)
def event(call: Call[OldNote, Nothing]) -> dict[str, Any]:
    """Put on the record what an old worker tells of a task."""
    body = call.body
    told = {"details": body.details, "metadata": body.metadata}
    kept = call.service.write(
        lambda conn: note(
            conn,
            body.type,
            task_id=body.task_id,
            told={key: value for key, value in told.items() if value is not None},
            by=_reporter(call),
            now=call.now,
        ),
    )
    shown = {"id": kept.seq, "type": body.type, "createdAt": kept.at, "taskId": kept.task_id}
    return {"success": True, "event": {**shown, "details": body.details}}


def _reporter(call: Call[Any, Any]) -> Reporter:
    return Reporter(f"worker:{call.principal.worker_id(MACHINE)}", call.principal.name)


def _old_task(claim: Claim, callback_token: str | None) -> dict[str, Any]:
    said = json.loads(claim.payload)
    if callback_token is not None:
        said["callbackBotToken"] = callback_token
    task = {
        "id": claim.task_id,
        "status": "running",
        "createdAt": claim.created_at,
        "timeout": claim.timeout_ms,
        **said,
    }
    if claim.kind == Kind.COMMAND:
        return task
    return {**task, "type": claim.kind}


def _outcome(body: OldResult) -> tuple[Outcome, dict[str, bytes]]:
    streams = {
        "stdout": (body.stdout or "").encode("utf-8", "replace"),
        "stderr": (body.stderr or "").encode("utf-8", "replace"),
    }
    metadata = dict(body.metadata or {})
    code = body.exit_code
    if isinstance(code, bool) or not isinstance(code, int):
        # Old workers pass on what Node gave them: null, or the name of an error.
        metadata["exitCode"] = code
        code = -1
    failed = code != 0 or body.error
    duration = body.duration if isinstance(body.duration, int) and body.duration >= 0 else None
    outcome = Outcome(
        exit_code=code if abs(code) < 2**53 else -1,
        reason="failed" if failed and code == 0 else "exit",
        error=body.error or None,
        duration_ms=duration,
        metadata=metadata or None,
        stdout_bytes=len(streams["stdout"]),
        stderr_bytes=len(streams["stderr"]),
        truncated=False,
    )
    return outcome, streams
