"""The workers over HTTP: who they are, and taking them out of service and back."""

from __future__ import annotations

import json
from typing import Any

from app.api import answers
from app.api.routing import ADMIN, READERS, Call, Nothing, Routes
from app.domain.timing import ONLINE_MS
from app.services import holding, lookup

routes = Routes("workers")


@routes("GET", "/workers", roles=READERS, answers=answers.Workers)
def list_workers(call: Call[Nothing, Nothing]) -> dict[str, Any]:
    """List every worker ever seen, with what it can run and how much it holds."""
    rows = call.service.read(lookup.list_workers)
    return {"workers": [_worker(row, call.now) for row in rows]}


@routes("POST", "/workers/{worker_id}/drain", roles=ADMIN, answers=answers.Success)
def drain(call: Call[Nothing, Nothing], worker_id: str) -> dict[str, Any]:
    """Let a worker finish what it has and take nothing new."""
    return _steer(call, worker_id, draining=True)


@routes("POST", "/workers/{worker_id}/resume", roles=ADMIN, answers=answers.Success)
def resume(call: Call[Nothing, Nothing], worker_id: str) -> dict[str, Any]:
    """Take a drained worker back into service."""
    return _steer(call, worker_id, draining=False)


def _steer(call: Call[Nothing, Nothing], worker_id: str, *, draining: bool) -> dict[str, Any]:
    call.service.write(
        lambda conn: holding.steer(conn, worker_id, draining=draining, actor=call.actor, now=call.now),
    )
    return {"success": True, "workerId": worker_id, "state": "draining" if draining else "active"}


def _worker(row: Any, now: int) -> dict[str, Any]:  # noqa: ANN401 - a row of two tables
    return {
        "workerId": row.id,
        "name": row.name,
        "state": row.state,
        "online": now - row.last_seen_at < ONLINE_MS,
        "kinds": json.loads(row.kinds),
        "labels": json.loads(row.labels),
        "version": row.version,
        "free": row.free,
        "held": row.held,
        "sandboxes": [] if row.sandboxes is None else json.loads(row.sandboxes),
        "firstSeenAt": row.first_seen_at,
        "lastSeenAt": row.last_seen_at,
    }
