"""Waiting for what another thread or process is about to do: the one place where tests sleep."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TypeVar

T = TypeVar("T")


def within(seconds: float, look: Callable[[], T], *, every: float = 0.002) -> T:
    """Call *look* until it returns something true, and return that; raises after so many *seconds*."""
    deadline = time.monotonic() + seconds
    while not (found := look()):
        if time.monotonic() > deadline:
            raise AssertionError(f"this has not come true within {seconds:g} s")
        time.sleep(every)
    return found
