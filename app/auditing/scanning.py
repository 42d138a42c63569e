"""Reading the tables fast, many rows at a time, in the order and pieces that a check needs."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import chain
from typing import Any

from sqlalchemy import Connection

Row = tuple[Any, ...]

EVENT = "seq, at, type, task_id, attempt, actor, detail, leaf"
_SAID = "at, task_id, type || x'00' || coalesce(attempt, 'null') || x'00' || actor || x'00' || detail, leaf"
"""An event in fewer cells, since each costs time: what many events have alike stands in one."""
_SOUND = "type < x'' AND actor < x'' AND detail < x'' AND +at < '' AND coalesce(attempt, 0) < ''"
"""No bytes in place of text, and nothing else in place of numbers: joined, they would pass for the same.

SQLite sorts numbers before text, and text before bytes; the ``+`` keeps it from taking one for the other.
Numbers in place of text are found by ``Phrases``.
"""
SCHEDULE_COLUMNS = (
    "name",
    "state",
    "paused_why",
    "cron",
    "tz",
    "misfire",
    "overlap",
    "kind",
    "payload_digest",
    "timeout_ms",
    "effect",
    "priority",
    "labels",
    "tags",
    "session_key",
    "max_attempts",
    "ttl_ms",
    "created_by",
    "created_at",
    "next_at",
    "last_at",
    "last_task_id",
)
"""Columns of ``schedules`` that events tell."""

BATCH = 256
"""How many tasks are looked up at once."""
_ONE_MORE = "SELECT 1 FROM tasks WHERE id BETWEEN ? AND ? LIMIT 1 OFFSET ?"


class Scan:
    """Statements handed straight to the driver: SQLAlchemy's rows would cost more than the checks.

    Outside of a transaction each statement sees its own moment. Plain SQL with question marks, as SQLite
    takes it. For one thread.
    """

    def __init__(self, conn: Connection) -> None:
        self.conn = conn
        self._driver: Any = conn.connection.driver_connection
        self.error: type[Exception] = conn.dialect.loaded_dbapi.Error

    def rows(self, query: str, *values: object) -> Iterator[Row]:
        """Yield the rows of *query*; while it is not read to its end, a read transaction is open."""
        found: Iterator[Row] = self._driver.execute(query, values)
        return found

    def all(self, query: str, *values: object) -> list[Row]:
        """Return all rows of *query*."""
        found: list[Row] = self._driver.execute(query, values).fetchall()
        return found

    def number(self, query: str, *values: object) -> int:
        """Return the one number that *query* gives; 0 for NULL."""
        return int(self._driver.execute(query, values).fetchone()[0] or 0)

    def of_tasks(self, query: str, task_ids: Sequence[str]) -> Iterator[Row]:
        """Yield the rows of *query* for up to ``BATCH`` tasks; it says ``{ids}`` where their ids go."""
        return self._of(query, task_ids, (), ())

    def near_tasks(
        self, query: str, task_ids: Sequence[str], before: Sequence[object], behind: Sequence[object]
    ) -> Iterator[Row]:
        """Yield the rows of *query* for any number of tasks, and perhaps of some between them.

        It says ``{ids}`` where the condition on their ids goes; these are sorted. *before* and *behind* are
        the values for its question marks before and behind that.
        """
        span = (task_ids[0], task_ids[-1])
        if not self.all(_ONE_MORE, *span, 2 * len(task_ids)):  # one walk along the index finds them faster
            found: Iterator[Row] = self._driver.execute(
                query.replace("{ids}", "BETWEEN ? AND ?"), [*before, *span, *behind]
            )
            return found
        query = query.replace("{ids}", "IN ({ids})")
        return chain.from_iterable(
            self._of(query, task_ids[first : first + BATCH], before, behind)
            for first in range(0, len(task_ids), BATCH)
        )

    def _of(
        self, query: str, task_ids: Sequence[str], before: Sequence[object], behind: Sequence[object]
    ) -> Iterator[Row]:
        ids = [*before, *task_ids, *[None] * (BATCH - len(task_ids)), *behind]
        marks = ",".join("?" * BATCH)  # always as many, so that the driver knows the statement already
        found: Iterator[Row] = self._driver.execute(query.replace("{ids}", marks), ids)
        return found

    def size(self) -> int:
        """Return how many events the record has, as its newest one says."""
        return self.number("SELECT max(seq) + 1 FROM events")

    def said(self, first: int, end: int) -> Any:  # noqa: ANN401 - the driver's cursor
        """Return a cursor on the events with *first* <= seq < *end*, in order: at, task_id, key, leaf.

        The key is type, attempt ("null" for none), actor and detail, with zero bytes between them. An event
        with cells of another type than their columns is left out.
        """
        query = f"SELECT {_SAID} FROM events WHERE seq >= ? AND seq < ? AND {_SOUND} ORDER BY seq"  # noqa: S608 - our own words
        return self._driver.execute(query, (first, end))

    def first_gap(self, first: int, end: int) -> int | None:
        """Return the first number from *first* up to *end* that no event has."""
        numbers = self.rows("SELECT seq FROM events WHERE seq >= ? AND seq < ? ORDER BY seq", first, end)
        there = first
        for (seq,) in numbers:
            if seq != there:
                break
            there += 1
        return there if there < end else None

    def first_unsound(self, first: int, end: int) -> int | None:
        """Return the first event from *first* up to *end* that ``said`` leaves out."""
        query = f"SELECT seq FROM events WHERE seq >= ? AND seq < ? AND NOT ({_SOUND}) ORDER BY seq LIMIT 1"  # noqa: S608 - our own words
        found = self.all(query, first, end)
        return found[0][0] if found else None

    def spelled(self, seq: int) -> Row:
        """Return type, attempt ("null" for none), actor and detail of one event; last, if these are text."""
        typed = " AND ".join(f"typeof({name}) = 'text'" for name in ("type", "actor", "detail"))
        columns = f"type, coalesce(attempt, 'null'), actor, detail, {typed}"
        [row] = self.all(f"SELECT {columns} FROM events WHERE seq = ?", seq)  # noqa: S608 - the same
        return row

    def events_of(self, task_id: str, before: int) -> list[Row]:
        """Return the events of one task before *before*, in order."""
        query = f"SELECT {EVENT} FROM events WHERE task_id = ? AND seq < ? ORDER BY seq"  # noqa: S608 - the same
        return self.all(query, task_id, before)

    def leaves(self, first: int, end: int) -> list[bytes]:
        """Return the stored leaves of the events from *first* up to *end*."""
        rows = self.all("SELECT leaf FROM events WHERE seq >= ? AND seq < ? ORDER BY seq", first, end)
        return [row[0] for row in rows]

    def roots(self, level: int, first: int, end: int) -> list[bytes]:
        """Return the stored roots of the tiles of *level* from number *first* up to *end*; fewer at a gap."""
        query = "SELECT nr, root FROM tiles WHERE level = ? AND nr >= ? AND nr < ? ORDER BY nr"
        rows = self.all(query, level, first, end)
        return [root for place, (nr, root) in enumerate(rows, first) if place == nr]

    def tiles(self) -> dict[int, int]:
        """Return how many tiles are stored of each level."""
        return {row[0]: row[1] for row in self.all("SELECT level, count(*) FROM tiles GROUP BY level")}

    def checkpoints(self, after: int, end: int) -> list[Row]:
        """Return size, root and note of the checkpoints of more than *after* and up to *end* events."""
        query = "SELECT size, root, note FROM checkpoints WHERE size > ? AND size <= ? ORDER BY size"
        return self.all(query, after, end)

    def tokens(self) -> list[Row]:
        """Return all tokens, as ``people.TOKEN_COLUMNS`` says."""
        names = "id, name, role, created_at, expires_at, revoked_at, max_cost_micros"
        return self.all(f"SELECT {names} FROM tokens ORDER BY id")  # noqa: S608 - our own words

    def workers(self) -> list[Row]:
        """Return all workers, as ``people.WORKER_COLUMNS`` says."""
        return self.all("SELECT id, session, kinds, labels, state, first_seen_at FROM workers ORDER BY id")

    def schedules(self) -> list[Row]:
        """Return all schedules, as ``schedules.COLUMNS`` says, then payload and salt."""
        names = ", ".join(SCHEDULE_COLUMNS)
        return self.all(f"SELECT {names}, payload, payload_salt FROM schedules ORDER BY name")  # noqa: S608 - our own words

    def begin(self) -> None:
        """From now on see one moment, until ``end``: keep that short, since the log cannot be emptied."""
        self._driver.execute("BEGIN")

    def end(self) -> None:
        """End what ``begin`` began, if it did."""
        if self._driver.in_transaction:
            self._driver.execute("ROLLBACK")
