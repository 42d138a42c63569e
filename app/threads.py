"""The threads that answer requests: few at a time, more when those are held up, the last used first."""

from __future__ import annotations

import logging
import threading
import time
from collections import deque
from typing import Any, NamedTuple

from waitress.task import ThreadedTaskDispatcher

from app.alarms import Alarms
from app.pauses import join

AT_WORK = 1
"""So many threads at a time are meant to work, beside those that step aside to sleep.

Only one of them can have the interpreter, and many who want it take it from each other.
"""

PATIENCE_S = 0.005
"""A request that waited so long gets a thread of its own: those at work must be held up."""

_log = logging.getLogger("clawtrail.server")


class _Waiting(NamedTuple):
    """A task without a thread, since the ``time.monotonic`` instant *since*."""

    since: float
    task: Any
    is_urgent: bool


class _Hand:
    """One thread's place: ``gate`` is held while it has nothing to do."""

    __slots__ = ("gate", "task")

    def __init__(self, task: Any) -> None:  # noqa: ANN401 - a waitress channel
        self.gate = threading.Lock()
        self.gate.acquire()
        self.task = task


class Threads(ThreadedTaskDispatcher):  # type: ignore[misc]  # waitress is untyped
    """Hands waitress's tasks to at most *limit* threads.

    Waitress starts all its threads at once and lets them take turns, so that short requests walk
    through all of them, each with cold caches, and as many are awake as there are requests. Here a
    task waits for one of the few that are at work, at most ``PATIENCE_S``; then one more is woken,
    or started. The one that was freed last, whose memory is still warm, is taken first. ``_mutex``
    guards every field; any thread may call it. It is the ``Crew`` of its threads.
    """

    def __init__(self, limit: int) -> None:
        super().__init__()
        self._limit = limit
        self._mutex = threading.Lock()
        self._idle: list[_Hand] = []
        self._waiting: deque[_Waiting] = deque()
        self._stopping = False
        self._alarms = Alarms()
        self._watched = False
        self._aside = 0
        self.started = 0

    def add_task(self, task: Any) -> None:  # noqa: ANN401 - a waitress channel
        """Let a thread serve *task* now, or as soon as one is free."""
        self._add(task, first=False)

    def add_urgent(self, task: Any) -> None:  # noqa: ANN401 - a waitress channel
        """The same, before all that wait, and beyond the limit if need be: others wait for this one."""
        self._add(task, first=True)

    def _add(self, task: Any, *, first: bool) -> None:  # noqa: ANN401 - a waitress channel
        with self._mutex:
            if self._is_short():
                self._employ(task)
                return
            now = time.monotonic()
            if first:
                self._waiting.appendleft(_Waiting(now, task, is_urgent=True))
            else:
                self._waiting.append(_Waiting(now, task, is_urgent=False))
            if not self._watched:
                self._watched = True
                self._alarms.set(now + PATIENCE_S, self._relieve)

    def step_aside(self) -> None:
        """Let another thread work while the calling one sleeps."""
        with self._mutex:
            self._aside += 1
            if self._waiting and self._is_short() and (self._idle or self.started < self._limit):
                self._employ(self._waiting.popleft().task)

    def step_back(self) -> None:
        """Count the calling thread again; whoever works instead goes on."""
        with self._mutex:
            self._aside -= 1

    def _is_short(self) -> bool:
        """Say whether fewer threads are at work than are meant to; the mutex is held."""
        return self.started - len(self._idle) - self._aside < AT_WORK

    def _employ(self, task: Any) -> None:  # noqa: ANN401 - a waitress channel
        """Give *task* to a thread that has nothing to do, or to a new one; the mutex is held."""
        if self._idle:
            hand = self._idle.pop()
            hand.task = task
            hand.gate.release()
            return
        self.started += 1
        threading.Thread(target=self._work, args=(_Hand(task),), name="request", daemon=True).start()

    def _relieve(self) -> None:
        """See to it that nobody waits long for threads that are held up."""
        with self._mutex:
            now = time.monotonic()
            if self._waiting and self._may_employ(self._waiting[0], now):
                self._employ(self._waiting.popleft().task)
            self._watched = bool(self._waiting)
            if self._watched:
                self._alarms.set(now + PATIENCE_S, self._relieve)

    def _may_employ(self, first: _Waiting, now: float) -> bool:
        # All threads may be held up by the one that is urgent: then it needs one more, limit or not.
        found = self._idle or self.started < self._limit or first.is_urgent
        return bool(found and now - first.since >= PATIENCE_S)

    def set_thread_count(self, count: int) -> None:
        """Take *count* as the limit; 0 ends the threads as they become free."""
        with self._mutex:
            self._limit = count
            self._stopping = count == 0

    def shutdown(self, cancel_pending: bool = True, timeout: int = 5) -> bool:  # noqa: ARG002, FBT001, FBT002 - waitress's signature
        """Take no more tasks; what runs, runs on."""
        self.set_thread_count(0)
        return True

    def _work(self, hand: _Hand) -> None:
        join(self)
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
            if self._waiting:
                hand.task = self._waiting.popleft().task
                return True
            if self._stopping:
                self.started -= 1
                return False
            hand.task = None
            self._idle.append(hand)
        # From here on the task and the gate are the giver's: looking at the task would be a race.
        hand.gate.acquire()
        return True
