"""One thread that minds the time: tokens, dead connections, leases, schedules, checkpoints, the log."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

from app.backlog import Backlog
from app.services import callbacks, recovery
from app.storage.emptying import empty_log
from app.storage.readers import Readers
from app.storage.writer import Writer
from app.waiting import WaitingRoom

PERIOD_S = 0.5
CHECKPOINT_BYTES = 4 * 1024 * 1024
TRUNCATE_BYTES = 64 * 1024 * 1024
READERS_MS = 10
"""How long the emptying of the write-ahead log waits for readers; it is tried again in the next round."""

_log = logging.getLogger("clawtrail.janitor")


class Janitor:
    """Makes its round twice a second. Only its own thread touches its fields."""

    def __init__(
        self,
        *,
        writer: Writer,
        reader: Readers,
        room: WaitingRoom,
        backlog: Backlog,
        refresh_tokens: Callable[[], bool],
        fire: Callable[[int], None],
        sign: Callable[[], None],
        check: Callable[[int], None],
        clock: Callable[[], int],
        database: Path,
    ) -> None:
        self._writer = writer
        self._reader = reader
        self._room = room
        self._backlog = backlog
        self._refresh_tokens = refresh_tokens
        self._fire = fire
        self._sign = sign
        self._check = check
        self._clock = clock
        self._wal = database.with_name(database.name + "-wal")
        self._looked_at = clock()
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._work, name="janitor", daemon=True)

    def start(self) -> None:
        """Begin the rounds."""
        self._thread.start()

    def stop(self) -> None:
        """End the rounds; return when the last one is over."""
        self._stop.set()
        if self._thread.is_alive():
            self._thread.join()

    def round(self) -> None:
        """Do once what the thread does twice a second."""
        self._refresh_tokens()
        self._room.sweep()
        now = self._clock()
        with self._reader.connect() as conn:
            needed = recovery.is_needed(conn, now=now)
            due = recovery.are_due(conn, after=self._looked_at, now=now)
            tokens = callbacks.are_over(conn, now=now)
        if needed:
            self._writer.perform(lambda conn: recovery.expire_leases(conn, now=now))
            self._writer.perform(lambda conn: recovery.expire_tasks(conn, now=now))
            self._writer.perform(lambda conn: recovery.expire_approvals(conn, now=now))
        if tokens:
            self._writer.perform(lambda conn: callbacks.forget_tokens(conn, now=now))
        self._fire(now)
        self._looked_at = now
        if due:
            self._room.offer_to_all()
        elif self._backlog.pending:
            self._room.offer_to_next()
        self._sign()
        self._check(now)
        self._mind_the_log()

    def _work(self) -> None:
        while not self._stop.wait(PERIOD_S):
            try:
                self.round()
            except Exception:  # noqa: BLE001 - one failed round must not end all later ones
                _log.exception("the janitor's round failed; the next one comes")

    def _mind_the_log(self) -> None:
        """Bring the write-ahead log back into the database, from the writer's connection alone."""
        size = self._wal.stat().st_size if self._wal.exists() else 0
        if size >= TRUNCATE_BYTES:
            self._writer.maintain(lambda driver: empty_log(driver, wait_ms=READERS_MS))
        elif size >= CHECKPOINT_BYTES:
            self._writer.maintain(_checkpoint)


def _checkpoint(driver: Any) -> None:  # noqa: ANN401 - the driver's own connection
    driver.execute("PRAGMA wal_checkpoint(PASSIVE)").fetchall()
