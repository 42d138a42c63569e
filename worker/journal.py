"""The worker's own durable notes: which leases are about to be started, and which ends are not yet told."""

import sqlite3
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from worker import durable
from worker.batching import Crew, Job
from worker.errors import JournalFailed

_SCHEMA = """
-- Every attempt whose start the service confirmed. Kept for good: it is what "never twice" rests on.
CREATE TABLE IF NOT EXISTS started (
    task_id TEXT NOT NULL, attempt INTEGER NOT NULL, PRIMARY KEY (task_id, attempt)
) WITHOUT ROWID;
-- What the service has still to be told. No outcome: about to start, or started and not at its end. By
-- lease, because a claim that came to nothing comes again with the same attempt and another lease.
CREATE TABLE IF NOT EXISTS untold (
    lease TEXT PRIMARY KEY, task_id TEXT NOT NULL, attempt INTEGER NOT NULL, outcome BLOB
);
-- What has still to be told by callbacks, for each of their sinks. It holds no token.
CREATE TABLE IF NOT EXISTS callbacks (
    task_id TEXT NOT NULL, attempt INTEGER NOT NULL, sink TEXT NOT NULL, ended BLOB NOT NULL,
    PRIMARY KEY (task_id, attempt, sink)
);
-- The numbers of signed statements that were used, once for each run. Kept for good: no clock that was set
-- wrong, ahead or back, can let one be forgotten that is still good.
CREATE TABLE IF NOT EXISTS spent (nonce TEXT NOT NULL, lease TEXT NOT NULL, PRIMARY KEY (nonce, lease))
WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS spent_under ON spent (lease);
-- The latest time that this machine's clock ever showed (epoch ms): it is never earlier than that.
CREATE TABLE IF NOT EXISTS clock (one INTEGER PRIMARY KEY CHECK (one = 1), latest INTEGER NOT NULL);
"""

_SAW = "INSERT INTO clock VALUES (1, ?) ON CONFLICT (one) DO UPDATE SET latest = max(latest, excluded.latest)"

_NOTHING: Mapping[str, bytes] = {}


@dataclass(frozen=True)
class Untold:
    """One lease whose end the service has not confirmed; *outcome* is None if there never was one."""

    lease: str
    task_id: str
    attempt: int
    outcome: bytes | None


