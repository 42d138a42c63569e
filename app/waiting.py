"""Where long polls park: result waits keyed by task id, and workers in the order of their coming."""

from __future__ import annotations

import threading
from collections.abc import Callable, Collection, Iterator
from contextlib import contextmanager
from typing import NamedTuple

from app.alarms import Alarms
from app.seats import Alive, Offer, Rest, Seat, WorkerSeat

QUESTIONS_KEY = "questions"
"""The key under which those wait who follow the questions to people."""


def output_key(task_id: str) -> str:
    """Return the key under which those wait who follow the output of a task."""
    return f"output:{task_id}"


class Ticket(NamedTuple):
    """How many tasks were offered in vain so far, and how often this worker was called."""

    unanswered: int
    calls: int


class Doorway:
    """Admits a bounded number of waits, so that short requests always find room.

    Any thread may call it; the lock guards the counts.
    """

    def __init__(self, limit: int) -> None:
        self._lock = threading.Lock()
        self.limit = limit
        self.inside = 0

    @contextmanager
    def admission(self) -> Iterator[bool]:
        """Yield whether there is room for one more wait, and hold its place meanwhile."""
        with self._lock:
            admitted = self.inside < self.limit
            self.inside += admitted
        try:
            yield admitted
        finally:
            if admitted:
                with self._lock:
                    self.inside -= 1


