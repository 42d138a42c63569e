"""Parked workers: who is woken for which task, and that no wake-up goes astray."""

from __future__ import annotations

import time
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor

import pytest

from app.seats import Offer, WorkerSeat
from app.waiting import Ticket, WaitingRoom
from tests.support.completing import complete
from tests.support.patience import until

COMMAND = Offer("t1", "command", None)
READ = Offer("t2", "file-read", None)
LONG = 20.0


def alive() -> bool:
    """Somebody listens."""
    return True


def seat(worker: str, *kinds: str, session: str = "s") -> WorkerSeat:
    """Return the seat of a worker that runs *kinds*."""
    return WorkerSeat(alive, worker_id=worker, session=session, kinds=kinds)


def parks(room: WaitingRoom, one: WorkerSeat, ticket: Ticket, *, seconds: float = LONG) -> bool:
    """Park *one*; say whether there may be news."""
    return complete(room.park(one, ticket, time.monotonic() + seconds))


class Bench:
    """Parks seats in threads of their own, in a known order."""

    def __init__(self, pool: ThreadPoolExecutor) -> None:
        self.room = WaitingRoom()
        self._pool = pool

    def park(self, one: WorkerSeat, ticket: Ticket | None = None, *, seconds: float = LONG) -> Future[bool]:
        """Park *one* and return when it sits."""
        parked = self.room.parked()[0]
        ticket = ticket or self.room.ticket(one.worker_id)
        future = self._pool.submit(parks, self.room, one, ticket, seconds=seconds)
        until(lambda: self.room.parked()[0] > parked or future.done())
        return future


@pytest.fixture
def bench() -> Iterator[Bench]:
    """An open room, closed at the end so that no thread stays."""
    with ThreadPoolExecutor(8) as pool:
        made = Bench(pool)
        yield made
        made.room.close()


def test_the_longest_waiting_worker_that_can_run_it_is_woken(bench: Bench) -> None:
    """Of three parked workers only the first eligible one is woken, and it hears for what."""
    writes, first, second = seat("wes", "file-write"), seat("wim", "command"), seat("wog", "command")
    parked = [bench.park(one) for one in (writes, first, second)]
    bench.room.offer(COMMAND)
    assert parked[1].result(5) is True
    assert first.offered == COMMAND
    assert bench.room.parked()[0] == 2
    bench.room.offer(Offer("t9", "command", None))
    assert parked[2].result(5) is True
    assert not parked[0].done()


def test_a_worker_without_the_labels_is_passed_over(bench: Bench) -> None:
    """A task goes to the first worker that has what it needs, whoever waits longer."""
    plain = WorkerSeat(alive, worker_id="wes", kinds=("command",), has=lambda labels: labels is None)
    without = bench.park(plain)
    having = bench.park(seat("wim", "command"))
    bench.room.offer(Offer("t3", "command", '["os=mac"]'))
    assert having.result(5) is True
    assert not without.done()


def test_a_kind_named_twice_is_one_kind(bench: Bench) -> None:
    """A worker that names a kind twice is woken once and leaves nothing behind."""
    parked = bench.park(seat("wim", "command", "command"))
    bench.room.offer(COMMAND)
    assert parked.result(5) is True
    assert bench.room.parked()[0] == 0
    ticket = bench.room.ticket("wes")
    bench.room.offer(COMMAND)
    assert bench.room.ticket("wes") != ticket


def test_a_worker_without_a_free_hand_is_not_woken_for_a_task(bench: Bench) -> None:
    """A seat that was told nothing of what it can run waits for news only; the next one gets the task."""
    busy = WorkerSeat(alive, worker_id="wim", session="s")
    waiting = bench.park(busy)
    free = bench.park(seat("wes", "command"))
    bench.room.offer(COMMAND)
    assert free.result(5) is True
    assert not waiting.done()
    bench.room.call("wim")
    assert waiting.result(5) is True


def test_nobody_parks_over_a_task_that_was_offered_in_vain(bench: Bench) -> None:
    """A ticket from before an unanswered offer is not good for parking: the worker has to look again."""
    ticket = bench.room.ticket("wim")
    bench.room.offer(COMMAND)
    assert parks(bench.room, seat("wim", "command"), ticket) is True
    later = bench.park(seat("wim", "command"))
    assert not later.done()


