"""The threads that answer requests: made when they are needed, the last one used goes first."""

from __future__ import annotations

import logging
import threading
from collections import deque
from typing import Any

from waitress.task import ThreadedTaskDispatcher

_log = logging.getLogger("clawtrail.server")


class _Hand:
    """One thread's place: ``gate`` is held while it has nothing to do."""

    __slots__ = ("gate", "task")

    def __init__(self, task: Any) -> None:  # noqa: ANN401 - a waitress channel
        self.gate = threading.Lock()
        self.gate.acquire()
        self.task = task


class Threads(ThreadedTaskDispatcher):  # type: ignore[misc]  # waitress is untyped
    """Hands waitress's tasks to at most *limit* threads.

    Waitress starts all its threads at once and lets them take turns, so that a thousand threads
    kept for long polls are all walked through by short requests, each with cold caches. Here a
    thread is started when no other is free, and the one that was freed last, whose memory is
    still warm, is taken first. ``_mutex`` guards every field; any thread may call it.
    """

    def __init__(self, limit: int) -> None:
        super().__init__()
        self._limit = limit
        self._mutex = threading.Lock()
        self._idle: list[_Hand] = []
        self._waiting: deque[Any] = deque()
        self._stopping = False
        self.started = 0

    def add_task(self, task: Any) -> None:  # noqa: ANN401 - a waitress channel
        """Let a thread serve *task* now, or as soon as one is free."""
        with self._mutex:
            if self._idle:
                hand = self._idle.pop()
                hand.task = task
                hand.gate.release()
                return
            if self.started >= self._limit:
                self._waiting.append(task)
                return
            self.started += 1
        threading.Thread(target=self._work, args=(_Hand(task),), name="request", daemon=True).start()

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
                hand.task = self._waiting.popleft()
                return True
            if self._stopping:
                self.started -= 1
                return False
            hand.task = None
            self._idle.append(hand)
        # From here on the task and the gate are the giver's: looking at the task would be a race.
        hand.gate.acquire()
        return True
