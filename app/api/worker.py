"""The worker's two calls: sync asks (and is held), report tells (and is quick)."""

from __future__ import annotations

import dataclasses
import json
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection

from app.api import answers
from app.api.routing import WORKER, Call, Nothing, Routes
from app.api.worker_models import Report, Sync
from app.api.worker_reports import Reading, receive
from app.domain.timing import LEASE_MS, START_MS
from app.seats import WorkerSeat
from app.services import callbacks, claiming, holding
from app.services.attempts import Reporter
from app.services.callbacks import End
from app.services.claiming import Claim, Worker
from app.services.holding import Holdings, Sighting
from app.waiting import output_key

MAX_SYNC_WAIT_MS = 25_000
NOTHING_NEW = Holdings((), ())

routes = Routes("worker")


@dataclass(frozen=True, slots=True)
class Seen:
    """What one look into the database found for a worker."""

    claims: list[Claim]
    holdings: Holdings
    draining: bool
    ended: tuple[End, ...] = ()

    def is_news(self, body: Sync, first: Seen) -> bool:
        """Say whether the worker should hear of it at once."""
        cancels = set(self.holdings.cancelled) - set(body.cancelling)
        replies = {reply.approval for reply in self.holdings.replies} - set(body.heard)
        told = first.draining if body.drain is None else body.drain
        news = self.claims or self.holdings.lost or cancels or replies or self.ended
        return bool(news or self.draining != told)


@routes("POST", "/worker/sync", roles=WORKER, body=Sync, answers=answers.Synced)
async def sync(call: Call[Sync, Nothing]) -> dict[str, Any]:
    """Renew what the worker holds and hand it tasks; held while there is no news."""
    body, room = call.body, call.service.room
    worker = Worker(call.principal.worker_id(body.worker_id), tuple(body.kinds), frozenset(body.labels))
    seat = WorkerSeat(call.alive, worker_id=worker.id, session=body.session)
    with room.attending(seat), call.doorway.admission() as admitted:
        ticket = room.ticket(worker.id)
        first = seen = await _arrive(call, worker)
        if body.free and not first.draining:
            seat.kinds, seat.has = worker.kinds, worker.has
        until = call.deadline(body.wait, MAX_SYNC_WAIT_MS)
        while admitted and not seen.is_news(body, first) and await room.park(seat, ticket, until):
            if seat.superseded or not call.alive():
                room.pass_on(seat)
                break
            before, ticket = ticket, room.ticket(worker.id)
            offered = seat.offered is not None and ticket.calls == before.calls
            seen = await _look(call, worker, seen, offered=offered)
            if len(seen.claims) == body.free:
                room.pass_on(seat, [claim.task_id for claim in seen.claims])
    return _synced(call, seen, superseded=seat.superseded)


@routes("POST", "/worker/report", roles=WORKER, body=Report, answers=answers.Reported)
async def report(call: Call[Report, Nothing]) -> dict[str, Any]:
    """Take what a worker tells, each item answered by itself; hand it tasks for its free slots."""
    body, now = call.body, call.now
    worker_id = call.principal.worker_id(body.worker_id)
    by = Reporter(f"worker:{worker_id}", call.principal.name)

    def act(conn: Connection) -> tuple[list[dict[str, Any]], list[str], list[Claim]]:
        reading = Reading(conn, by, now)
        results = receive(reading, body.items)
        known = holding.find_worker(conn, worker_id) if body.free else None
        if known is None:
            return results, reading.grown, []
        worker = _as_told(known, body)
        return results, reading.grown, claiming.claim(conn, worker=worker, free=body.free, now=now)

    results, grown, claims = await call.service.written(act)
    for task_id in grown:
        call.service.room.tell(output_key(task_id))
    tasks = [present_claim(claim, call.service.callback_token(claim)) for claim in claims]
    return {"results": results, "tasks": tasks, "cancel": []}


