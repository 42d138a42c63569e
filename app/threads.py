"""The threads that answer requests: few at a time, more when those are held up, the last used first."""

from __future__ import annotations

import logging
import threading
import time
from collections import deque
from typing import Any

from waitress.task import ThreadedTaskDispatcher

from app.alarms import Alarms
from app.pauses import join

AT_WORK = 1
"""So many threads at a time are meant to work, beside those that sleep.

Only one of them can have the interpreter, and many who want it take it from each other.
"""

PATIENCE_S = 0.005
"""Who works for one request so long without stepping aside is taken for one that sleeps."""

_log = logging.getLogger("clawtrail.server")


class _Hand:
    """One thread: ``gate`` is held while it has nothing to do, ``counts`` says that it is at work."""

    __slots__ = ("_crew", "counts", "gate", "since", "task")

    def __init__(self, crew: Threads) -> None:
        self._crew = crew
        self.gate = threading.Lock()
        self.gate.acquire()
        self.task: Any = None
        self.counts = False
        self.since = 0.0

    def step_aside(self) -> None:
        """Let another thread work while this one sleeps."""
        self._crew.let_go(self)

    def step_back(self) -> None:
        """Count this thread again; whoever works instead goes on."""
        self._crew.count(self)


class Threads(ThreadedTaskDispatcher):  # type: ignore[misc]  # waitress is untyped
    """Hands waitress's tasks to at most *limit* threads.

    Waitress starts all its threads at once and lets them take turns, so that short requests walk
    through all of them, each with cold caches, and as many are awake as there are requests. Here a
    task waits for one of the few that are at work. When those sleep, one more is woken, or started:
    at once if they say so, else after ``PATIENCE_S``. The one that was freed last, whose memory is
    still warm, is taken first. ``_mutex`` guards every field and those of the hands; any thread may
    call it.
    """

    def __init__(self, limit: int) -> None:
        super().__init__()
        self._limit = limit
        self._mutex = threading.Lock()
        self._idle: list[_Hand] = []
        self._busy: set[_Hand] = set()
        self._at_work = 0
        self._waiting: deque[Any] = deque()
        self._urgent: list[Any] = []
        self._stopping = False
        self._alarms = Alarms()
        self._watched = False

    @property
    def started(self) -> int:
        """How many threads there are."""
        return len(self._idle) + len(self._busy)

    def add_task(self, task: Any) -> None:  # noqa: ANN401 - a waitress channel
        """Let a thread serve *task* now, or as soon as one is free."""
        with self._mutex:
            self._waiting.append(task)
            self._employ()

    def add_urgent(self, task: Any) -> None:  # noqa: ANN401 - a waitress channel
        """The same, before all that wait, and beyond the limit if need be: others wait for this one."""
        with self._mutex:
            self._urgent.append(task)
            self._employ()

    def set_thread_count(self, count: int) -> None:
        """Take *count* as the limit; 0 ends the threads as they become free."""
        with self._mutex:
            self._limit = count
            self._stopping = count == 0

    def shutdown(self, cancel_pending: bool = True, timeout: int = 5) -> bool:  # noqa: ARG002, FBT001, FBT002 - waitress's signature
        """Take no more tasks; what runs, runs on."""
        self.set_thread_count(0)
        return True

    def let_go(self, hand: _Hand) -> None:
        """Count *hand*, which is about to sleep, no longer among those at work."""
        with self._mutex:
            self._discount(hand)
            self._employ()

    def count(self, hand: _Hand) -> None:
        """Count *hand* among those at work."""
        with self._mutex:
            self._count(hand)

    def _count(self, hand: _Hand) -> None:
        hand.counts = True
        hand.since = time.monotonic()
        self._at_work += 1

    def _discount(self, hand: _Hand) -> None:
        if hand.counts:
            hand.counts = False
            self._at_work -= 1

    def _employ(self) -> None:
        """Give what waits to threads that have nothing to do, or to new ones, if too few are at work."""
        while self._is_short():
            if self._idle:
                hand = self._idle.pop()
                self._give(hand)
                hand.gate.release()
            # All threads may be held up by the one that is urgent: then it needs one more, limit or not.
            elif self._urgent or self.started < self._limit:
                hand = _Hand(self)
                self._give(hand)
                threading.Thread(target=self._work, args=(hand,), name="request", daemon=True).start()
            else:
                break
        if (self._urgent or self._waiting) and not self._watched:
            self._watched = True
            self._alarms.set(time.monotonic() + PATIENCE_S, self._relieve)

    def _is_short(self) -> bool:
        """Say whether something waits and fewer threads than are meant to are at work."""
        return bool(self._urgent or self._waiting) and self._at_work < AT_WORK

    def _give(self, hand: _Hand) -> None:
        hand.task = self._urgent.pop() if self._urgent else self._waiting.popleft()
        self._busy.add(hand)
        self._count(hand)

    def _relieve(self) -> None:
        """See to it that what waits does not wait for threads that sleep."""
        with self._mutex:
            now = time.monotonic()
            for hand in self._busy:
                if now - hand.since >= PATIENCE_S:
                    self._discount(hand)
            self._watched = False
            self._employ()

    def _work(self, hand: _Hand) -> None:
        join(hand)
        while True:
            try:
                hand.task.service()
            except BaseException:  # noqa: BLE001 - as waitress does: no request may end a thread
                _log.exception("a request could not be served")
            if not self._next(hand):
                return

    def _next(self, hand: _Hand) -> bool:
        """Give *hand* its next task, waiting for one if need be; False when it is to end."""
        with self._mutex:
            self._discount(hand)
            self._busy.discard(hand)
            hand.task = None
            if self._is_short():
                self._give(hand)
                return True
            if self._stopping:
                return False
            self._idle.append(hand)
        # From here on the task and the gate are the giver's: looking at the task would be a race.
        hand.gate.acquire()
        return True
