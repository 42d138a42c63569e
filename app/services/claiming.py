"""Handing pending tasks to a worker, under a lease."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

from sqlalchemy import (
    ColumnElement,
    Connection,
    FromClause,
    and_,
    bindparam,
    literal_column,
    not_,
    or_,
    select,
)

from app.domain import leases
from app.domain.event_types import EventType
from app.domain.kinds import AGENT_KINDS, V1_KINDS, Kind
from app.domain.leases import Lease
from app.domain.states import State
from app.domain.timing import START_MS, V1_LEASE_EXTRA_MS
from app.services import approvals, callbacks, transitions
from app.storage.prepared import Prepared
from app.storage.tables import AnyRow, tasks


@dataclass(frozen=True, slots=True)
class Worker:
    """A worker as the claim sees it: who it is and what it can run. Labels are ``key=value``."""

    id: str
    kinds: tuple[str, ...]
    labels: frozenset[str] = frozenset()

    @property
    def actor(self) -> str:
        """The name under which the record knows this worker."""
        return f"worker:{self.id}"

    def has(self, labels: str | None) -> bool:
        """Say whether it has all of the *labels* that a task needs: a JSON list, or None."""
        return labels is None or self.labels.issuperset(json.loads(labels))


@dataclass(frozen=True, slots=True)
class Yes:
    """What people said to this very worker about this very content: *digest* is what it asked for."""

    id: str
    digest: str
    by: str
    at: int
    signature: str | None = None


@dataclass(frozen=True, slots=True)
class Claim:
    """One attempt in a worker's hand; ``payload`` is JSON text, ``sealed`` the token for its callback."""

    task_id: str
    attempt: int
    lease: str
    kind: str
    payload: str
    timeout_ms: int
    lease_expires_at: int
    submitted_by: str
    created_at: int
    session_key: str | None
    approval: Yes | None = None
    sealed: bytes | None = None
    signature: str | None = None


def claim(conn: Connection, *, worker: Worker, free: int, now: int) -> list[Claim]:
    """Lease up to *free* of the oldest tasks that *worker* can run, highest priority first.

    One event tells of each. The look and the take are one write transaction, so two workers
    never hold the same attempt. Of the tasks of one session only the first unfinished one is
    ever taken. The lease ends after ``START_MS`` unless the start is reported; it then belongs
    to the fence (``LeaseLost``). A task that was approved goes to the worker that asked, and
    to no other.

    Call it inside the writer: another transaction would not do.
    """
    if free < 1 or not worker.kinds:
        return []
    grant = leases.new_grant()
    expires_at = now + START_MS
    rows = _take(
        conn,
        worker,
        free=free,
        label_sets=_label_sets(conn, worker),
        lease_hash=leases.grant_hash(grant),
        expires_at=expires_at,
        now=now,
    )
    return [_claim(conn, row, grant, expires_at) for row in rows]


def claim_for_old_worker(conn: Connection, *, worker_id: str, now: int) -> Claim | None:
    """Hand the oldest task that an old worker understands to it, started at once.

    Old workers report neither start nor renewal: the lease lasts the task's timeout and a
    minute, and has no token.
    """
    worker = Worker(worker_id, tuple(kind.value for kind in V1_KINDS))
    rows = _take(
        conn, worker, free=1, label_sets=(), lease_hash=None, expires_at=now + START_MS, now=now, old=True
    )
    if not rows:
        return None
    row = rows[0]
    expires_at = now + row.timeout_ms + V1_LEASE_EXTRA_MS
    transitions.move(
        conn,
        row.id,
        from_=State.CLAIMED,
        to=State.RUNNING,
        type_=EventType.TASK_STARTED,
        at=now,
        actor=worker.actor,
        attempt=row.attempt,
        values={"started_at": now, "lease_expires_at": expires_at},
        assumed=True,
    )
    return _claim(conn, row, "", expires_at)


def _yes(conn: Connection, row: AnyRow) -> Yes | None:
    given = None if row.pinned_to is None else approvals.find_given(conn, row.approval_id)
    return (
        None
        if given is None
        else Yes(given.id, given.digest, given.decided_by, given.decided_at, given.signature)
    )


def _claim(conn: Connection, row: AnyRow, grant: str, expires_at: int) -> Claim:
    return Claim(
        task_id=row.id,
        attempt=row.attempt,
        lease=Lease(row.id, row.attempt, grant).token,
        kind=row.kind,
        payload=row.payload,
        timeout_ms=row.timeout_ms,
        lease_expires_at=expires_at,
        submitted_by=row.submitted_by,
        created_at=row.created_at,
        session_key=row.session_key,
        approval=_yes(conn, row),
        sealed=callbacks.find_token(conn, row.id) if row.kind in AGENT_KINDS else None,
        signature=row.signature,
    )


