"""The seats of parked requests: who sits there, what wakes it, and the wait in it."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Generator
from dataclasses import dataclass, field
from typing import Any

from app.alarms import Alarms
from app.pauses import Pause

Alive = Callable[[], bool]
HasLabels = Callable[[str | None], bool]


@dataclass(slots=True, eq=False)
class Seat:
    """One parked request. ``woken`` is set when it is woken; ``alive`` says if anybody still listens."""

    alive: Alive
    woken: threading.Event = field(default_factory=threading.Event)
    rest: Rest | None = None

    def wake(self) -> None:
        """Let who sits here go on."""
        self.woken.set()
        rest = self.rest  # looked at once: who goes on meanwhile takes it away
        if rest is not None:
            rest.resume()


class Rest(Pause):
    """The wait in a seat until it is woken, or until the ``time.monotonic`` instant *until*.

    Awaited, it says whether the seat was woken.
    """

    __slots__ = ("_alarms", "_seat", "_until")

    def __init__(self, seat: Seat, until: float, alarms: Alarms) -> None:
        super().__init__()
        self._seat = seat
        self._until = until
        self._alarms = alarms

    def is_over(self) -> bool:
        """Say whether the seat was woken or the time is up."""
        return self._seat.woken.is_set() or time.monotonic() >= self._until

    def sleep(self) -> None:
        """Sleep until then."""
        self._seat.woken.wait(max(0.0, self._until - time.monotonic()))

    def then(self, go_on: Callable[[], Any]) -> None:
        """Have *go_on* called then."""
        self._seat.rest = self
        alarm = self._alarms.set(self._until, self.resume)

        def end() -> None:
            self._alarms.cancel(alarm)
            go_on()

        super().then(end)

    def __await__(self) -> Generator[Pause, None, bool]:
        if not self.is_over():
            yield self
            self._seat.rest = None  # else the two would hold each other, and a whole request with them
        return self._seat.woken.is_set()


@dataclass(frozen=True, slots=True)
class Offer:
    """A task that somebody may take: its id, its kind and the labels that it needs."""

    task_id: str
    kind: str
    labels: str | None


@dataclass(slots=True, eq=False)
class WorkerSeat(Seat):
    """A parked worker: which worker and session it is, what it can run now, and what woke it.

    One that has no hand free can run no kind: it waits for news of what it holds. ``has`` says if it
    has the labels that a task needs.
    """

    worker_id: str = ""
    session: str = ""
    kinds: tuple[str, ...] = ()
    has: HasLabels = lambda _labels: True
    superseded: bool = False
    offered: Offer | None = None
