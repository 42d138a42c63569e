"""A record that only grows raises no alarm, whatever befalls the server."""

from __future__ import annotations

import stat

from clawtrail.remembering import Memory
from tests.witness.conftest import Pair

KILLS = 5


def test_growth_is_followed(pair: Pair) -> None:
    """The worker remembers ever larger records, in a file that is its owner's alone."""
    sizes = [pair.grow() for _ in range(3)]
    assert sizes == sorted(set(sizes))
    file = Memory(pair.state, pair.server.url).file
    assert stat.S_IMODE(file.stat().st_mode) == 0o600


def test_kills_and_restarts_are_no_alarm(pair: Pair) -> None:
    """After each kill and each restart of the server the record is found to have grown."""
    before = pair.size
    for number in range(KILLS):
        pair.ada.submit("true")
        if number % 2:
            pair.server.stop()
        else:
            pair.server.kill()
        pair.server.restart()
        after = pair.grow()
        assert after > before
        before = after
    assert not pair.alarms


def test_next_life_of_the_worker_goes_on_from_there(pair: Pair) -> None:
    """A worker that was killed compares the record with what its last life saw."""
    size = pair.grow()
    pair.worker.kill()
    pair.worker.restart()
    assert pair.grow() > size
    assert pair.worker.logs().count("the record is remembered from here on") == 1


def test_given_key_is_the_one_to_believe(pair: Pair) -> None:
    """With the right key configured the record is followed from the first checkpoint on."""
    seen = Memory(pair.state, pair.server.url).recall()
    assert seen is not None
    pair.worker.stop()
    pair.worker.environ = {**pair.worker.environ, "CLAWTRAIL_WORKER_LOG_KEY": str(seen.verifier)}
    pair.worker.restart()
    assert pair.grow() > seen.size
