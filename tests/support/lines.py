"""Lines of the record by the hundred, made as the service makes them, only without a task."""

from __future__ import annotations

from sqlalchemy import Connection

from app.domain.event_types import EventType
from app.services import record
from app.storage.tables import events
from tests.support.database import Database


def add_lines(db: Database, count: int, *, in_one: int = 1000) -> None:
    """Put *count* lines on the record, *in_one* of them in a transaction."""
    for first in range(0, count, in_one):
        some = range(first, min(first + in_one, count))

        def act(conn: Connection, some: range = some) -> None:
            for number in some:
                record.append(
                    conn,
                    EventType.WORKER_NOTED,
                    at=db.now + number,
                    actor="worker:wim",
                    note=f"line {number}",
                )

        db.write(act)


def leaves_of(db: Database) -> list[bytes]:
    """Return the leaf of every line, in order."""
    query = events.select().with_only_columns(events.c.leaf).order_by(events.c.seq)
    return db.read(lambda conn: [row.leaf for row in conn.execute(query)])
