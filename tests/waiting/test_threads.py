"""The threads that answer requests."""

from __future__ import annotations

import sys
import threading
import time
from collections import Counter

import pytest

from app.pauses import aside
from app.threads import AT_WORK, PATIENCE_S, Threads


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


class Held:
    """A request that holds its thread until it is let go."""

    def __init__(self) -> None:
        self.begun = threading.Event()
        self.go = threading.Event()

    def service(self) -> None:
        """Hold the thread."""
        self.begun.set()
        assert self.go.wait(10)


def test_few_threads_work_while_none_is_held_up() -> None:
    """A hundred requests that come at once are served by as many threads as are meant to work."""
    served: Counter[int] = Counter()
    done = threading.Semaphore(0)
    threads = Threads(50)
    for name in range(100):
        threads.add_task(Request(name, served, done))
    assert threads.started == AT_WORK
    for _ in range(100):
        assert done.acquire(timeout=5)


def test_who_waits_gets_a_thread_when_those_at_work_are_held_up() -> None:
    """Requests that hold their threads keep no other from being served, up to the limit."""
    held = [Held() for _ in range(5)]
    threads = Threads(6)
    for one in held:
        threads.add_task(one)
    assert all(one.begun.wait(5) for one in held)
    served: Counter[int] = Counter()
    done = threading.Semaphore(0)
    threads.add_task(Request(1, served, done))
    assert done.acquire(timeout=5)
    for one in held:
        one.go.set()


class Slow(Request):
    """A request that takes a tenth of a millisecond."""

    def service(self) -> None:
        """Work, and note that it was served."""
        until = time.monotonic() + 0.0001
        while time.monotonic() < until:
            pass
        super().service()


class Sleeper(Held):
    """A request that steps aside while it holds its thread."""

    def service(self) -> None:
        """Hold the thread aside of the others."""
        with aside():
            super().service()


def test_who_steps_aside_keeps_nobody_waiting(monkeypatch: pytest.MonkeyPatch) -> None:
    """A thread that sleeps is not counted among those at work: the next request is served at once."""
    monkeypatch.setattr("app.threads.PATIENCE_S", 60.0)
    asleep = [Sleeper() for _ in range(3)]
    threads = Threads(10)
    for one in asleep:
        threads.add_task(one)
    assert all(one.begun.wait(5) for one in asleep)
    served: Counter[int] = Counter()
    done = threading.Semaphore(0)
    for name in range(10):
        threads.add_task(Request(name, served, done))
    for _ in range(10):
        assert done.acquire(timeout=5)
    assert threads.started == len(asleep) + AT_WORK
    for one in asleep:
        one.go.set()


def test_only_who_is_held_up_is_replaced() -> None:
    """However long the line is, it is no reason for more threads while one works it off."""
    served: Counter[int] = Counter()
    done = threading.Semaphore(0)
    threads = Threads(50)
    for name in range(300):
        threads.add_task(Slow(name, served, done))
    for _ in range(300):
        assert done.acquire(timeout=5)
    assert threads.started <= AT_WORK + 3  # a slow machine may hold one up


def test_what_others_wait_for_gets_a_thread_beyond_the_limit() -> None:
    """All threads may be held up by one request without a thread: it gets one more, and goes first."""
    held, last = Held(), Held()
    threads = Threads(1)
    threads.add_task(held)
    assert held.begun.wait(5)
    threads.add_task(last)
    served: Counter[int] = Counter()
    done = threading.Semaphore(0)
    threads.add_urgent(Request(1, served, done))
    assert done.acquire(timeout=5)
    assert not held.go.is_set()
    held.go.set()
    last.go.set()


def test_no_more_threads_are_made_than_the_limit() -> None:
    """While all threads are held up, who comes next waits, until one of them is free."""
    held, last = [Held() for _ in range(3)], Held()
    threads = Threads(3)
    for one in held:
        threads.add_task(one)
    assert all(one.begun.wait(5) for one in held)
    threads.add_task(last)
    assert not last.begun.wait(20 * PATIENCE_S)
    held[0].go.set()
    assert last.begun.wait(5)
    assert threads.started == 3
    for one in (*held, last):
        one.go.set()
