"""Looking through the record in its order, page by page, without keeping anybody from writing."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Column, ColumnElement, Connection, Select, func, select

from app.storage.tables import AnyRow, events, tasks

PAGE = 500
SLACK_MS = 60_000
"""By how much two events may stand in another order than their times."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Filters:
    """What the record is narrowed to; None narrows nothing. Times are epoch ms, *until* is exclusive.

    *actor* and *type* may end in ``*``, which stands for any rest.
    """

    task_id: str | None = None
    actor: str | None = None
    kind: str | None = None
    type: str | None = None
    since: int | None = None
    until: int | None = None


def newest_seq(conn: Connection) -> int:
    """Return the seq of the newest event, or -1 for a record without any."""
    newest = conn.execute(select(func.max(events.c.seq))).scalar()
    return -1 if newest is None else int(newest)


def pages(
    conn: Connection, filters: Filters, *, after: int, end: int, content: bool = True
) -> Iterator[list[AnyRow]]:
    """Yield the events that pass *filters*, with seqs above *after* up to *end*, the oldest first.

    Each has its task's kind beside it and, with *content*, its payload, which may be large. No
    statement stays open between two pages, so a slow reader of many pages does not hold up the
    write-ahead log.
    """
    first, last = _bounds(conn, filters, end)
    after = max(after, first - 1)
    columns = (events, tasks.c.kind, tasks.c.payload) if content else (events, tasks.c.kind)
    query = _narrowed(select(*columns), filters).where(events.c.seq <= last)
    while after < last:
        page = list(conn.execute(query.where(events.c.seq > after).order_by(events.c.seq).limit(PAGE)))
        if page:
            yield page
        after = page[-1].seq if len(page) == PAGE else last


def seq_before_last(conn: Connection, filters: Filters, count: int, *, end: int) -> int:
    """Return the seq behind which the last *count* events up to *end* stand; -1 when there are no more."""
    first, last = _bounds(conn, filters, end)
    query = _narrowed(select(events.c.seq), filters).where(events.c.seq >= first, events.c.seq <= last)
    found = conn.execute(query.order_by(events.c.seq.desc()).limit(1).offset(count)).scalar()
    return -1 if found is None else int(found)


def find_task_ids(conn: Connection, part: str, *, newest: int = 500) -> list[str]:
    """Return the task with the id *part*, else those of the *newest* ones that begin or end with it."""
    whole = conn.execute(select(tasks.c.id).where(tasks.c.id == part)).scalar()
    if whole is not None:
        return [whole]
    ids = conn.execute(select(tasks.c.id).order_by(tasks.c.id.desc()).limit(newest)).scalars()
    return [task_id for task_id in ids if task_id.startswith(part) or task_id.endswith(part)]


def seq_at(conn: Connection, at: int) -> int:
    """Return the seq of the first event at *at* or later, where the record is in the order of its times.

    Times have no index. This halves the record some twenty times instead of reading it.
    """
    low, high = 0, newest_seq(conn) + 1
    while low < high:
        middle = (low + high) // 2
        found = conn.execute(select(events.c.at).where(events.c.seq == middle)).scalar()
        low, high = (middle + 1, high) if found is not None and found < at else (low, middle)
    return low


def _bounds(conn: Connection, filters: Filters, end: int) -> tuple[int, int]:
    """Return the first and the last seq between which events can pass the times of *filters*."""
    first = 0 if filters.since is None else seq_at(conn, filters.since - SLACK_MS)
    last = end if filters.until is None else min(end, seq_at(conn, filters.until + SLACK_MS))
    return first, last


def _narrowed(query: Select[Any], filters: Filters) -> Select[Any]:
    query = query.select_from(events.outerjoin(tasks, tasks.c.id == events.c.task_id))
    if filters.task_id is not None:
        query = query.where(events.c.task_id == filters.task_id)
    if filters.kind is not None:
        query = query.where(tasks.c.kind == filters.kind)
    if filters.since is not None:
        query = query.where(events.c.at >= filters.since)
    if filters.until is not None:
        query = query.where(events.c.at < filters.until)
    for column, wanted in ((events.c.actor, filters.actor), (events.c.type, filters.type)):
        if wanted is not None:
            query = query.where(_fits(column, wanted))
    return query


def _fits(column: Column[Any], wanted: str) -> ColumnElement[bool]:
    if not wanted.endswith("*"):
        return column == wanted
    start = wanted.removesuffix("*")
    return func.substr(column, 1, len(start)) == start  # not LIKE, which knows no upper and lower case
