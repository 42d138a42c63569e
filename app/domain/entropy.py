"""Random bytes from the operating system, fetched many at a time."""

from __future__ import annotations

import os
import threading

PAGE = 4096


class Entropy:
    """Gives each random byte out once. Any thread may call it; the lock guards the page.

    Asking the system for each salt and each id lets go of the interpreter's lock each time,
    which costs a busy server more than the bytes themselves.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._page = b""
        self._at = 0

    def forget(self) -> None:
        """Throw the page away: a forked child must not give out the same bytes."""
        self._lock = threading.Lock()
        self._page = b""

    def __call__(self, size: int) -> bytes:
        """Return *size* fresh random bytes, at most ``PAGE``."""
        with self._lock:
            if self._at + size > len(self._page):
                self._page, self._at = os.urandom(PAGE), 0
            taken = self._page[self._at : self._at + size]
            self._at += size
        return taken


random_bytes = Entropy()
"""The one source of salts, ids and grants of a process."""

os.register_at_fork(after_in_child=random_bytes.forget)
