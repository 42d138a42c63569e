"""What a worker holds: who it is, which leases live on, what is to be cancelled or given back."""

from __future__ import annotations

import json
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, bindparam, insert, select, update

from app.domain import leases
from app.domain.errors import WorkerNotFound
from app.domain.event_types import EventType
from app.domain.kinds import Kind
from app.domain.leases import Lease
from app.domain.states import State
from app.domain.timing import LEASE_MS, RENEW_AFTER_MS, SEEN_AFTER_MS
from app.services import outcomes, record, run_questions, transitions
from app.services.claiming import Worker
from app.services.run_questions import Reply
from app.storage.prepared import Prepared
from app.storage.tables import AnyRow, tasks, workers


@dataclass(frozen=True, slots=True)
class Sighting:
    """What a worker says of itself when it syncs."""

    worker: Worker
    name: str
    session: str
    free: int
    version: str | None = None
    policy_hash: str | None = None
    sandboxes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Holdings:
    """What the server knows of the leases that a worker says it holds."""

    cancelled: tuple[str, ...]
    lost: tuple[str, ...]
    replies: tuple[Reply, ...] = ()


_WORKER = Prepared(select(workers).where(workers.c.id == bindparam("id")))
_HELD = Prepared(
    select(
        tasks.c.id,
        tasks.c.state,
        tasks.c.attempt,
        tasks.c.lease_hash,
        tasks.c.lease_expires_at,
        tasks.c.cancel_requested_at,
    ).where(tasks.c.claimed_by == bindparam("worker"), tasks.c.lease_expires_at.is_not(None)),
)
_RENEW = (
    update(tasks)
    .where(tasks.c.id.in_(bindparam("ids", expanding=True)))
    .values(lease_expires_at=bindparam("until"))
)


def see(conn: Connection, sighting: Sighting, *, now: int) -> bool:
    """Write down that a worker was seen, and say whether it is to be drained.

    A worker that is new or comes with a new session, kinds or labels is an event
    (``worker.registered``); for the rest its row is written at most every ``SEEN_AFTER_MS``.
    """
    told = _told(sighting)
    known = _WORKER.first(conn, {"id": sighting.worker.id})
    if known is None:
        first = {"id": sighting.worker.id, "state": "active", "first_seen_at": now}
        conn.execute(insert(workers), [{**first, **told, "last_seen_at": now}])
        _register(conn, sighting, told, now)
        return False
    changed = any(getattr(known, key) != told[key] for key in ("session", "kinds", "labels"))
    if changed:
        _register(conn, sighting, told, now)
    if changed or now - known.last_seen_at >= SEEN_AFTER_MS:
        conn.execute(
            update(workers).where(workers.c.id == sighting.worker.id),
            {**told, "last_seen_at": now},
        )
    return bool(known.state == "draining")


def keep(conn: Connection, worker: Worker, held: Iterable[str], *, now: int) -> Holdings:
    """Renew the leases in *held* that are still the worker's; tell which are lost or to be cancelled.

    Only started attempts are renewed: a claim has its ``START_MS`` and no more.
    """
    rows = {row.id: row for row in _HELD.all(conn, {"worker": worker.id})}
    alive, lost = [], []
    for token in held:
        row = _row_of(rows, token)
        if row is not None:
            alive.append(row)
        elif not _is_told(conn, token):
            lost.append(token)
    stale = now + LEASE_MS - RENEW_AFTER_MS
    due = [r.id for r in alive if r.state == State.RUNNING and r.lease_expires_at < stale]
    if due:
        conn.execute(_RENEW, {"ids": due, "until": now + LEASE_MS})
    cancelled = tuple(row.id for row in alive if row.cancel_requested_at is not None)
    asks = alive and Kind.CLAUDE_CLI in worker.kinds  # nobody else asks in a run
    return Holdings(cancelled, tuple(lost), run_questions.list_replies(conn, worker.id) if asks else ())


