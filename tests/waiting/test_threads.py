"""The threads that answer requests."""

from __future__ import annotations

import sys
import threading
from collections import Counter

from app.threads import Threads


class Request:
    """What waitress hands over: something that is served once."""

    def __init__(self, name: int, served: Counter[int], done: threading.Semaphore) -> None:
        self._name = name
        self._served = served
        self._done = done

    def service(self) -> None:
        """Note that it was served."""
        self._served[self._name] += 1
        self._done.release()


def test_every_request_is_served_once() -> None:
    """However threads and requests meet, no request is lost and none is served twice."""
    interval = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)  # lets threads change places between any two steps
    try:
        served: Counter[int] = Counter()
        done = threading.Semaphore(0)
        threads = Threads(4)
        for first in range(0, 20_000, 5):
            for name in range(first, first + 5):
                threads.add_task(Request(name, served, done))
            for _ in range(5):
                assert done.acquire(timeout=5), f"a request near {first} was not served"
    finally:
        sys.setswitchinterval(interval)
    assert served == Counter(range(20_000))
    threads.shutdown()


def test_a_thread_is_made_only_when_no_other_is_free() -> None:
    """One request after the other needs one thread, and no more than the limit are ever made."""
    served: Counter[int] = Counter()
    done = threading.Semaphore(0)
    threads = Threads(3)
    for name in range(100):
        threads.add_task(Request(name, served, done))
    for _ in range(100):
        assert done.acquire(timeout=5)
    assert threads.started <= 3
    assert sum(served.values()) == 100
