"""The line before the writer: one place for each act that waits."""

from __future__ import annotations

import threading
from collections.abc import Callable, Generator
from typing import Any, Generic, TypeVar

from sqlalchemy import Connection

from app.domain.errors import StorageFailed
from app.pauses import Pause

T = TypeVar("T")
Act = Callable[[Connection], T]


class Place(Pause, Generic[T]):
    """One caller's place in the line, to be waited for in one way or the other.

    ``gate`` is held until the place is answered or its caller is to lead.
    """

    __slots__ = ("_lead", "act", "answered", "error", "gate", "leads", "result")

    def __init__(self, act: Act[T], lead: Callable[[], None]) -> None:
        super().__init__()
        self.act = act
        self._lead = lead
        self.gate = threading.Lock()
        self.gate.acquire()
        self.leads = False
        self.answered = False
        self.error: BaseException | None = None
        self.result: T  # set unless there is an error

    def is_over(self) -> bool:
        """Say whether the act is done, or its caller has to lead."""
        return self.answered or self.leads

    def is_urgent(self) -> bool:
        """Say whether the line waits for this caller to lead."""
        return self.leads

    def sleep(self) -> None:
        """Sleep until then."""
        self.gate.acquire()

    def release(self) -> None:
        """Let the caller go on, in whichever way it waits."""
        self.gate.release()
        self.resume()

    def take(self) -> T:
        """Lead if that is this caller's part; return what the act returned, or raise what it raised."""
        if self.leads:
            self._lead()
        if self.error is not None:
            raise self.error
        return self.result

    def __await__(self) -> Generator[Pause, None, T]:
        if not self.is_over():
            yield self
        return self.take()


def refuse(batch: list[Place[Any]], why: type[StorageFailed], cause: BaseException | None) -> None:
    """Let every act of *batch* have failed with *why*, because of *cause*."""
    for place in batch:
        place.error = why()
        place.error.__cause__ = cause


def answer(batch: list[Place[Any]]) -> None:
    """Let the callers of *batch* go on, each once."""
    for place in batch:
        if not place.answered:
            place.answered = True
            if not place.leads:
                place.release()
