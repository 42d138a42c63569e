"""How long is waited after a failure, and what is said of it."""

import logging
import threading

import pytest

from worker.errors import Busy, Refused, Unreachable
from worker.patience import Patience


class Clock:
    """A clock that a test moves."""

    def __init__(self) -> None:
        self.seconds = 1000.0

    def __call__(self) -> float:
        """Give the seconds."""
        return self.seconds


def fail_at(lasted: float) -> list[float]:
    """Give fifty pauses after failures of an outage that has *lasted* so many seconds."""
    clock = Clock()
    patience = Patience(now=clock)
    patience.failed("sync", Unreachable("x"))
    clock.seconds += lasted
    return [patience.failed("sync", Unreachable("x")) for _ in range(50)]


@pytest.mark.parametrize(
    ("lasted", "least", "most"),
    [(0, 0.1, 0.5), (5, 0.1, 0.5), (10, 0.2, 1), (60, 1.2, 6), (300, 6, 30), (86400, 6, 30)],
)
def test_pauses_grow_with_the_outage(lasted: float, least: float, most: float) -> None:
    """Pauses are short for the time of a restart, then grow to 30 s, and all are drawn by chance."""
    pauses = fail_at(lasted)
    assert least <= min(pauses) < (least + most) / 2 < max(pauses) <= most


@pytest.mark.parametrize("away", [0.5, 2, 5, 9])
def test_short_outage_is_over_soon_after_its_end(away: float) -> None:
    """However the pauses fall, a service that was away for some seconds is tried within one more."""
    for _ in range(50):
        clock = Clock()
        patience = Patience(now=clock)
        while clock.seconds < 1000 + away:
            clock.seconds += patience.failed("sync", Unreachable("connection refused"))
        assert clock.seconds - 1000 - away < 1


def test_success_starts_the_pauses_anew() -> None:
    """After an answer the next failure is followed by a short pause again."""
    clock = Clock()
    patience = Patience(now=clock)
    patience.failed("sync", Unreachable("x"))
    clock.seconds += 3600
    patience.failed("sync", Unreachable("x"))
    patience.succeeded("sync")
    assert patience.failed("sync", Unreachable("x")) <= 0.5


def test_service_that_asks_for_time_gets_it() -> None:
    """A Retry-After is the least that is waited."""
    assert Patience().failed("sync", Busy("x", 7.0)) >= 7


def test_refused_token_is_tried_slowly() -> None:
    """Nothing will change by asking often."""
    assert 15 <= Patience().failed("sync", Refused("x")) <= 30


def test_outage_is_said_once(caplog: pytest.LogCaptureFixture) -> None:
    """One line at the first failure of any caller, one when all work again; a refused token has its own."""
    caplog.set_level(logging.INFO)
    patience = Patience()
    patience.failed("sync", Unreachable("first"))
    patience.failed("report", Unreachable("second"))
    patience.failed("sync", Refused("token"))
    patience.failed("sync", Refused("token"))
    patience.succeeded("sync")
    patience.succeeded("report")
    patience.succeeded("report")
    assert caplog.messages == ["trouble with the service, trying on"] * 2 + ["the service answers again"]


def test_recovery_of_one_wakes_the_other() -> None:
    """Who waits out an outage tries at once when another caller got an answer."""
    patience = Patience()
    patience.failed("sync", Unreachable("x"))
    done = threading.Event()

    def wait() -> None:
        assert patience.wait(60)
        done.set()

    thread = threading.Thread(target=wait)
    thread.start()
    while not done.wait(0.01):
        patience.failed("sync", Unreachable("x"))
        patience.succeeded("sync")
    thread.join()


def test_end_lets_nobody_wait() -> None:
    """At the end of the worker a pause is over at once and says so."""
    patience = Patience()
    patience.end()
    assert not patience.wait(60)
