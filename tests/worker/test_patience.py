"""How long is waited after a failure, and what is said of it."""

import logging
import threading

import pytest

from worker.errors import Busy, Refused, Unreachable
from worker.patience import Patience


def test_pauses_grow_with_full_jitter_up_to_the_longest() -> None:
    """Each pause is anything up to a bound that doubles from 0.5 to 30 seconds."""
    longest: list[float] = []
    for tries in range(1, 12):
        pauses = []
        for _ in range(50):
            patience = Patience()
            for _ in range(tries):
                pause = patience.failed("sync", Unreachable("x"))
            pauses.append(pause)
        longest.append(max(pauses))
        assert max(pauses) <= min(30, 0.5 * 2 ** (tries - 1))
        assert min(pauses) < max(pauses) / 2
    assert longest[-1] > 15


def test_success_starts_the_pauses_anew() -> None:
    """After an answer the next failure is followed by a short pause again."""
    patience = Patience()
    for _ in range(20):
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