@dataclass(frozen=True)
class CallbackNote:
    """What one sink has still to tell of an attempt."""

    task_id: str
    attempt: int
    sink: str
    ended: bytes


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
        self._asides: list[tuple[str, tuple[str | int, ...]]] = []
        try:
            self._conn = durable.opened(path, _SCHEMA)
        except sqlite3.Error as error:
            raise JournalFailed(f"The journal {path} cannot be used: {error}") from error

    def starting(
        self, lease: str, task_id: str, attempt: int, *, callbacks: Mapping[str, bytes] = _NOTHING
    ) -> bool:
        """Note that the service is about to be asked for this start; durable on return.

        *callbacks* is what each sink has to tell if nothing more is heard of the run.

        False, and nothing noted: this lease was noted before, or this attempt was started under another.
        Raises ``JournalFailed``; then nothing was noted and the task must not run.
        """

        def write(conn: sqlite3.Connection) -> bool:
            known = "SELECT 1 FROM started WHERE task_id = ? AND attempt = ?"
            if conn.execute(known, (task_id, attempt)).fetchone() is not None:
                return False
            note = "INSERT OR IGNORE INTO untold VALUES (?, ?, ?, NULL)"
            _keep_callbacks(conn, task_id, attempt, callbacks)
            return conn.execute(note, (lease, task_id, attempt)).rowcount == 1

        return self._note(write)

    def started(self, task_id: str, attempt: int) -> None:
        """Note that the service said yes to the start, with the next commit.

        Until then what ``starting`` noted stands in for it: the next life asks the service about that lease.
        """
        self._asides.append(("INSERT OR IGNORE INTO started VALUES (?, ?)", (task_id, attempt)))

    def ended(
        self,
        lease: str,
        task_id: str,
        attempt: int,
        outcome: bytes,
        *,
        callbacks: Mapping[str, bytes] = _NOTHING,
    ) -> None:
        """Keep *outcome* until ``forget``, and what each sink has to tell of it until ``callback_told``.

        Durable on return. Raises ``JournalFailed``.
        """

        def write(conn: sqlite3.Connection) -> bool:
            keep = "INSERT OR REPLACE INTO untold VALUES (?, ?, ?, ?)"
            conn.execute(keep, (lease, task_id, attempt, outcome))
            _keep_callbacks(conn, task_id, attempt, callbacks)
            return True

        self._note(write)

    def forget(self, lease: str) -> None:
        """Forget this lease, told or refused, with the next commit: telling it once more does no harm."""
        self._asides.append(("DELETE FROM untold WHERE lease = ?", (lease,)))

    def asking(self, task_id: str, attempt: int, *, callbacks: Mapping[str, bytes]) -> None:
        """Note what each sink has to tell if people refuse the task; durable on return, if there is any.

        Raises ``JournalFailed``.
        """

        def write(conn: sqlite3.Connection) -> bool:
            _keep_callbacks(conn, task_id, attempt, callbacks)
            return True

        if callbacks:
            self._note(write)

    def callback_told(self, task_id: str, attempt: int, sink: str) -> None:
        """Forget what *sink* had to tell; durable on return. Raises ``JournalFailed``."""

        def write(conn: sqlite3.Connection) -> bool:
            told = "DELETE FROM callbacks WHERE task_id = ? AND attempt = ? AND sink = ?"
            conn.execute(told, (task_id, attempt, sink))
            return True

        self._note(write)

    def no_callbacks(self, task_id: str, attempt: int) -> None:
        """Forget the callbacks of an attempt, with the next commit: it was never started."""
        gone = "DELETE FROM callbacks WHERE task_id = ? AND attempt = ?"
        self._asides.append((gone, (task_id, attempt)))

    def callbacks(self) -> list[CallbackNote]:
        """List what earlier lives did not tell, oldest first. Call it before anything else is noted."""
        try:
            rows = self._conn.execute("SELECT task_id, attempt, sink, ended FROM callbacks ORDER BY rowid")
            return [CallbackNote(*row) for row in rows]
        except sqlite3.Error as error:
            raise JournalFailed(f"The journal cannot be read: {error}") from error

    def spend(self, lease: str, uses: Mapping[str, int]) -> str | None:
        """Use up the numbers of signed statements for the run under *lease*; durable on return.

        *uses* says of each how often it may be used in all. Gives None when all could be used, else one that
        could not, and then nothing was noted. Raises ``JournalFailed``.
        """
        used: list[str] = []

        def write(conn: sqlite3.Connection) -> bool:
            used.extend(_used_up(conn, uses))
            if not used:
                conn.executemany(
                    "INSERT OR IGNORE INTO spent VALUES (?, ?)", [(nonce, lease) for nonce in uses]
                )
            return True

        self._note(write)
        return used[0] if used else None

    def find_spent(self, uses: Mapping[str, int]) -> str | None:
        """Give a number that could not be used once more, if any; notes nothing. Raises ``JournalFailed``."""
        used: list[str] = []

        def look(conn: sqlite3.Connection) -> bool:
            used.extend(_used_up(conn, uses))
            return True

        self._note(look)
        return used[0] if used else None

    def give_back(self, lease: str) -> None:
        """Let what was spent for *lease* be used again, with the next commit: nothing was run under it."""
        self._asides.append(("DELETE FROM spent WHERE lease = ?", (lease,)))

    def saw(self, now: int) -> None:
        """Note the time (epoch ms) with the next commit; an earlier one than was noted changes nothing."""
        self._asides.append((_SAW, (now,)))

    def sync(self) -> None:
        """Write down what waits for a commit; durable on return. Raises ``JournalFailed``."""
        self._note(lambda _: True)

    def latest_time(self) -> int:
        """Give the latest time that was noted, 0 without any. Call it before anything else is noted."""
        try:
            row = self._conn.execute("SELECT latest FROM clock").fetchone()
        except sqlite3.Error as error:
            raise JournalFailed(f"The journal cannot be read: {error}") from error
        return 0 if row is None else int(row[0])

    def forget_time(self) -> None:
        """Forget the latest time, for a clock that was wrong. Numbers that were used up stay so."""
        self._asides.append(("DELETE FROM clock", ()))

    def untold(self) -> list[Untold]:
        """List what earlier lives left untold, oldest first. Call it before anything else is noted."""
        try:
            rows = self._conn.execute("SELECT lease, task_id, attempt, outcome FROM untold ORDER BY rowid")
            return [Untold(*row) for row in rows]
        except sqlite3.Error as error:
            raise JournalFailed(f"The journal cannot be read: {error}") from error

    def close(self) -> None:
        """Write down what waits for a commit and close. Nothing may be noted afterwards."""
        try:
            self.sync()
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
        asides = self._asides[:]
        try:
            self._conn.execute("BEGIN IMMEDIATE")
            for statement, values in asides:
                self._conn.execute(statement, values)
            for note in notes:
                note.result = note.write(self._conn)
            self._conn.execute("COMMIT")
            del self._asides[: len(asides)]
        except sqlite3.Error as error:
            for note in notes:
                note.error = error
            with suppress(sqlite3.Error):  # it may have rolled back by itself, or be closed
                self._conn.execute("ROLLBACK")


def _keep_callbacks(
    conn: sqlite3.Connection, task_id: str, attempt: int, callbacks: Mapping[str, bytes]
) -> None:
    rows = [(task_id, attempt, sink, ended) for sink, ended in callbacks.items()]
    if rows:
        conn.executemany("INSERT OR REPLACE INTO callbacks VALUES (?, ?, ?, ?)", rows)


def _used_up(conn: sqlite3.Connection, uses: Mapping[str, int]) -> list[str]:
    count = "SELECT count(*) FROM spent WHERE nonce = ?"
    return [nonce for nonce, most in uses.items() if conn.execute(count, (nonce,)).fetchone()[0] >= most]
