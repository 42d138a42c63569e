"""Taking tasks in: durable, with their digest on the record, before anybody is answered."""

from __future__ import annotations

import hmac
from base64 import b64encode
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, cast

from sqlalchemy import Connection, bindparam, select

from app.domain import kinds
from app.domain.entropy import random_bytes
from app.domain.errors import IdempotencyConflict
from app.domain.event_types import EventType
from app.services import record, transitions
from app.storage.prepared import Prepared
from app.storage.tables import AnyRow, tasks
from clawtrail.formats.leaves import SALT_BYTES, salted_digest


@dataclass(frozen=True, slots=True, kw_only=True)
class Order:
    """One task as its submitter ordered it. ``payload`` is JSON text, times are epoch ms.

    ``signature`` is the envelope that he signed it with; nothing here looks into it.
    """

    id: str
    kind: str
    payload: str
    timeout_ms: int
    effect: str | None = None
    priority: int = 0
    labels: str | None = None
    tags: str | None = None
    session_key: str | None = None
    on_behalf_of: str | None = None
    rerun_of: str | None = None
    max_attempts: int | None = None
    expires_at: int | None = None
    not_before_at: int | None = None
    signature: str | None = None


@dataclass(frozen=True, slots=True)
class Once:
    """An Idempotency-Key, and the bytes of the request that it stands for."""

    key: str
    request: bytes


@dataclass(frozen=True, slots=True)
class Submission:
    """Orders that are taken all or none: who sent them, when, and perhaps under which key."""

    orders: Sequence[Order]
    actor: str
    now: int
    once: Once | None = None


def submit(
    conn: Connection,
    orders: Sequence[Order],
    *,
    actor: str,
    now: int,
    once: Once | None = None,
) -> list[str]:
    """Put *orders* into the queue, all or none, and return their task ids in order.

    With *once*, a repeated request returns the ids of the first one and changes nothing; the
    same key with another request raises ``IdempotencyConflict``. Keys are the submitter's own:
    two actors may use the same one.
    """
    return submit_each(conn, [Submission(orders, actor, now, once)])[0]


def submit_each(conn: Connection, submissions: Sequence[Submission]) -> list[list[str]]:
    """Do what ``submit`` does for each of *submissions*, with one INSERT for all of their tasks.

    Only one that comes alone is looked up by its key. Among several, a repeated one raises the
    database's IntegrityError, and none is done: the writer then runs them one by one.
    """
    told: list[list[str]] = []
    rows: list[dict[str, Any]] = []
    for one in submissions:
        earlier = _repeated(conn, one) if len(submissions) == 1 else []
        told.append(earlier or [order.id for order in one.orders])
        for number, order in enumerate(() if earlier else one.orders):
            row = _row(order, number, one.actor, one.now, one.once)
            rows.append(row)
            _tell(conn, order, row, actor=one.actor, now=one.now)
    transitions.enter(conn, rows)
    return told


def _repeated(conn: Connection, one: Submission) -> list[str]:
    return [] if one.once is None else find_earlier(conn, one.actor, one.once, len(one.orders))


_BY_KEY = Prepared(
    select(tasks.c.id, tasks.c.payload_salt, tasks.c.idempotency_digest).where(
        tasks.c.submitted_by == bindparam("actor"),
        tasks.c.idempotency_key == bindparam("key"),
    ),
)


def find_earlier(conn: Connection, actor: str, once: Once, count: int) -> list[str]:
    """Return the ids of the *count* tasks that this very request made before, or none.

    Raises ``IdempotencyConflict`` when its key came with another request, or with one that was
    redacted since: nobody can compare the two any more, and nothing must run twice.
    """
    first = _find(conn, actor, once.key, 0)
    if first is None:
        return []
    if first.payload_salt is None:
        raise IdempotencyConflict(
            f"What was sent with this Idempotency-Key made the task {first.id}, whose content was redacted "
            "since, so the two cannot be compared. Use a new key for a new task.",
        )
    again = salted_digest(first.payload_salt, once.request)
    if not hmac.compare_digest(again, first.idempotency_digest):
        raise IdempotencyConflict
    rest = [_find(conn, actor, once.key, number) for number in range(1, count)]
    return [first.id, *(row.id for row in rest if row is not None)]


def _find(conn: Connection, actor: str, key: str, number: int) -> AnyRow | None:
    return cast("AnyRow | None", _BY_KEY.first(conn, {"actor": actor, "key": _numbered(key, number)}))


def _numbered(key: str, number: int) -> str:
    return f"{number}:{key}"


def _row(order: Order, number: int, actor: str, now: int, once: Once | None) -> dict[str, Any]:
    salt = random_bytes(SALT_BYTES)
    effect = order.effect or kinds.effect_of(order.kind)
    return {
        "id": order.id,
        "kind": order.kind,
        "payload": order.payload,
        "payload_salt": salt,
        "payload_digest": salted_digest(salt, order.payload.encode("utf-8")),
        "effect": effect,
        "priority": order.priority,
        "labels": order.labels,
        "tags": order.tags,
        "session_key": order.session_key,
        "submitted_by": actor,
        "on_behalf_of": order.on_behalf_of,
        "rerun_of": order.rerun_of,
        "idempotency_key": None if once is None else _numbered(once.key, number),
        "idempotency_digest": None if once is None else salted_digest(salt, once.request),
        "timeout_ms": order.timeout_ms,
        "max_attempts": order.max_attempts or kinds.attempts_of(effect),
        "not_before_at": order.not_before_at,
        "expires_at": order.expires_at,
        "created_at": now,
        "signature": order.signature,
        "signature_digest": (
            None if order.signature is None else salted_digest(salt, order.signature.encode("utf-8"))
        ),
    }


def _tell(conn: Connection, order: Order, row: Mapping[str, Any], *, actor: str, now: int) -> None:
    """Say what was ordered; what is as usual for the kind is left out, and so is what is secret."""
    record.append(
        conn,
        EventType.TASK_SUBMITTED,
        at=now,
        actor=actor,
        task_id=order.id,
        kind=order.kind,
        payload=b64encode(row["payload_digest"]).decode(),
        timeout_ms=order.timeout_ms,
        effect=order.effect,
        priority=order.priority or None,
        labels=order.labels,
        tags=order.tags,
        session_key=order.session_key,
        on_behalf_of=order.on_behalf_of,
        rerun_of=order.rerun_of,
        max_attempts=order.max_attempts,
        expires_at=order.expires_at,
        not_before_at=order.not_before_at,
        signature=None if order.signature is None else b64encode(row["signature_digest"]).decode(),
    )
