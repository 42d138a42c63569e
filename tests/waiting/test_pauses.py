"""Coroutines without a loop: what is awaited goes on once, in whichever thread, and never gets lost."""

from __future__ import annotations

import gc
import json
import sys
import threading
import time
import weakref
from collections.abc import Generator, Iterator
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import Any, ClassVar

import pytest
from werkzeug.test import EnvironBuilder, run_wsgi_app

from app.alarms import Alarms
from app.api.unfinished import Unfinished
from app.domain.errors import TaskNotFound
from app.pauses import Pause, Work
from app.seats import Rest, Seat
from tests.support.patience import until


class Gate(Pause):
    """A pause that a test ends."""

    def __init__(self) -> None:
        super().__init__()
        self._open = threading.Event()

    def is_over(self) -> bool:
        """Say whether the test has ended it."""
        return self._open.is_set()

    def sleep(self) -> None:
        """Sleep until then."""
        assert self._open.wait(5)

    def end(self) -> None:
        """End it."""
        self._open.set()
        self.resume()

    def __await__(self) -> Generator[Pause]:
        yield self


@pytest.fixture
def hasty() -> Iterator[None]:
    """Threads that may change places between any two steps."""
    interval = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    yield
    sys.setswitchinterval(interval)


def called(work: Work[Any]) -> tuple[str, bytes]:
    """Return status and body that a plain WSGI server gets from a view that does *work*."""
    body, status, _headers = run_wsgi_app(Unfinished(work), EnvironBuilder().get_environ())
    return status, b"".join(body)


async def through(*gates: Gate) -> str:
    """Pass all *gates*."""
    for gate in gates:
        await gate
    return "through"


def test_any_server_can_answer_a_view_that_waits() -> None:
    """A server that cannot take up requests again gets the whole answer; its thread sleeps in the pauses."""
    gates = Gate(), Gate()
    with ThreadPoolExecutor(1) as pool:
        answered = pool.submit(called, through(*gates))
        gates[0].end()
        assert not answered.done()
        gates[1].end()
        assert answered.result(5) == ("200 OK", b'"through"')


def test_an_error_behind_a_pause_has_its_answer() -> None:
    """What goes wrong in a view after a pause is told the caller like what goes wrong before one."""

    async def wrong() -> None:
        await gate
        raise TaskNotFound

    gate = Gate()
    gate.end()
    status, body = called(wrong())
    assert (status, json.loads(body)["code"]) == ("404 Not Found", "task_not_found")


def test_who_comes_after_the_end_goes_on_at_once() -> None:
    """A pause that is over before anybody waits calls whoever comes, in his own thread."""
    gate, called = Gate(), list[str]()
    gate.end()
    gate.then(lambda: called.append(threading.current_thread().name))
    assert called == [threading.current_thread().name]


@pytest.mark.usefixtures("hasty")
def test_a_pause_that_ends_while_somebody_comes_lets_him_go_on_once() -> None:
    """Whoever is faster, the one who waits and the one who ends it: there is one call, never none or two."""
    calls = list[int]()
    with ThreadPoolExecutor(1) as pool:
        for number in range(2000):
            gate = Gate()
            ended = pool.submit(gate.end)
            gate.then(partial(calls.append, number))
            ended.result(5)
    assert calls == list(range(2000))


@pytest.mark.usefixtures("hasty")
def test_a_seat_that_is_woken_when_its_time_is_up_lets_go_on_once() -> None:
    """The alarm and the waker meet, and one of them is called."""
    alarms, calls = Alarms(), list[int]()
    for number in range(500):
        seat, gone = Seat(lambda: True), threading.Event()
        rest = Rest(seat, time.monotonic() + 0.0002, alarms)

        def go_on(number: int = number, gone: threading.Event = gone) -> None:
            calls.append(number)
            gone.set()

        rest.then(go_on)
        seat.wake()
        assert gone.wait(5)
    assert calls == list(range(500))


class Leaving(Seat):
    """A seat that is left right after its waker has looked at it for the first time."""

    looks: ClassVar[list[Rest]] = []

    @property
    def rest(self) -> Rest | None:
        """Return the rest once, and then no more."""
        return self.looks.pop() if self.looks else None

    @rest.setter
    def rest(self, rest: Rest | None) -> None:
        self.looks[:] = [rest] if rest else []


def test_who_wakes_a_seat_that_is_being_left_does_no_harm() -> None:
    """A waker that meets the one who goes on raises nothing: it is often the leader of a commit."""
    seat, called = Leaving(lambda: True), list[bool]()
    Rest(seat, time.monotonic() + 20, Alarms()).then(lambda: called.append(True))
    seat.wake()
    assert called == [True]


def test_a_wait_that_is_over_holds_nothing() -> None:
    """A seat and the rest in it let go of each other: a request is freed at once, not by the collector."""

    async def rest(seat: Seat) -> None:
        await Rest(seat, time.monotonic() + 20, Alarms())

    def alive() -> bool:
        return True

    held = weakref.ref(alive)
    seat = Seat(alive)
    work = rest(seat)
    gc.disable()
    try:
        work.send(None).then(lambda: None)
        seat.wake()
        with pytest.raises(StopIteration):
            work.send(None)
        del alive, seat, work
        assert held() is None
    finally:
        gc.enable()


def test_work_goes_on_in_other_threads_than_it_began() -> None:
    """Each pause may be ended by another thread, which then does the next step."""
    gates, ended = (Gate(), Gate()), threading.Event()
    steps = list[str]()

    def step(work: Work[str]) -> None:
        steps.append(threading.current_thread().name)
        try:
            work.send(None).then(lambda: step(work))
        except StopIteration:
            ended.set()

    step(through(*gates))
    for number, gate in enumerate(gates):
        threading.Thread(target=gate.end, name=f"ender {number}").start()
        until(lambda: len(steps) > number + 1)  # noqa: B023 - called before the next one
    assert ended.wait(5)
    assert steps == [threading.current_thread().name, "ender 0", "ender 1"]
