"""Calls at an instant, for many who mostly do not wait so long."""

from __future__ import annotations

import heapq
import threading
import time
from collections.abc import Callable
from typing import Any

FEW = 64
"""So many cancelled alarms are kept without a thought."""


class Alarm:
    """One call to come; ``ring`` is None once it was made or cancelled."""

    __slots__ = ("at", "ring")

    def __init__(self, at: float, ring: Callable[[], Any]) -> None:
        self.at = at
        self.ring: Callable[[], Any] | None = ring

    def __lt__(self, other: Alarm) -> bool:
        return self.at < other.at


class Alarms:
    """Makes calls when their time has come, in a thread of its own that starts with the first.

    Any thread may set and cancel. ``_changed`` guards every field. A cancelled alarm lets go of
    its call at once; its place in the heap is given up when such places are half of it.
    """

    def __init__(self) -> None:
        self._changed = threading.Condition()
        self._heap: list[Alarm] = []
        self._cancelled = 0
        self._thread: threading.Thread | None = None

    def set(self, at: float, ring: Callable[[], Any]) -> Alarm:
        """Have *ring* called at the ``time.monotonic`` instant *at*; it must be quick and raise nothing."""
        alarm = Alarm(at, ring)
        with self._changed:
            heapq.heappush(self._heap, alarm)
            if self._thread is None:
                self._thread = threading.Thread(target=self._run, name="alarms", daemon=True)
                self._thread.start()
            elif self._heap[0] is alarm:
                self._changed.notify()
        return alarm

    def cancel(self, alarm: Alarm) -> None:
        """Do not make the call, if it was not made yet."""
        with self._changed:
            if alarm.ring is None:
                return
            alarm.ring = None
            self._cancelled += 1
            if self._cancelled > max(FEW, len(self._heap) // 2):
                self._heap = [one for one in self._heap if one.ring is not None]
                heapq.heapify(self._heap)
                self._cancelled = 0

    def __len__(self) -> int:
        """Count the calls to come, with the cancelled ones that still have a place."""
        return len(self._heap)

    def _run(self) -> None:
        while True:
            for ring in self._due():
                ring()

    def _due(self) -> list[Callable[[], Any]]:
        """Sleep until something is due; return it."""
        due: list[Callable[[], Any]] = []
        with self._changed:
            while not due:
                self._changed.wait(self._heap[0].at - time.monotonic() if self._heap else None)
                while self._heap and self._heap[0].at <= time.monotonic():
                    alarm = heapq.heappop(self._heap)
                    if alarm.ring is None:
                        self._cancelled -= 1
                    else:
                        due.append(alarm.ring)
                        alarm.ring = None
        return due
