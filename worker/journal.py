"""The worker's own durable notes: which attempts were started, and which outcomes are not yet delivered."""

import sqlite3
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from worker.batching import Crew, Job
from worker.errors import JournalFailed

_SCHEMA = """
-- Every attempt that was ever started here. Kept for good: it is what "never twice" rests on.
CREATE TABLE IF NOT EXISTS started (
    task_id TEXT NOT NULL, attempt INTEGER NOT NULL, PRIMARY KEY (task_id, attempt)
) WITHOUT ROWID;
-- What the service has still to be told. No outcome: the run never came to its end.
CREATE TABLE IF NOT EXISTS untold (
    task_id TEXT NOT NULL, attempt INTEGER NOT NULL, lease TEXT NOT NULL, outcome BLOB,
    PRIMARY KEY (task_id, attempt)
);
"""


@dataclass(frozen=True)
class Untold:
    """One attempt whose end the service has not confirmed; *outcome* is None if there never was one."""

    task_id: str
    attempt: int
    lease: str
    outcome: bytes | None


class _Note(Job):
    def __init__(self, write: Callable[[sqlite3.Connection], bool]) -> None:
        super().__init__()
        self.write = write
        self.result = False
        self.error: Exception | None = None


class Journal:
    """One SQLite file, one connection; notes that come at the same time share one commit and one fsync.

    Any thread may call it. Only the thread that leads a batch uses the connection, so it needs no
    lock, and there is never a second connection that could checkpoint.
    """

    def __init__(self, path: Path) -> None:
        """Open *path*, made if there is none. Raises ``JournalFailed``."""
        self._crew: Crew[_Note] = Crew(self._commit)
        self._delivered: list[tuple[str, int]] = []
        try:
            self._conn = _opened(path)
        except sqlite3.Error as error:
            raise JournalFailed(f"The journal {path} cannot be used: {error}") from error

    def starting(self, task_id: str, attempt: int, lease: str) -> bool:
        """Note that this attempt is about to be executed; durable on return. False: it was before.

        Raises ``JournalFailed``; then nothing was noted and the task must not run.
        """

        def write(conn: sqlite3.Connection) -> bool:
            fresh = (
                conn.execute("INSERT OR IGNORE INTO started VALUES (?, ?)", (task_id, attempt)).rowcount == 1
            )
            if fresh:
                conn.execute("INSERT INTO untold VALUES (?, ?, ?, NULL)", (task_id, attempt, lease))
            return fresh

        return self._note(write)

    def ended(self, task_id: str, attempt: int, lease: str, outcome: bytes) -> None:
        """Keep *outcome* until ``delivered``; durable on return. Raises ``JournalFailed``."""

        def write(conn: sqlite3.Connection) -> bool:
            conn.execute(
                "INSERT OR REPLACE INTO untold VALUES (?, ?, ?, ?)", (task_id, attempt, lease, outcome)
            )
            return True

        self._note(write)

    def delivered(self, task_id: str, attempt: int) -> None:
        """Forget what was kept for this attempt, with the next commit: telling it twice does no harm."""
        self._delivered.append((task_id, attempt))

    def untold(self) -> list[Untold]:
        """List what earlier lives left untold, oldest first. Call it before anything else is noted."""
        try:
            rows = self._conn.execute("SELECT task_id, attempt, lease, outcome FROM untold ORDER BY rowid")
            return [Untold(*row) for row in rows]
        except sqlite3.Error as error:
            raise JournalFailed(f"The journal cannot be read: {error}") from error

    def close(self) -> None:
        """Write down what was delivered and close. Nothing may be noted afterwards."""
        try:
            self._note(lambda _: True)
        finally:
            self._conn.close()

    def _note(self, write: Callable[[sqlite3.Connection], bool]) -> bool:
        note = _Note(write)
        self._crew.do(note)
        if note.error is not None:
            raise JournalFailed(f"The journal cannot be written: {note.error}") from note.error
        return note.result

    def _commit(self, notes: list[_Note]) -> None:
        # list.append and slicing are atomic: another thread may add to the list meanwhile.
        told = self._delivered[:]
        try:
            self._conn.execute("BEGIN IMMEDIATE")
            self._conn.executemany("DELETE FROM untold WHERE task_id = ? AND attempt = ?", told)
            for note in notes:
                note.result = note.write(self._conn)
            self._conn.execute("COMMIT")
            del self._delivered[: len(told)]
        except sqlite3.Error as error:
            for note in notes:
                note.error = error
            with suppress(sqlite3.Error):  # it may have rolled back by itself, or be closed
                self._conn.execute("ROLLBACK")


def _opened(path: Path) -> sqlite3.Connection:
    conn = sqlite3.connect(path, isolation_level=None, check_same_thread=False)
    try:
        conn.execute("PRAGMA journal_mode = WAL")
        conn.execute("PRAGMA synchronous = FULL")
        conn.executescript(_SCHEMA)
    except sqlite3.Error:
        conn.close()
        raise
    return conn
