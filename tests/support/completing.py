"""Doing work that pauses to its end in the calling thread."""

from __future__ import annotations

from typing import TypeVar

from app.pauses import Work

T = TypeVar("T")


def complete(work: Work[T]) -> T:
    """Do *work* to its end in this thread, which sleeps through the pauses; return what it returns."""
    try:
        while True:
            work.send(None).wait()
    except StopIteration as end:
        result: T = end.value
        return result
