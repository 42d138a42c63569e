"""Waiting for what another thread or process is about to do: the one place where tests sleep."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TypeVar

T = TypeVar("T")


def until(look: Callable[[], T], *, within: float = 40.0, every: float = 0.002) -> T:
    """Call *look* until it returns something true, and return that; raises after *within* seconds."""
    deadline = time.monotonic() + within
    while not (found := look()):
        if time.monotonic() > deadline:
            raise AssertionError(f"this has not come true within {within:g} s")
        time.sleep(every)
    return found
