"""Calls at an instant."""

from __future__ import annotations

import threading
import time
from functools import partial

from app.alarms import FEW, Alarms
from tests.support.patience import until

FAR = 3600.0


def test_alarms_ring_in_the_order_of_their_instants() -> None:
    """However they were set, each rings once, none before its time, the earlier first."""
    alarms, rung = Alarms(), list[tuple[int, float]]()

    def ring(number: int) -> None:
        rung.append((number, time.monotonic()))

    start = time.monotonic()
    for number in (3, 1, 2):
        alarms.set(start + number / 50, partial(ring, number))
    until(lambda: len(rung) == 3)
    assert [number for number, _at in rung] == [1, 2, 3]
    assert all(at >= start + number / 50 for number, at in rung)
    assert len(alarms) == 0


def test_an_earlier_alarm_does_not_wait_for_a_later_one() -> None:
    """Who sets an alarm before the one that is slept for is heard."""
    alarms, rang = Alarms(), threading.Event()
    alarms.set(time.monotonic() + FAR, lambda: None)
    alarms.set(time.monotonic() + 0.01, rang.set)
    assert rang.wait(5)


def test_a_cancelled_alarm_is_silent_and_forgotten() -> None:
    """It never rings, may be cancelled twice, and of many cancelled ones few are kept."""
    alarms, rung = Alarms(), list[str]()
    cancelled = alarms.set(time.monotonic() + 0.02, lambda: rung.append("cancelled"))
    alarms.cancel(cancelled)
    alarms.cancel(cancelled)
    for _ in range(10 * FEW):
        alarms.cancel(alarms.set(time.monotonic() + FAR, lambda: None))
    assert len(alarms) <= 2 * FEW
    alarms.set(time.monotonic() + 0.04, lambda: rung.append("kept"))
    until(lambda: rung != [])
    assert rung == ["kept"]


def test_a_cancelled_alarm_lets_go_of_its_call_at_once() -> None:
    """What an alarm would have called is not kept alive until its time."""
    alarms = Alarms()
    alarm = alarms.set(time.monotonic() + FAR, lambda: None)
    alarms.cancel(alarm)
    assert alarm.ring is None
