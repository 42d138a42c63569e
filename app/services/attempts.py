"""Finding the attempt that a lease names, and whether the lease still holds it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import cast

from sqlalchemy import Connection, bindparam, select

from app.domain import leases
from app.domain.errors import LeaseLost
from app.domain.leases import Lease
from app.storage.prepared import Prepared
from app.storage.tables import AnyRow, tasks

_TASK = Prepared(
    select(
        tasks.c.id,
        tasks.c.kind,
        tasks.c.state,
        tasks.c.attempt,
        tasks.c.max_attempts,
        tasks.c.effect,
        tasks.c.claimed_by,
        tasks.c.lease_hash,
        tasks.c.lease_expires_at,
        tasks.c.cancel_requested_at,
        tasks.c.session_key,
        tasks.c.approval_id,
        tasks.c.pinned_to,
    ).where(tasks.c.id == bindparam("id")),
)


@dataclass(frozen=True, slots=True)
class Reporter:
    """Who reports: the actor on the record, and the token's name that must have made the claim."""

    actor: str
    token_name: str

    @property
    def worker_id(self) -> str:
        """The worker's full id."""
        return self.actor.removeprefix("worker:")


def find(conn: Connection, token: str) -> tuple[Lease, AnyRow | None]:
    """Return the lease that *token* spells and the row of its task, if there is one.

    Raises ``LeaseLost`` for a token that spells no lease.
    """
    lease = leases.parse(token)
    if lease is None:
        raise LeaseLost
    return lease, find_task(conn, lease.task_id)


def find_task(conn: Connection, task_id: str) -> AnyRow | None:
    """Return what the lease checks need of a task, or None when there is none."""
    return cast("AnyRow | None", _TASK.first(conn, {"id": task_id}))


def held(lease: Lease, row: AnyRow | None, by: Reporter) -> AnyRow:
    """Return *row* if *lease* holds it now and *by* may report it; else raise ``LeaseLost``."""
    if row is None or row.lease_expires_at is None or not is_last_lease(lease, row, by):
        raise LeaseLost
    return row


def is_last_lease(lease: Lease, row: AnyRow, by: Reporter) -> bool:
    """Say whether *lease* is the one under which the task is, or was last, held."""
    return is_of(lease, row) and made_claim(row, by)


def is_of(lease: Lease, row: AnyRow) -> bool:
    """Say whether *lease* is the task's present or last one, whoever shows it."""
    return bool(row.attempt == lease.attempt and lease.matches(row.lease_hash))


def made_claim(row: AnyRow, by: Reporter) -> bool:
    """Say whether the claim was made with the token that *by* reports with."""
    return bool(row.claimed_by and row.claimed_by.split("/", 1)[0] == by.token_name)