def _as_told(known: Worker, body: Report) -> Worker:
    """Return the worker with the kinds and labels of its report, where it names them."""
    kinds = known.kinds if body.kinds is None else tuple(body.kinds)
    labels = known.labels if body.labels is None else frozenset(body.labels)
    return Worker(known.id, kinds, labels)


async def _arrive(call: Call[Sync, Nothing], worker: Worker) -> Seen:
    """Do all that a sync does on its arrival, in one transaction."""
    body, now = call.body, call.now
    sighting = Sighting(
        worker,
        body.name or body.worker_id,
        body.session,
        body.free,
        body.version,
        body.policy_hash,
        tuple(body.sandboxes),
    )

    def act(conn: Connection) -> Seen:
        draining = holding.see(conn, sighting, now=now)
        holdings = holding.keep(conn, worker, body.leases, now=now)
        if not body.in_flight:
            holding.give_back(conn, worker, body.leases, now=now)
        free = 0 if draining else body.free
        ended = callbacks.list_ends(conn, body.awaiting, worker_id=worker.id)
        return Seen(claiming.claim(conn, worker=worker, free=free, now=now), holdings, draining, ended)

    return await call.service.written(act)


async def _look(call: Call[Sync, Nothing], worker: Worker, before: Seen, *, offered: bool) -> Seen:
    """Look again for a parked worker: for tasks alone when it was just offered one, else at all."""
    now, free = call.service.clock(), call.body.free

    def act(conn: Connection) -> Seen:
        if offered:
            claims = claiming.claim(conn, worker=worker, free=free, now=now)
            return Seen(claims, before.holdings, before.draining)
        draining = holding.is_draining(conn, worker.id)
        holdings = holding.keep(conn, worker, call.body.leases, now=now)
        claims = claiming.claim(conn, worker=worker, free=0 if draining else free, now=now)
        ended = callbacks.list_ends(conn, call.body.awaiting, worker_id=worker.id)
        return Seen(claims, holdings, draining, ended)

    return await call.service.written(act)


def _synced(call: Call[Sync, Nothing], seen: Seen, *, superseded: bool) -> dict[str, Any]:
    told: dict[str, Any] = {
        "tasks": [present_claim(claim, call.service.callback_token(claim)) for claim in seen.claims],
        "cancel": list(seen.holdings.cancelled),
        "lost": list(seen.holdings.lost),
        "drain": seen.draining,
        "now": call.service.clock(),
        "leaseMs": LEASE_MS,
        "startMs": START_MS,
    }
    if seen.holdings.replies:
        told["answers"] = [dataclasses.asdict(reply) for reply in seen.holdings.replies]
    if seen.ended:
        told["ended"] = [
            {"taskId": end.task_id, "state": end.state, "reason": end.reason} for end in seen.ended
        ]
    newest = call.service.checkpoint()
    if call.body.checkpoint not in (None, newest.size):
        told["checkpoint"] = newest.note
    return {**told, "superseded": True} if superseded else told


def present_claim(claim: Claim, callback_token: str | None) -> dict[str, Any]:
    """Return a claim as workers get it, with the token for its callback in clear, if it has one."""
    told: dict[str, Any] = {
        "taskId": claim.task_id,
        "attempt": claim.attempt,
        "lease": claim.lease,
        "kind": claim.kind,
        "payload": json.loads(claim.payload),
        "timeout": claim.timeout_ms,
        "leaseExpiresAt": claim.lease_expires_at,
        "submittedBy": claim.submitted_by,
        "createdAt": claim.created_at,
    }
    if claim.session_key is not None:
        told["sessionKey"] = claim.session_key
    if callback_token is not None:
        told["callbackToken"] = callback_token
    if claim.approval is not None:
        told["approval"] = _without_none(dataclasses.asdict(claim.approval))
    if claim.signature is not None:
        told["signature"] = claim.signature
    return told


def _without_none(told: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in told.items() if value is not None}
