"""The lines of the record that a transaction will write: gathered by the acts, numbered at its end."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, func, insert, select

from app.domain.errors import InvalidRequest
from app.domain.event_types import EventType
from app.storage import tiles
from app.storage.prepared import Prepared
from app.storage.tables import events
from clawtrail.formats import canonical, leaves

_KEY = "clawtrail.ledger"
_LAST = Prepared(select(func.max(events.c.seq)))
_INSERT = Prepared(insert(events))

MAX_DETAIL_BYTES = 60_000
"""The most of one event's detail: a whole event must fit into 65,535 bytes to be an entry of the log."""


@dataclass(slots=True)
class Event:
    """One line of the record. ``seq`` is -1 until the writer numbers it, just before the commit."""

    at: int
    type: EventType
    task_id: str | None
    attempt: int | None
    actor: str
    detail: Mapping[str, Any]
    detail_text: str = ""
    seq: int = -1


def append(conn: Connection, event: Event) -> None:
    """Put *event* at the end of the record, in the transaction of *conn*.

    It is written with the rest of the batch or not at all. Raises ``NotCanonical`` for a detail
    that the record cannot hold, ``InvalidRequest`` for one of more than ``MAX_DETAIL_BYTES``. Call
    it inside the writer only.
    """
    event.detail_text = canonical.text(event.detail)
    if len(event.detail_text) > MAX_DETAIL_BYTES // 4:  # only then can its bytes be too many
        size = len(event.detail_text.encode())
        if size > MAX_DETAIL_BYTES:
            raise InvalidRequest(f"{size} bytes are too many for the record; it takes {MAX_DETAIL_BYTES}.")
    _pending(conn).append(event)


def mark(conn: Connection) -> int:
    """Return the place to ``rewind`` to when what follows is taken back."""
    return len(_pending(conn))


def rewind(conn: Connection, mark: int) -> None:
    """Forget the events appended since *mark*, whose act was rolled back."""
    del _pending(conn)[mark:]


def write(conn: Connection) -> list[Event]:
    """Number the gathered events from the end of the record on, without a gap, and insert them.

    The writer calls this once a transaction; the write lock that it holds makes the numbering
    total. The tiles of the tree that became full are stored with them. Returns the events, for
    those who wait for them.
    """
    pending = _pending(conn)
    if not pending:
        return []
    conn.info[_KEY] = []
    last = _LAST.scalar(conn)
    first = 0 if last is None else last + 1
    _INSERT.insert(conn, _rows(pending, first))
    tiles.close_full(conn, first, first + len(pending))
    return pending


def _pending(conn: Connection) -> list[Event]:
    found: list[Event] = conn.info.setdefault(_KEY, [])
    return found


def _rows(pending: Sequence[Event], seq: int) -> list[dict[str, Any]]:
    """Number the events from *seq* on and return their rows."""
    return [_row(event, number) for number, event in enumerate(pending, seq)]


def _row(event: Event, seq: int) -> dict[str, Any]:
    event.seq = seq
    text = leaves.event_text(
        seq=seq,
        at=event.at,
        type_=event.type.value,
        task_id=event.task_id,
        attempt=event.attempt,
        actor=event.actor,
        detail=event.detail_text,
    )
    return {
        "seq": seq,
        "at": event.at,
        "type": event.type.value,
        "task_id": event.task_id,
        "attempt": event.attempt,
        "actor": event.actor,
        "detail": event.detail_text,
        "leaf": leaves.leaf(text),
    }
