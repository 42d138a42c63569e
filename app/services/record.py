"""Saying what happened: the one way in which acts put a line on the record."""

from __future__ import annotations

from typing import Any

from sqlalchemy import Connection, case, func, select

from app.domain.event_types import EventType
from app.services import agents
from app.storage import ledger
from app.storage.ledger import Event
from app.storage.tables import events, tasks

DISPATCH_FIELDS = ("origin", "dispatchMode", "responseMode", "entrypoint")
"""What programs may say of the way on which a task of an agent was sent; it stands in its payload."""

_DISPATCHED = [
    # Only of agents' tasks: other payloads would be parsed for nothing.
    case((agents.is_agent(), agents.member(name).as_string()), else_=None).label(name)
    for name in DISPATCH_FIELDS
]


def append(
    conn: Connection,
    type_: EventType,
    *,
    at: int,
    actor: str,
    task_id: str | None = None,
    attempt: int | None = None,
    **detail: Any,  # noqa: ANN401 - canonical JSON: strings, integers, booleans, lists, dicts
) -> Event:
    """Put one event on the record, in the transaction of *conn*; details that are None are left out.

    The event's ``seq`` is set when the transaction is committed. Raises ``NotCanonical`` for a
    detail with a fraction or a huge integer.
    """
    told = {key: value for key, value in detail.items() if value is not None}
    event = Event(at, type_, task_id, attempt, actor, told)
    ledger.append(conn, event)
    return event


def list_events(
    conn: Connection,
    *,
    limit: int,
    task_id: str | None = None,
    type_: str | None = None,
    before: int | None = None,
) -> list[Any]:
    """Return up to *limit* events with their task's kind and state, the newest first.

    *before* is the seq to go on from (exclusive), so that a page follows a page.
    """
    query = (
        select(events, tasks.c.kind, tasks.c.state, tasks.c.session_key, *_DISPATCHED)
        .outerjoin(tasks, tasks.c.id == events.c.task_id)
        .order_by(events.c.seq.desc())
        .limit(limit)
    )
    if task_id is not None:
        query = query.where(events.c.task_id == task_id)
    if type_ is not None:
        query = query.where(events.c.type == type_)
    if before is not None:
        query = query.where(events.c.seq < before)
    return list(conn.execute(query))


def list_task_events(conn: Connection, task_id: str) -> list[Any]:
    """Return every event of one task, the oldest first."""
    return list(
        conn.execute(select(events).where(events.c.task_id == task_id).order_by(events.c.seq)),
    )


def bounds(conn: Connection) -> tuple[int | None, int | None]:
    """Return when the oldest and the newest event were put on the record; None without any."""
    ends = select(events.c.at).where(
        events.c.seq.in_(
            [
                select(func.min(events.c.seq)).scalar_subquery(),
                select(func.max(events.c.seq)).scalar_subquery(),
            ]
        )
    )
    instants = list(conn.execute(ends.order_by(events.c.seq)).scalars())
    return (instants[0], instants[-1]) if instants else (None, None)


def count_by_type(conn: Connection) -> dict[str, int]:
    """Return how many events there are of each type."""
    query = select(events.c.type, func.count()).group_by(events.c.type)
    return {word: number for word, number in conn.execute(query)}  # noqa: C416 - a result has keys() of its own
