"""Making a database of a million finished tasks from a handful of real ones."""

import sqlite3
import uuid
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from app.storage import engine, tiles
from clawtrail.formats import leaves

Row = dict[str, Any]
CHUNK = 5000
APART_MS = 1000


class Filler:
    """Copies the rows of one real task many times, with new ids, later times and true leaves.

    The copies satisfy every constraint because their pattern does. Nobody else may have the
    database open meanwhile.
    """

    def __init__(self, conn: sqlite3.Connection, pattern: str) -> None:
        conn.row_factory = sqlite3.Row
        self.conn = conn
        self.task = self._rows("tasks", "id", pattern)[0]
        self.events = self._rows("events", "task_id", pattern)
        self.outcomes = self._rows("outcomes", "task_id", pattern)
        self.seq = conn.execute("SELECT max(seq) FROM events").fetchone()[0] + 1

    def add(self, count: int, first_at: int) -> None:
        """Add *count* copies, the first created at *first_at* (epoch ms), each a second after the last."""
        for begin in range(0, count, CHUNK):
            numbers = range(begin, min(begin + CHUNK, count))
            born = [(_task_id(first_at + n * APART_MS, n), first_at + n * APART_MS) for n in numbers]
            with self.conn:
                self._insert("tasks", (self._moved(self.task, "id", *one) for one in born))
                self._insert("events", self._copied_events(born))
                for outcome in self.outcomes:
                    self._insert("outcomes", (self._moved(outcome, "task_id", *one) for one in born))

    def _rows(self, table: str, key: str, value: str) -> list[Row]:
        query = f"SELECT * FROM {table} WHERE {key} = ?"  # noqa: S608 - names of our own
        return [dict(row) for row in self.conn.execute(query, (value,))]

    def _moved(self, row: Row, key: str, task_id: str, at: int) -> Row:
        """Return *row* for another task: every instant moved by as much as its creation."""
        later = at - self.task["created_at"]
        moved = {name: value + later for name, value in row.items() if name.endswith("_at") and value}
        return {**row, **moved, key: task_id}

    def _copied_events(self, born: list[tuple[str, int]]) -> Iterator[Row]:
        for task_id, at in born:
            for event in self.events:
                copy = {
                    **event,
                    "seq": self.seq,
                    "task_id": task_id,
                    "at": event["at"] + at - self.task["created_at"],
                }
                copy["leaf"] = _leaf(copy)
                self.seq += 1
                yield copy

    def _insert(self, table: str, rows: Iterable[Row]) -> None:
        rows = list(rows)
        names = list(rows[0])
        columns = ", ".join(f'"{name}"' for name in names)
        marks = ", ".join(f":{name}" for name in names)
        self.conn.executemany(f"INSERT INTO {table} ({columns}) VALUES ({marks})", rows)  # noqa: S608 - our names


def _leaf(event: Row) -> bytes:
    fields = ("seq", "at", "task_id", "attempt", "actor", "detail")
    return leaves.leaf(leaves.event_text(type_=event["type"], **{name: event[name] for name in fields}))


def _task_id(at: int, number: int) -> str:
    """Return an id that sorts by time, as the service makes them, without randomness."""
    return str(uuid.UUID(int=(at << 80) | (7 << 76) | (2 << 62) | number))


def fill(database: Path, *, finished: str, pending: str, counts: tuple[int, int], now: int) -> None:
    """Add copies of the task *finished*, then of the task *pending*, as many as *counts* says.

    The database must not be in use; it is left in one file, with nothing in its log.
    """
    conn = sqlite3.connect(database)
    conn.execute("PRAGMA synchronous=OFF")
    conn.execute("PRAGMA cache_size=-200000")
    first_at = now - sum(counts) * APART_MS
    filler = Filler(conn, finished)
    before = filler.seq
    filler.add(counts[0], first_at)
    filler = Filler(conn, pending)
    filler.add(counts[1], first_at + counts[0] * APART_MS)
    _close_tiles(database, before, filler.seq)
    conn.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    conn.close()


def _close_tiles(database: Path, before: int, after: int) -> None:
    """Store the tiles of the copied events, as the service would have."""
    writing = engine.writing_engine(database)
    with writing.connect() as conn, conn.begin():
        tiles.close_full(conn, before, after)
    writing.dispose()
