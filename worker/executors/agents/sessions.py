"""The worker's durable notes on sessions: which one an id of a task means, and the folder it belongs to."""

import sqlite3
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from worker import durable
from worker.errors import JournalFailed

_SCHEMA = """
-- What *asked*, an id as tasks give it, stands for: *real*, the id that the agent knows, begun in *cwd*.
CREATE TABLE IF NOT EXISTS sessions (
    cli TEXT NOT NULL, asked TEXT NOT NULL, real TEXT, cwd TEXT NOT NULL, PRIMARY KEY (cli, asked)
) WITHOUT ROWID;
"""
_TICK_S = 0.2


@dataclass(frozen=True)
class Known:
    """A session: the agent's own id of it, None as long as the agent has not told it, and its folder."""

    real: str | None
    cwd: Path | None


class Sessions:
    """One SQLite file beside the journal. Any thread may call it; ``_lock`` guards all of it."""

    def __init__(self, path: Path) -> None:
        """Open *path*, made if there is none. Raises ``JournalFailed``."""
        self._lock = threading.Condition()
        self._busy: set[tuple[str, str]] = set()
        try:
            self._conn = durable.opened(path, _SCHEMA)
        except sqlite3.Error as error:
            raise JournalFailed(f"The notes on sessions, {path}, cannot be used: {error}") from error

    def find(self, cli: str, asked: str) -> Known | None:
        """Find what *asked* stands for."""
        with self._noting():
            query = "SELECT real, cwd FROM sessions WHERE cli = ? AND asked = ?"
            row = self._conn.execute(query, (cli, asked)).fetchone()
        return None if row is None else Known(row[0], Path(row[1]))

    def beginning(self, cli: str, prefix: str) -> dict[str, Known]:
        """Give the sessions whose own id begins with *prefix*, by that id."""
        with self._noting():
            query = "SELECT real, cwd FROM sessions WHERE cli = ? AND substr(real, 1, ?) = ?"
            rows = self._conn.execute(query, (cli, len(prefix), prefix)).fetchall()
        return {real: Known(real, Path(cwd)) for real, cwd in rows}

    def note(self, cli: str, asked: str, known: Known) -> None:
        """Keep what *asked* stands for; durable on return. Raises ``JournalFailed``."""
        with self._noting():
            keep = "INSERT OR REPLACE INTO sessions VALUES (?, ?, ?, ?)"
            self._conn.execute(keep, (cli, asked, known.real, str(known.cwd)))

    def hold(self, cli: str, name: str) -> bool:
        """Take the session for one run, or say after a moment that another run of this worker has it.

        The service keeps tasks that name a session alike apart; this keeps those apart that do not.
        """
        with self._lock:
            if not self._lock.wait_for(lambda: (cli, name) not in self._busy, _TICK_S):
                return False
            self._busy.add((cli, name))
            return True

    def let_go(self, cli: str, name: str) -> None:
        """Let the next run have the session."""
        with self._lock:
            self._busy.discard((cli, name))
            self._lock.notify_all()

    def close(self) -> None:
        """Close the file; to be called once, when nothing runs any more."""
        with self._lock:
            self._conn.close()

    @contextmanager
    def _noting(self) -> Iterator[None]:
        try:
            with self._lock:
                yield
        except sqlite3.Error as error:
            raise JournalFailed(f"The notes on sessions cannot be used: {error}") from error
