"""Who signs the checkpoints, when, and the newest one at hand for all who ask."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable

from sqlalchemy import Connection

from app.pauses import aside
from app.services import checkpoints, tree
from app.services.checkpoints import Signed
from app.storage.readers import Readers
from app.storage.writer import Writer
from clawtrail.formats.notes import Signer, Verifier

PERIOD_MS = 1000
"""At most one checkpoint is signed in so long."""


class Signing:
    """Signs the record as it grows. Any thread may call it.

    ``newest`` is replaced whole, and only by one of a larger size; ``_grown`` guards that and wakes
    who waits for it. It is not held while the database works: two may sign the same size, and the
    writer keeps the first.
    """

    def __init__(
        self,
        *,
        signer: Signer,
        writer: Writer,
        reader: Readers,
        clock: Callable[[], int],
    ) -> None:
        self._signer = signer
        self._writer = writer
        self._reader = reader
        self._clock = clock
        self._grown = threading.Condition()
        self.newest = self._keep()

    @property
    def verifier(self) -> Verifier:
        """The key that checks what is signed here."""
        return self._signer.verifier

    def keep_up(self) -> None:
        """Sign the record a second after it has grown; for the janitor, who calls it in every round.

        Not at once: the events of a short task then share one checkpoint, which is kept for good.
        """
        with self._reader.connect() as conn:
            grown_at = checkpoints.find_instant(conn, self.newest.size)
        # A clock that was put back must not keep the record unsigned.
        if grown_at is not None and not 0 <= self._clock() - grown_at < PERIOD_MS:
            self._sign()

    def covering(self, size: int, *, patience: float) -> Signed:
        """Return a checkpoint of at least *size* events, which must be on the record.

        When the newest one is smaller and not a second old, the rest of that second is waited for,
        but at most *patience* seconds.
        """
        until = time.monotonic() + patience
        while self.newest.size < size:
            left = min(until - time.monotonic(), self._due_in_ms() / 1000)
            if left <= 0:
                self._sign()
                continue
            with aside(), self._grown:
                if self.newest.size < size:
                    self._grown.wait(left)
        return self.newest

    def sign_last(self, conn: Connection) -> None:
        """Sign the record at its end, in a transaction of *conn*, when the writer is closed."""
        self.newest = checkpoints.keep(conn, checkpoints.draw_up(conn, self._signer, now=self._clock()))

    def _due_in_ms(self) -> int:
        since = self._clock() - self.newest.signed_at
        # A clock that was put back must not keep the record unsigned.
        return PERIOD_MS - since if 0 <= since < PERIOD_MS else 0

    def _sign(self) -> None:
        kept = self._keep()
        with self._grown:
            if kept.size > self.newest.size:
                self.newest = kept
                self._grown.notify_all()

    def _keep(self) -> Signed:
        with self._reader.connect() as conn:
            newest = checkpoints.find_newest(conn)
            if newest is not None and newest.size >= tree.size(conn):
                return newest
            drawn = checkpoints.draw_up(conn, self._signer, now=self._clock())
        return self._writer.perform(lambda conn: checkpoints.keep(conn, drawn))
