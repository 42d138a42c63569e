"""Taking content out for good: payload, output, or both, with a line on the record that says so."""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Collection
from dataclasses import dataclass
from enum import StrEnum
from hashlib import sha256

from sqlalchemy import Connection, delete, insert, or_, select, update

from app.domain.errors import IllegalTransition, InvalidRequest
from app.domain.event_types import EventType
from app.domain.states import FINISHED, State
from app.services import lookup, outcomes, record
from app.storage.tables import approvals, output, redactions, tasks
from app.storage.tables import outcomes as ends
from clawtrail.formats import canonical

MAX_REASON = 1000
"""The most characters of a reason: it stays on the record for good."""

# What was signed holds the content, or what tells of it.
_FORGOTTEN_PAYLOAD = {"payload": None, "payload_salt": None, "signature": None}
_FORGOTTEN_QUESTION = {"describe": None, "describe_salt": None, "signature": None}


class Content(StrEnum):
    """What can be taken out of a task: what was asked for, or what its runs left."""

    PAYLOAD = "payload"
    OUTPUT = "output"


@dataclass(frozen=True, slots=True)
class Redaction:
    """What was taken out now; *before* is what was asked for and gone already."""

    removed: tuple[Content, ...]
    before: tuple[Content, ...]


def redact(
    conn: Connection, task_id: str, contents: Collection[Content], *, reason: str, actor: str, now: int
) -> Redaction:
    """Take these *contents* of a finished task out, and say so on the record (``content.redacted``).

    ``payload``: the payload and its salt, what people were asked about it, and what was signed.
    ``output``: what both streams hold, and of every outcome its error, metadata and salt; what a late outcome
    brings afterwards is not kept either. All digests stay.
    Done twice, it changes nothing. The bytes are gone from the file only once the free space and the log
    of the database are swept, which is not done here. Raises ``TaskNotFound``, ``InvalidRequest`` for a
    reason that is empty, too long or not printable, ``IllegalTransition`` for a task that is not finished.
    """
    row = lookup.get_task(conn, task_id)
    if State(row.state) not in FINISHED:
        raise IllegalTransition(
            f"The task is {row.state}; its content can be taken out when it has ended. Cancel it first.",
        )
    if not reason.strip() or not reason.isprintable() or len(reason) > MAX_REASON:
        raise InvalidRequest(f"A redaction needs a reason of 1 to {MAX_REASON} printable characters.")
    gone = find_redacted(conn, task_id)
    removed = tuple(one for one in Content if one in contents and one not in gone)
    if removed:
        why = {"task_id": task_id, "reason": reason, "actor": actor, "redacted_at": now}
        conn.execute(insert(redactions), [{**why, "content": one.value} for one in removed])
        if Content.PAYLOAD in removed:
            _forget_payload(conn, task_id)
        if Content.OUTPUT in removed:
            _forget_output(conn, task_id)
        record.append(
            conn,
            EventType.CONTENT_REDACTED,
            at=now,
            actor=actor,
            task_id=task_id,
            reason=reason,
            removed=[one.value for one in removed],
            left=left_of(conn, task_id) if Content.OUTPUT in removed else None,
        )
    return Redaction(removed, tuple(one for one in Content if one in contents and one in gone))


def find_redacted(conn: Connection, task_id: str) -> frozenset[Content]:
    """Return which contents of a task were taken out."""
    query = select(redactions.c.content).where(redactions.c.task_id == task_id)
    return frozenset(Content(word) for word in conn.execute(query).scalars())


def left_of(conn: Connection, task_id: str) -> str | None:
    """Return a digest in base64 of what is left of the redacted outcomes; None when there are none.

    Their own digests can be checked no more, and nothing that is left is secret: so the event that
    tells of the redaction vouches for it, with the plain SHA-256 of a canonical list: attempt, number
    and text of each outcome without salt, as ``outcomes.text_of`` spells it.
    """
    rows = [row for row in lookup.list_outcomes(conn, task_id) if row.salt is None]
    if not rows:
        return None
    told = [[row.attempt, row.nr, outcomes.text_of(row._asdict())] for row in rows]
    return b64encode(sha256(canonical.text(told).encode()).digest()).decode()


def list_copies(conn: Connection, task_id: str) -> list[str]:
    """Return the other tasks with the same content: those that repeat this one, and those it repeats."""
    found: list[str] = []
    wanted = {task_id}
    while wanted:
        related = select(tasks.c.id, tasks.c.rerun_of).where(
            or_(tasks.c.rerun_of.in_(wanted), tasks.c.id.in_(wanted))
        )
        seen = {one for row in conn.execute(related) for one in (row.id, row.rerun_of) if one is not None}
        wanted = seen - {task_id, *found}
        found += sorted(wanted)
    return found


def _forget_payload(conn: Connection, task_id: str) -> None:
    conn.execute(update(tasks).where(tasks.c.id == task_id).values(**_FORGOTTEN_PAYLOAD))
    conn.execute(
        update(approvals).where(approvals.c.task_id == task_id).values(**_FORGOTTEN_QUESTION),
    )


def _forget_output(conn: Connection, task_id: str) -> None:
    conn.execute(delete(output).where(output.c.task_id == task_id))
    conn.execute(
        update(ends).where(ends.c.task_id == task_id).values(error=None, metadata=None, salt=None),
    )