class WaitingRoom:
    """Parks requests until something happens that concerns them. Threads only, no database.

    Nothing is missed: a result wait takes its seat before it looks into the database; a worker
    takes a ticket before it looks, and parks only if no task was offered in vain since.
    Any thread may call anything here; ``_lock`` guards every field.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._open = True
        self._unanswered = 0
        self._calls: dict[str, int] = {}
        self._workers: dict[WorkerSeat, None] = {}
        self._of_worker: dict[str, dict[WorkerSeat, None]] = {}
        self._of_kind: dict[str, dict[WorkerSeat, None]] = {}
        self._attending: dict[tuple[str, str], WorkerSeat] = {}
        self._by_key: dict[str, set[Seat]] = {}
        self._alarms = Alarms()

    def rest(self, seat: Seat, until: float) -> Rest:
        """Return what to await in *seat*: it is woken, or the ``time.monotonic`` instant *until* comes."""
        return Rest(seat, until, self._alarms)

    @contextmanager
    def expecting(self, key: str, alive: Alive) -> Iterator[Seat]:
        """Take a seat for news of *key*; look into the database only inside of this."""
        seat = Seat(alive)
        with self._lock:
            self._by_key.setdefault(key, set()).add(seat)
            if not self._open:
                seat.wake()
        try:
            yield seat
        finally:
            with self._lock:
                seats = self._by_key[key]
                seats.discard(seat)
                if not seats:
                    del self._by_key[key]

    def tell(self, key: str) -> None:
        """Wake all who wait for news of *key*."""
        if key not in self._by_key:  # a plain look is enough: who comes later looks at the database
            return
        with self._lock:
            seats = list(self._by_key.get(key, ()))
        for seat in seats:
            seat.wake()

    def ticket(self, worker_id: str) -> Ticket:
        """Return the state of affairs for a worker; take it before looking for tasks."""
        with self._lock:
            return Ticket(self._unanswered, self._calls.get(worker_id, 0))

    async def park(self, seat: WorkerSeat, ticket: Ticket, until: float) -> bool:
        """Wait until there may be news for the worker; say at once if there are since *ticket*.

        Returns False when the time was over (``time.monotonic`` instant *until*), else True.
        """
        seat.offered = None
        with self._lock:
            if not self._open:
                return False
            if seat.superseded:
                return True
            if ticket != Ticket(self._unanswered, self._calls.get(seat.worker_id, 0)):
                return True
            seat.woken.clear()
            self._workers[seat] = None
            self._of_worker.setdefault(seat.worker_id, {})[seat] = None
            for kind in seat.kinds:
                self._of_kind.setdefault(kind, {})[seat] = None
        await self.rest(seat, until)
        with self._lock:
            # Whoever woke it took it out; what is still in has seen nothing but time go by.
            if seat not in self._workers:
                return True
            self._remove(seat)
            return False

    @contextmanager
    def attending(self, seat: WorkerSeat) -> Iterator[None]:
        """Be the one sync of a worker's session: an older one is answered at once, and parks no more."""
        session = (seat.worker_id, seat.session)
        with self._lock:
            older = self._attending.get(session)
            self._attending[session] = seat
            if older is not None:
                older.superseded = True
                if older in self._workers:
                    self._remove(older)
        if older is not None:
            older.wake()
        try:
            yield
        finally:
            with self._lock:
                if self._attending.get(session) is seat:
                    del self._attending[session]

    def offer(self, task: Offer) -> None:
        """Wake the longest waiting worker that can run *task*; if none waits, let none park."""
        with self._lock:
            for seat in self._of_kind.get(task.kind, ()):
                if seat.has(task.labels):
                    break
            else:
                self._unanswered += 1
                return
            self._remove(seat)
            seat.offered = task
        seat.wake()

    def pass_on(self, seat: WorkerSeat, taken: Collection[str] = ()) -> None:
        """Offer to another the task that *seat* was woken for, unless it is among those *taken*.

        For a worker where nobody listens any more, and for one whose hands are full of other tasks.
        """
        if seat.offered is not None and seat.offered.task_id not in taken:
            self.offer(seat.offered)

    def offer_to_all(self) -> None:
        """Let every worker look: something of unknown kind may be claimable."""
        with self._lock:
            self._unanswered += 1
        for seat in self._take(lambda _seat: True):
            seat.wake()

    def offer_to_next(self) -> None:
        """Let the longest waiting worker look; the safety net for what nobody was told of."""
        with self._lock:
            seat = next(iter(self._workers), None)
            if seat is None:
                return
            self._remove(seat)
        seat.wake()

    def call(self, worker_id: str) -> None:
        """Wake the parked requests of one worker: something concerns it alone."""
        with self._lock:
            self._calls[worker_id] = self._calls.get(worker_id, 0) + 1
        for seat in self._take_of(worker_id, lambda _seat: True):
            seat.wake()

    def sweep(self) -> None:
        """Wake every seat where nobody listens any more (hung up, or the token was revoked)."""
        with self._lock:
            waiting = [seat for seats in self._by_key.values() for seat in seats]
        for seat in waiting:
            if not seat.alive():
                seat.wake()
        for worker_seat in self._take(lambda s: not s.alive()):
            worker_seat.wake()

    def close(self) -> None:
        """Answer all who wait, and let nobody park from now on."""
        with self._lock:
            self._open = False
            waiting = [seat for seats in self._by_key.values() for seat in seats]
        for seat in waiting:
            seat.wake()
        for worker_seat in self._take(lambda _seat: True):
            worker_seat.wake()

    @property
    def is_open(self) -> bool:
        """Whether waits are still taken."""
        return self._open

    def parked(self) -> tuple[int, int]:
        """Return how many workers and how many result waits are parked."""
        with self._lock:
            return len(self._workers), sum(len(seats) for seats in self._by_key.values())

    def _take(self, chosen: Callable[[WorkerSeat], bool]) -> list[WorkerSeat]:
        with self._lock:
            taken = [seat for seat in self._workers if chosen(seat)]
            for seat in taken:
                self._remove(seat)
        return taken

    def _take_of(self, worker_id: str, chosen: Callable[[WorkerSeat], bool]) -> list[WorkerSeat]:
        with self._lock:
            taken = [seat for seat in self._of_worker.get(worker_id, ()) if chosen(seat)]
            for seat in taken:
                self._remove(seat)
        return taken

    def _remove(self, seat: WorkerSeat) -> None:
        del self._workers[seat]
        _take_out(self._of_worker, seat.worker_id, seat)
        for kind in set(seat.kinds):
            _take_out(self._of_kind, kind, seat)


def _take_out(groups: dict[str, dict[WorkerSeat, None]], name: str, seat: WorkerSeat) -> None:
    seats = groups[name]
    del seats[seat]
    if not seats:
        del groups[name]