def _take(
    conn: Connection,
    worker: Worker,
    *,
    free: int,
    label_sets: Sequence[str],
    lease_hash: bytes | None,
    expires_at: int,
    now: int,
    old: bool = False,
) -> list[AnyRow]:
    kinds = {f"kind_{number}": kind for number, kind in enumerate(worker.kinds)}
    sets = {f"labels_{number}": labels for number, labels in enumerate(label_sets)}
    wanted = _wanted(len(kinds), len(sets), old=old)
    rows = wanted.all(conn, {**kinds, **sets, "now": now, "free": free, "worker": worker.id})
    for row in rows:
        transitions.move(
            conn,
            row.id,
            from_=State.PENDING,
            to=State.CLAIMED,
            type_=EventType.TASK_CLAIMED,
            at=now,
            actor=worker.actor,
            attempt=row.attempt,
            values={
                "attempt": row.attempt,
                "claimed_by": worker.id,
                "claimed_at": now,
                "lease_hash": lease_hash,
                "lease_expires_at": expires_at,
            },
        )
    return rows


STRANGE_TO_OLD = ("cwd", "env", "stdin", "offset", "limit", "model", "maxCostUsd")
"""Fields of a payload that an old worker would leave out, and so do another thing than was asked for."""


@lru_cache(maxsize=128)
def _wanted(kinds: int, label_sets: int, *, old: bool) -> Prepared:
    """Return the query for what a worker of so many *kinds* and fitting *label_sets* gets next.

    The oldest tasks first, each with the number of its next attempt; the partial index of
    pending tasks has their order.
    """
    task, sibling = tasks.alias(), tasks.alias()
    goes_first = (
        select(literal_column("1"))
        .where(
            sibling.c.session_key == task.c.session_key,
            sibling.c.finished_at.is_(None),
            or_(sibling.c.lease_expires_at.is_not(None), sibling.c.id < task.c.id),
        )
        .exists()
    )
    fits: list[ColumnElement[bool]] = [task.c.labels.is_(None)]
    fits += [task.c.labels == bindparam(f"labels_{number}") for number in range(label_sets)]
    return Prepared(
        select(
            task.c.id,
            task.c.kind,
            task.c.payload,
            (task.c.attempt + 1).label("attempt"),
            task.c.timeout_ms,
            task.c.session_key,
            task.c.submitted_by,
            task.c.created_at,
            task.c.approval_id,
            task.c.pinned_to,
            task.c.signature,
        )
        .where(
            transitions.is_pending(task),
            task.c.kind.in_([bindparam(f"kind_{number}") for number in range(kinds)]),
            or_(task.c.not_before_at.is_(None), task.c.not_before_at <= bindparam("now")),
            or_(task.c.expires_at.is_(None), task.c.expires_at > bindparam("now")),
            or_(*fits),
            or_(task.c.pinned_to.is_(None), task.c.pinned_to == bindparam("worker")),
            or_(task.c.session_key.is_(None), ~goes_first),
            *(_as_of_old(task) if old else ()),
        )
        .order_by(task.c.priority.desc(), task.c.id)
        .limit(bindparam("free")),
    )


def _as_of_old(task: FromClause) -> list[ColumnElement[bool]]:
    """Return the conditions for what an old worker runs as it is meant.

    It does not know these fields and would run the rest without them. In JSON text a quote comes
    directly behind a comma only between fields: inside of a text it is escaped.
    """
    strange = [task.c.payload.contains(f',"{name}":') for name in STRANGE_TO_OLD]
    without = and_(not_(task.c.payload.startswith('{"argv":')), not_(or_(*strange)))
    decoded = and_(
        task.c.kind == bindparam("reading", Kind.FILE_READ.value),
        task.c.payload.contains(',"encoding":"base64"'),
    )
    return [without, not_(decoded)]


_LABEL_SETS = Prepared(
    select(tasks.c.labels).where(transitions.is_pending(), tasks.c.labels.is_not(None)).distinct(),
)


def _label_sets(conn: Connection, worker: Worker) -> list[str]:
    """Return the label sets that pending tasks need and this worker has; few sets, many tasks."""
    wanted = _LABEL_SETS.all(conn)
    return [row.labels for row in wanted if worker.has(row.labels)]
