"""How many tasks are pending, held and finished: counted at the start, then kept in step."""

from __future__ import annotations

import threading


class Backlog:
    """Counts of tasks that cost no query. Any thread may call it; the lock guards the numbers.

    ``set`` is called at the start (and now and then, should several processes share a
    database); ``add`` after every commit with what it changed.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self.pending = 0
        self.held = 0
        self.finished = 0

    def set(self, *, pending: int, held: int, finished: int) -> None:
        """Take these numbers as the truth."""
        with self._lock:
            self.pending, self.held, self.finished = pending, held, finished

    def add(self, *, pending: int = 0, held: int = 0, finished: int = 0) -> None:
        """Change the numbers by these differences."""
        with self._lock:
            self.pending += pending
            self.held += held
            self.finished += finished
