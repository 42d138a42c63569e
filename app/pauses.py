"""Work that gives its thread back while it waits: coroutines without an event loop.

A view that waits is ``async``. What it awaits is a pause; whoever drives the work decides what
happens until the pause is over: the thread sleeps, or it does something else and another goes on.
"""

from __future__ import annotations

import threading
from abc import ABC, abstractmethod
from collections.abc import Callable, Coroutine, Iterator
from contextlib import contextmanager
from typing import Any, Protocol, TypeVar

T = TypeVar("T")

Work = Coroutine["Pause", None, T]
"""What has to be driven: each ``send`` runs it until it is done or to its next pause."""


class Hand(Protocol):
    """A thread among those of whom few are meant to work at a time."""

    def step_aside(self) -> None:
        """Let another thread work while this one sleeps."""

    def step_back(self) -> None:
        """Count this thread among those at work again."""


_calling = threading.local()


def join(hand: Hand) -> None:
    """Let *hand* be the calling thread's, for good."""
    _calling.hand = hand


@contextmanager
def aside() -> Iterator[None]:
    """Let the calling thread sleep, for the disk or for another, without keeping others from work."""
    hand: Hand | None = getattr(_calling, "hand", None)
    if hand is None:
        yield
        return
    hand.step_aside()
    try:
        yield
    finally:
        hand.step_back()


class Pause(ABC):
    """Something to wait for, once, by one. Whoever ends it calls ``resume`` after ``is_over`` is true."""

    __slots__ = ("_next",)

    def __init__(self) -> None:
        self._next: list[Callable[[], Any]] = []

    @abstractmethod
    def is_over(self) -> bool:
        """Say whether there is nothing left to wait for."""

    @abstractmethod
    def sleep(self) -> None:
        """Sleep until it is over."""

    def wait(self) -> None:
        """Sleep until it is over, aside of the others."""
        if not self.is_over():
            with aside():
                self.sleep()

    def is_urgent(self) -> bool:
        """Say whether others wait for whoever waited here to go on."""
        return False

    def then(self, go_on: Callable[[], Any]) -> None:
        """Have *go_on* called once it is over: by whoever ends it, or here and now if that has happened.

        The caller must leave alone from here on what *go_on* works with.
        """
        self._next.append(go_on)
        if self.is_over():
            self.resume()

    def resume(self) -> None:
        """Let go on who waits, if anybody does and nobody was faster."""
        try:
            go_on = self._next.pop()  # of two threads one gets it
        except IndexError:
            return
        go_on()


class Suspended(BaseException):
    """Thrown through a server that knows how to take up a request again when *pause* is over.

    No error, and not for those who catch every ``Exception``.
    """

    def __init__(self, pause: Pause) -> None:
        super().__init__()
        self.pause = pause
