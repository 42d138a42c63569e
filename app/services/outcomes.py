"""What a finished attempt left: its outcome with digests, and its output."""

from __future__ import annotations

import json
from base64 import b64encode
from collections.abc import Mapping
from dataclasses import dataclass
from hashlib import sha256
from typing import Any

from sqlalchemy import Connection, bindparam, func, insert, select

from app.domain.entropy import random_bytes
from app.domain.errors import InvalidRequest, OutputGap
from app.domain.event_types import EventType
from app.storage.prepared import Prepared
from app.storage.tables import AnyRow, events, outcomes, output
from clawtrail.formats import canonical
from clawtrail.formats.leaves import SALT_BYTES, salted_digest

STREAMS = ("stdout", "stderr")
MAX_STREAM_BYTES = 16 * 1024 * 1024
"""The most of one stream that is kept; workers cap at less."""

MAX_LATE = 20
"""How many outcomes of one attempt are kept as evidence."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """How an attempt ended, as its worker tells; a *reason* is one of ``wire``'s words."""

    exit_code: int
    reason: str
    error: str | None
    duration_ms: int | None
    metadata: Mapping[str, Any] | None
    stdout_bytes: int
    stderr_bytes: int
    truncated: bool


_INSERT = Prepared(insert(outcomes))
_COUNT = Prepared(
    select(func.count()).where(
        outcomes.c.task_id == bindparam("task_id"),
        outcomes.c.attempt == bindparam("attempt"),
    ),
)
_OF_LEASE = Prepared(
    select(outcomes.c.accepted, outcomes.c.digest).where(
        outcomes.c.task_id == bindparam("task_id"),
        outcomes.c.attempt == bindparam("attempt"),
        outcomes.c.lease_hash == bindparam("lease_hash"),
    ),
)
_REQUEUED = Prepared(
    select(events.c.detail).where(
        events.c.task_id == bindparam("task_id"),
        events.c.attempt == bindparam("attempt"),
        events.c.type == EventType.TASK_REQUEUED.value,
    ),
)
_OF_STREAM = (
    output.c.task_id == bindparam("task_id"),
    output.c.attempt == bindparam("attempt"),
    output.c.stream == bindparam("stream"),
)
_CHUNKS = Prepared(
    select(output.c.offset, output.c.data).where(*_OF_STREAM).order_by(output.c.offset),
)
_LAST = Prepared(
    select(output.c.offset + func.length(output.c.data))
    .where(*_OF_STREAM)
    .order_by(output.c.offset.desc())
    .limit(1),
)
_KEPT = Prepared(select(func.sum(func.length(output.c.data))).where(*_OF_STREAM))
_ANY = Prepared(
    select(output.c.offset)
    .where(output.c.task_id == bindparam("task_id"), output.c.attempt == bindparam("attempt"))
    .limit(1),
)
_EXACT = Prepared(select(output.c.data).where(*_OF_STREAM, output.c.offset == bindparam("offset")))
_INSERT_CHUNK = Prepared(insert(output))


def keep(
    conn: Connection,
    outcome: Outcome,
    *,
    task_id: str,
    attempt: int,
    accepted: bool,
    lease_hash: bytes | None,
    now: int,
) -> str | None:
    """Keep *outcome* for good and return its digest in base64, as the event carries it.

    A late one (not *accepted*) is kept as evidence beside the others, up to ``MAX_LATE``;
    beyond that None is returned and nothing is kept.
    """
    here = {"task_id": task_id, "attempt": attempt}
    nr = 0 if accepted else 1 + int(_COUNT.scalar(conn, here))
    if nr > MAX_LATE:
        return None
    salt = random_bytes(SALT_BYTES)
    metadata = None if outcome.metadata is None else _json(outcome.metadata)
    row: dict[str, Any] = {
        **here,
        "nr": nr,
        "accepted": int(accepted),
        "exit_code": outcome.exit_code,
        "reason": outcome.reason,
        "error": outcome.error,
        "duration_ms": outcome.duration_ms,
        "metadata": metadata,
        "stdout_bytes": outcome.stdout_bytes,
        "stderr_bytes": outcome.stderr_bytes,
        "stdout_digest": _digest(conn, here, "stdout", outcome.stdout_bytes, salt),
        "stderr_digest": _digest(conn, here, "stderr", outcome.stderr_bytes, salt),
        "truncated": int(outcome.truncated),
        "lease_hash": lease_hash,
        "salt": salt,
        "reported_at": now,
    }
    row["digest"] = digest_of(row)
    _INSERT.run(conn, row)
    return b64encode(row["digest"]).decode()