def give_back(conn: Connection, worker: Worker, held: Collection[str], *, now: int) -> int:
    """Return to pending what the worker was sent but does not know of; return how many tasks.

    Such a claim's answer was lost with its connection. Not for a moment when another answer of
    the same worker may still be under way.
    """
    known = {lease.task_id for lease in map(leases.parse, held) if lease is not None}
    rows = _HELD.all(conn, {"worker": worker.id})
    missed = [row for row in rows if row.state == State.CLAIMED and row.id not in known]
    for row in missed:
        release(conn, row, actor=worker.actor, now=now, reason="not received")
    return len(missed)


def release(conn: Connection, row: AnyRow, *, actor: str, now: int, reason: str) -> None:
    """Put one claimed, never started task back to pending; its attempt is not burned."""
    transitions.move(
        conn,
        row.id,
        from_=State.CLAIMED,
        to=State.PENDING,
        type_=EventType.CLAIM_RELEASED,
        at=now,
        actor=actor,
        attempt=row.attempt,
        values={
            "attempt": row.attempt - 1,
            "claimed_by": None,
            "claimed_at": None,
            "lease_hash": None,
            "lease_expires_at": None,
        },
        reason=reason,
    )


def steer(conn: Connection, worker_id: str, *, draining: bool, actor: str, now: int) -> None:
    """Let a worker finish what it has and take nothing new, or take it back into service.

    Raises ``WorkerNotFound``. Doing it twice says it once.
    """
    state = "draining" if draining else "active"
    known = _WORKER.first(conn, {"id": worker_id})
    if known is None:
        raise WorkerNotFound
    if known.state == state:
        return
    conn.execute(update(workers).where(workers.c.id == worker_id).values(state=state))
    type_ = EventType.WORKER_DRAINED if draining else EventType.WORKER_RESUMED
    record.append(conn, type_, at=now, actor=actor, worker=worker_id)


def find_worker(conn: Connection, worker_id: str) -> Worker | None:
    """Return a worker in service as it last synced, or None for one unknown or draining."""
    known = _WORKER.first(conn, {"id": worker_id})
    if known is None or known.state == "draining":
        return None
    return Worker(known.id, tuple(json.loads(known.kinds)), frozenset(json.loads(known.labels)))


def is_draining(conn: Connection, worker_id: str) -> bool:
    """Say whether the worker was told to take nothing new."""
    known = _WORKER.first(conn, {"id": worker_id})
    return known is not None and known.state == "draining"


def _is_told(conn: Connection, token: str) -> bool:
    """Say whether the outcome under this lease is here: then it is not lost, just over."""
    lease = leases.parse(token)
    if lease is None:
        return False
    lease_hash = leases.grant_hash(lease.grant)
    return outcomes.answered(conn, lease.task_id, lease.attempt, lease_hash) is not None


def _row_of(rows: dict[str, AnyRow], token: str) -> AnyRow | None:
    lease: Lease | None = leases.parse(token)
    if lease is None:
        return None
    row = rows.get(lease.task_id)
    if row is None or row.attempt != lease.attempt or not lease.matches(row.lease_hash):
        return None
    return row


def _told(sighting: Sighting) -> dict[str, Any]:
    return {
        "name": sighting.name,
        "session": sighting.session,
        "kinds": json.dumps(sighting.worker.kinds),
        "labels": json.dumps(sorted(sighting.worker.labels)),
        "version": sighting.version,
        "policy_hash": sighting.policy_hash,
        "sandboxes": json.dumps(sighting.sandboxes),
        "free": sighting.free,
    }


def _register(conn: Connection, sighting: Sighting, told: dict[str, Any], now: int) -> None:
    record.append(
        conn,
        EventType.WORKER_REGISTERED,
        at=now,
        actor=sighting.worker.actor,
        name=sighting.name,
        session=sighting.session,
        kinds=told["kinds"],
        labels=told["labels"],
        version=sighting.version,
    )
