"""Whoever finds nobody at work does the work of all who wait: batches without a thread of their own."""

import threading
from collections.abc import Callable
from typing import Generic, TypeVar


class Job:
    """One thing to be done by a crew; both fields are the crew's own business."""

    def __init__(self) -> None:
        self.done = False
        self.baton: threading.Lock | None = None


J = TypeVar("J", bound=Job)


class Crew(Generic[J]):
    """Runs *work* on batches of jobs, by one thread at a time: the first who comes leads, the others wait.

    Any thread may call ``do``. A lone caller does its own job at once with no hand-over; jobs that
    come meanwhile are the next batch, led by the first of those who wait. ``_lock`` guards ``_waiting``
    and ``_led`` and is never held during the work.

    *work* gets each job exactly once and must not raise; it keeps results on the jobs.
    """

    def __init__(self, work: Callable[[list[J]], None]) -> None:
        self._work = work
        self._lock = threading.Lock()
        self._waiting: list[J] = []
        self._led = False

    def do(self, job: J) -> None:
        """Return when the work on *job* is done, by this thread or by another."""
        with self._lock:
            self._waiting.append(job)
            if self._led:
                job.baton = threading.Lock()
                job.baton.acquire()
            self._led = True
        if job.baton is not None:
            job.baton.acquire()  # let go by finish(), or to make this thread the next leader
            if job.done:
                return
        self._lead()

    @property
    def waiting(self) -> int:
        """How many jobs wait for the next batch."""
        return len(self._waiting)

    def finish(self, job: J) -> None:
        """Let the owner of *job* go on before the rest of its batch is done. Called from *work* only."""
        if not job.done:
            job.done = True
            if job.baton is not None:
                job.baton.release()

    def _lead(self) -> None:
        with self._lock:
            batch, self._waiting = self._waiting, []
        try:
            self._work(batch)
        finally:
            for job in batch:
                self.finish(job)
            with self._lock:
                self._led = bool(self._waiting)
                heir = self._waiting[0].baton if self._waiting else None
            if heir is not None:
                heir.release()
