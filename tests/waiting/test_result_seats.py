"""Waits for news of one task, and the doorway that limits all waits."""

from __future__ import annotations

import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from threading import Barrier

import pytest

from app.seats import Seat
from app.waiting import Doorway, WaitingRoom
from tests.support.completing import complete


def alive() -> bool:
    """Somebody listens."""
    return True


def soon() -> float:
    """Return an instant a little ahead."""
    return time.monotonic() + 0.01


def later() -> float:
    """Return an instant that a test never reaches."""
    return time.monotonic() + 20


async def rest(room: WaitingRoom, seat: Seat, until: float) -> bool:
    """Wait in *seat*."""
    return await room.rest(seat, until)


def woken(room: WaitingRoom, seat: Seat, until: float) -> bool:
    """Say whether *seat* is woken before *until*."""
    return complete(rest(room, seat, until))


def test_news_that_come_before_the_wait_are_not_missed() -> None:
    """Whoever took a seat before looking hears of what happened between the look and the wait."""
    room = WaitingRoom()
    with room.expecting("t1", alive) as seat:
        room.tell("t1")
        assert woken(room, seat, later()) is True


def test_news_reach_all_who_wait_for_them_and_nobody_else() -> None:
    """Three seats for one task are woken by one telling; a seat for another task is not."""
    room = WaitingRoom()
    with ExitStack() as stack:
        mine = [stack.enter_context(room.expecting("t1", alive)) for _ in range(3)]
        other = stack.enter_context(room.expecting("t2", alive))
        assert room.parked() == (0, 4)
        room.tell("t1")
        assert [woken(room, seat, later()) for seat in mine] == [True, True, True]
        assert woken(room, other, soon()) is False
    assert room.parked() == (0, 0)


def test_nothing_is_kept_of_those_who_left() -> None:
    """After the last seat of a task is given up, the room remembers nothing of that task."""
    room = WaitingRoom()
    with pytest.raises(ZeroDivisionError), room.expecting("t1", alive):
        raise ZeroDivisionError
    room.tell("t1")
    assert room.parked() == (0, 0)


def test_a_closed_room_lets_nobody_wait() -> None:
    """Seats taken before and after the closing are both answered at once."""
    room = WaitingRoom()
    with room.expecting("t1", alive) as before:
        room.close()
        assert woken(room, before, later()) is True
    with room.expecting("t2", alive) as after:
        assert woken(room, after, later()) is True


def test_a_sweep_wakes_the_dead_and_leaves_the_living() -> None:
    """A result wait whose client hung up ends at the sweep."""
    room = WaitingRoom()
    with room.expecting("t1", lambda: False) as gone, room.expecting("t1", alive) as here:
        room.sweep()
        assert woken(room, gone, later()) is True
        assert woken(room, here, soon()) is False


def test_the_doorway_admits_so_many_and_no_more() -> None:
    """The wait beyond the limit is told so at once, and a place that is given up is taken again."""
    doorway = Doorway(2)
    with doorway.admission() as first, doorway.admission() as second, doorway.admission() as third:
        assert (first, second, third) == (True, True, False)
        assert doorway.inside == 2
    assert doorway.inside == 0
    with doorway.admission() as again:
        assert again is True


def test_the_doorway_counts_right_under_many_threads() -> None:
    """Sixteen threads that come at once find exactly the places there are, and leave none behind."""
    doorway, together = Doorway(5), Barrier(16)

    def come() -> bool:
        with doorway.admission() as admitted:
            together.wait(10)
            return admitted

    with ThreadPoolExecutor(16) as pool:
        admitted = list(pool.map(lambda _n: come(), range(16)))
    assert sum(admitted) == 5
    assert doorway.inside == 0
