"""The time that signatures are judged by: it never goes back, whatever is done to the machine's clock."""

import threading
import time
from collections.abc import Callable
from contextlib import suppress

from worker import clock
from worker.errors import JournalFailed
from worker.journal import Journal

NOTE_EVERY_S = 60.0


def wall() -> int:
    """Give the machine's clock in epoch milliseconds."""
    return time.time_ns() // 1_000_000


class Timekeeper:
    """Any thread may ask; ``_lock`` guards the latest time that was given.

    That is kept in the journal, so that a restart with a clock set back does not let expired things be good
    again. Between two looks it goes on at least as fast as the clock that nobody can set.
    """

    def __init__(self, journal: Journal, *, wall: Callable[[], int] = wall) -> None:
        """Go on from the latest time in the *journal*; *wall* is the machine's clock."""
        self._journal = journal
        self._wall = wall
        self._lock = threading.Lock()
        self._latest = journal.latest_time()
        self._steady = clock.now()
        self._ended = threading.Event()

    def now(self) -> int:
        """Give the time in epoch milliseconds, and note it with the journal's next commit."""
        with self._lock:
            passed = int((clock.now() - self._steady) * 1000)
            self._latest = max(self._wall(), self._latest + passed)
            self._steady += passed / 1000  # what is left of a millisecond counts at the next look
            self._journal.saw(self._latest)
            return self._latest

    def behind_ms(self) -> int:
        """Give how far the machine's clock is behind the latest time that it showed."""
        return max(0, self.now() - self._wall())

    def run(self) -> None:
        """Note the time durably every minute until ``end``; for a thread of its own."""
        while not self._ended.wait(NOTE_EVERY_S):
            self.now()
            with suppress(JournalFailed):  # it is in memory, and whatever is noted next tries again
                self._journal.sync()

    def end(self) -> None:
        """Let ``run`` return."""
        self._ended.set()
