"""Task ids: UUIDs of version 7, in the order in which they were made."""

from __future__ import annotations

import threading
import time

from app.domain.entropy import random_bytes


class TaskIds:
    """Makes task ids whose text sorts in the order of their making (RFC 9562, section 6.2, method 1).

    Any thread may call it; the lock guards the last instant and its counter. A clock that steps
    back does not: the ids go on from the latest instant seen.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._at = 0
        self._count = 0

    def __call__(self) -> str:
        """Return a new id: 48 bits of epoch ms, a 12-bit counter, 62 random bits."""
        at = time.time_ns() // 1_000_000
        with self._lock:
            if at > self._at:
                self._at, self._count = at, 0
            elif self._count < 0xFFF:
                self._count += 1
            else:
                self._at, self._count = self._at + 1, 0
            at, count = self._at, self._count
        random = int.from_bytes(random_bytes(8), "big") & (2**62 - 1)
        digits = f"{(at << 80) | (7 << 76) | (count << 64) | (2 << 62) | random:032x}"
        return f"{digits[:8]}-{digits[8:12]}-{digits[12:16]}-{digits[16:20]}-{digits[20:]}"