def digest_of(row: Mapping[str, Any]) -> bytes:
    """Return the salted digest of an outcome's columns: what its event vouches for."""
    return salted_digest(row["salt"], text_of(row).encode())


def digest_in(detail: str) -> str:
    """Return the digest of an outcome that an event's *detail* carries, in base64; empty for none."""
    return str(json.loads(detail).get("outcome", ""))


def text_of(row: Mapping[str, Any]) -> str:
    """Return the canonical text of an outcome's columns: what its digest is made of."""
    said = {
        "exit_code": row["exit_code"],
        "reason": row["reason"],
        "error": row["error"],
        "duration_ms": row["duration_ms"],
        "metadata": row["metadata"],
        "stdout_bytes": row["stdout_bytes"],
        "stderr_bytes": row["stderr_bytes"],
        "stdout": _hex(row["stdout_digest"]),
        "stderr": _hex(row["stderr_digest"]),
        "truncated": row["truncated"],
    }
    return canonical.text(said)


def answered(conn: Connection, task_id: str, attempt: int, lease_hash: bytes) -> bool | None:
    """Say how an outcome under this lease was answered before: accepted, refused, or None for never.

    One that sent its task back to pending was accepted too: the event of that carries its digest.
    """
    here = {"task_id": task_id, "attempt": attempt}
    found = _OF_LEASE.first(conn, {**here, "lease_hash": lease_hash})
    if found is None:
        return None
    if found.accepted:
        return True
    digest = b64encode(found.digest).decode()
    return any(digest in row.detail for row in _REQUEUED.all(conn, here))


def keep_output(
    conn: Connection,
    *,
    task_id: str,
    attempt: int,
    stream: str,
    offset: int,
    data: bytes,
    now: int,
) -> bool:
    """Keep one piece of output at its byte *offset* in the real stream; say whether it is new.

    The same piece again is no error; one that overlaps others raises ``OutputGap``; more than
    ``MAX_STREAM_BYTES`` of a stream raises ``InvalidRequest``. A gap is what the worker left out.
    """
    here = {"task_id": task_id, "attempt": attempt, "stream": stream}
    end = _LAST.scalar(conn, here)
    if end is not None and offset < end:
        if _is_kept(conn, here, offset, data):
            return False
        raise OutputGap
    if not data:
        return False
    if end is not None:
        kept = _KEPT.scalar(conn, here)
        if kept + len(data) > MAX_STREAM_BYTES:
            raise InvalidRequest(f"More than {MAX_STREAM_BYTES} bytes of {stream}; the rest is not kept.")
    _INSERT_CHUNK.run(conn, {**here, "offset": offset, "data": data, "at": now})
    return True


def chunks(conn: Connection, task_id: str, attempt: int, stream: str) -> list[AnyRow]:
    """Return the kept pieces of a stream as (offset, data), in order."""
    here = {"task_id": task_id, "attempt": attempt, "stream": stream}
    return _CHUNKS.all(conn, here)


def has_output(
    conn: Connection, *, task_id: str, attempt: int, stream: str, offset: int, data: bytes
) -> bool:
    """Say whether this very piece of output was kept before."""
    return not data or _is_kept(
        conn, {"task_id": task_id, "attempt": attempt, "stream": stream}, offset, data
    )


def _is_kept(conn: Connection, here: Mapping[str, Any], offset: int, data: bytes) -> bool:
    found = _EXACT.scalar(conn, {**here, "offset": offset})
    return found is not None and bytes(found) == data


def _digest(conn: Connection, here: Mapping[str, Any], stream: str, size: int, salt: bytes) -> bytes | None:
    if size == 0 and _ANY.first(conn, here) is None:
        return None
    kept = _CHUNKS.all(conn, {**here, "stream": stream})
    if size == 0 and not kept:
        return None  # what a worker sent and then does not count is vouched for all the same
    total = sha256(salt)
    for _offset, data in kept:
        total.update(data)
    return total.digest()


def _hex(digest: bytes | None) -> str | None:
    return None if digest is None else digest.hex()


def _json(value: Mapping[str, Any]) -> str:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))