def test_what_an_earlier_wake_up_offered_is_forgotten(bench: Bench) -> None:
    """A worker that is sent to look again for another reason does not think that a task was offered."""
    one = seat("wim", "command")
    ticket = bench.room.ticket("wim")
    parked = bench.park(one, ticket)
    bench.room.offer(COMMAND)
    assert parked.result(5) is True
    bench.room.call("wim")
    assert parks(bench.room, one, ticket) is True
    assert one.offered is None


def test_a_task_offered_to_a_dead_connection_goes_to_the_next(bench: Bench) -> None:
    """``pass_on`` wakes the next eligible worker for the same task."""
    gone, here = seat("wim", "command"), seat("wes", "command")
    first, second = bench.park(gone), bench.park(here)
    bench.room.offer(COMMAND)
    assert first.result(5) is True
    bench.room.pass_on(gone)
    assert second.result(5) is True
    assert here.offered == COMMAND


def test_a_worker_whose_hands_are_full_of_other_tasks_passes_on(bench: Bench) -> None:
    """Woken for one task and having taken another, it lets the next worker look for the first."""
    both, reads = seat("wim", "command", "file-read"), seat("wes", "file-read")
    first, second = bench.park(both), bench.park(reads)
    bench.room.offer(READ)
    assert first.result(5) is True
    bench.room.pass_on(both, ["t2"])
    assert not second.done()
    bench.room.pass_on(both, ["t1"])
    assert second.result(5) is True


def test_time_that_runs_out_is_told_from_a_wake_up(bench: Bench) -> None:
    """A wait that is over returns False and leaves no seat behind."""
    assert parks(bench.room, seat("wim"), bench.room.ticket("wim"), seconds=0.01) is False
    assert bench.room.parked() == (0, 0)


def test_a_call_wakes_its_worker_alone_even_before_it_parks(bench: Bench) -> None:
    """A cancel between the look and the parking is not missed, and concerns nobody else."""
    ticket = bench.room.ticket("wim")
    other = bench.park(seat("wes", "command"))
    bench.room.call("wim")
    assert parks(bench.room, seat("wim"), ticket) is True
    assert not other.done()


def test_a_newer_sync_answers_the_older_of_the_same_session_only(bench: Bench) -> None:
    """The older seat is woken, told so, and cannot park again; another session of the same worker stays."""
    old, other = seat("wim", session="one"), seat("wim", session="two")
    first, second = bench.park(old), bench.park(other)
    with bench.room.attending(old), bench.room.attending(other):
        with bench.room.attending(seat("wim", session="one")):
            assert first.result(5) is True
        assert parks(bench.room, old, bench.room.ticket("wim")) is True
    assert (old.superseded, other.superseded) == (True, False)
    assert not second.done()


def test_a_sweep_wakes_those_where_nobody_listens(bench: Bench) -> None:
    """Hung-up connections leave the room at the sweep; the living stay parked."""
    gone = WorkerSeat(lambda: False, worker_id="wim")
    first, second = bench.park(gone), bench.park(seat("wes", "command"))
    bench.room.sweep()
    assert first.result(5) is True
    assert not second.done()


def test_closing_answers_all_and_lets_nobody_park(bench: Bench) -> None:
    """At the end of the server every parked worker goes home at once, and later ones do not stay."""
    parked = [bench.park(seat(f"w{n}", "command")) for n in range(3)]
    bench.room.close()
    assert [future.result(5) for future in parked] == [True, True, True]
    assert parks(bench.room, seat("w9"), bench.room.ticket("w9")) is False
    assert not bench.room.is_open


def test_the_safety_net_lets_one_look_after_the_other(bench: Bench) -> None:
    """``offer_to_next`` wakes the longest waiting worker, ``offer_to_all`` everybody."""
    parked = [bench.park(seat(f"w{n}", "command")) for n in range(3)]
    bench.room.offer_to_next()
    assert parked[0].result(5) is True
    assert not parked[1].done()
    bench.room.offer_to_all()
    assert [future.result(5) for future in parked] == [True, True, True]
    bench.room.offer_to_next()
