"""A real, migrated database with its one writer and a clock that tests move: what acts are run on."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TypeVar

from sqlalchemy import Connection, Engine

from app.auditing import verifying
from app.auditing.faults import Fault
from app.storage import engine, migrating
from app.storage.ledger import Event
from app.storage.tables import AnyRow, events, tasks
from app.storage.writer import Writer
from tests.support import migrated

T = TypeVar("T")
BEGINNING = 1_800_000_000_000


class Database:
    """A database file, opened as the service opens it. Any thread may read and write."""

    def __init__(self, folder: Path) -> None:
        """Open the database in *folder*; make it there if there is none."""
        self.path = migrated.lay(folder)
        self.now = BEGINNING
        self.committed: list[Event] = []
        self.failures: list[str] = []
        self.open()

    def open(self) -> None:
        """Open the file anew, as a server that starts does."""
        self.writing: Engine = engine.writing_engine(self.path)
        migrating.upgrade(self.writing)
        self.reading: Engine = engine.reading_engine(self.path, connections=8)
        self.writer = Writer(
            self.writing,
            committed=self._committed,
            failed=lambda: self.failures.append("a commit failed"),
        )

    def _committed(self, events: Sequence[Event]) -> None:
        self.committed += events

    def close(self) -> None:
        """Commit what is in hand and let go of the file."""
        self.writer.farewell(lambda _conn: None)
        self.let_go()

    def let_go(self) -> None:
        """Close every connection, whatever became of the writer."""
        self.reading.dispose()
        self.writing.dispose()

    def reopen(self) -> None:
        """Close and open again, as a restart of the server does."""
        self.close()
        self.open()

    def pass_time(self, ms: int) -> int:
        """Move the clock on by *ms* and return the new instant."""
        self.now += ms
        return self.now

    def write(self, act: Callable[[Connection], T]) -> T:
        """Run *act* through the writer."""
        return self.writer.perform(act)

    def read(self, look: Callable[[Connection], T]) -> T:
        """Run *look* on a connection that can only read."""
        with self.reading.connect() as conn:
            return look(conn)

    def task(self, task_id: str) -> AnyRow:
        """Return the row of one task."""
        return self.read(lambda conn: conn.execute(tasks.select().where(tasks.c.id == task_id)).one())

    def state(self, task_id: str) -> str:
        """Return where a task stands."""
        return str(self.task(task_id).state)

    def events(self, task_id: str | None = None) -> list[AnyRow]:
        """Return the record, or one task's part of it, in order."""
        query = events.select().order_by(events.c.seq)
        if task_id is not None:
            query = query.where(events.c.task_id == task_id)
        return self.read(lambda conn: list(conn.execute(query)))

    def told(self, task_id: str) -> list[str]:
        """Return the types of one task's events, in order."""
        return [row.type for row in self.events(task_id)]

    def faults(self) -> list[Fault]:
        """Return where the record contradicts itself or the tables; nowhere, if all is well."""
        return self.read(lambda conn: verifying.verify(conn, verifiers=[], now=self.now, limit=1000).faults)
