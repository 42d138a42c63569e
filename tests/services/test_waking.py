"""After a commit the right ones are woken, and the counts of tasks stay in step with the table."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

import pytest

from app.backlog import Backlog
from app.domain.timing import APPROVAL_MS
from app.services import holding, recovery
from app.services.outcomes import Outcome
from app.storage.ledger import Event
from app.waiting import WaitingRoom, output_key
from app.waking import waker
from tests.support import acts
from tests.support.database import Database
from tests.support.patience import until


class Woken:
    """The real waiting room and counts, fed with what the database commits."""

    def __init__(self, db: Database) -> None:
        self._db = db
        self.room, self.backlog = WaitingRoom(), Backlog()
        self._wake = waker(self.room, self.backlog)
        self._told = 0

    def catch_up(self) -> None:
        """Hand on what was committed since the last time."""
        new: Sequence[Event] = self._db.committed[self._told :]
        self._told += len(new)
        self._wake(new)

    def counts(self) -> tuple[int, int, int]:
        """Return the counts as the backlog has them."""
        return self.backlog.pending, self.backlog.held, self.backlog.finished


@pytest.fixture
def woken(db: Database) -> Woken:
    """A room and counts that have seen nothing yet."""
    return Woken(db)


def in_table(db: Database) -> tuple[int, int, int]:
    """Return pending, held and finished tasks as the table has them."""
    ids = {event.task_id for event in db.events() if event.task_id}
    states = Counter(db.state(task_id) for task_id in ids)
    held = states["claimed"] + states["running"] + states["awaiting_approval"]
    return states["pending"], held, states.total() - states["pending"] - held


def test_the_counts_follow_every_way_that_a_task_can_go(db: Database, woken: Woken) -> None:
    """Claimed, released, lost, requeued, expired, cancelled, refused, done: the counts stay true."""

    def check() -> None:
        woken.catch_up()
        assert woken.counts() == in_table(db)

    for kind in ("command", "file-read", "command", "command", "command", "command"):
        acts.submit(db, kind)
    acts.submit(db, expires_at=db.now + 1)
    check()
    lost, requeued, done, refused, cancelled = acts.claim(db, free=5)
    check()
    for claim in (lost, requeued, done, cancelled):
        acts.start(db, claim)
    acts.result(db, done)
    acts.result(db, refused, Outcome(126, "policy", "no", 0, None, 0, 0, truncated=False))
    acts.cancel(db, cancelled.task_id)
    acts.result(db, cancelled, Outcome(-1, "cancelled", None, 0, None, 0, 0, truncated=False))
    acts.claim(db)
    acts.cancel(db, acts.submit(db))
    check()
    db.pass_time(70_000)
    db.write(lambda conn: recovery.expire_leases(conn, now=db.now))
    db.write(lambda conn: recovery.expire_tasks(conn, now=db.now))
    check()
    [again] = [claim for claim in acts.claim(db, free=9) if claim.task_id == requeued.task_id]
    acts.start(db, again)
    acts.result(db, again, Outcome(-1, "interrupted", None, 0, None, 0, 0, truncated=False))
    check()
    db.write(lambda conn: holding.give_back(conn, acts.WIM, [], now=db.now))
    check()


@pytest.mark.parametrize("end", ["done", "cancelled", "expired", "lost"])
def test_whoever_waits_for_a_task_hears_of_its_end(db: Database, woken: Woken, end: str) -> None:
    """A result wait and a follower of the output are woken by every sort of end, not before it."""
    task_id = acts.submit(db, expires_at=db.now + 50)
    with (
        woken.room.expecting(task_id, lambda: True) as result,
        woken.room.expecting(output_key(task_id), lambda: True) as follower,
    ):
        claim = acts.started(db) if end in ("done", "lost") else None
        woken.catch_up()
        assert not result.woken.is_set()
        if end == "done" and claim is not None:
            acts.result(db, claim)
        elif end == "cancelled":
            acts.cancel(db, task_id)
        db.pass_time(100_000)
        db.write(lambda conn: recovery.expire_leases(conn, now=db.now))
        db.write(lambda conn: recovery.expire_tasks(conn, now=db.now))
        woken.catch_up()
        assert (result.woken.is_set(), follower.woken.is_set()) == (True, True)


def test_a_task_that_is_free_again_lets_all_workers_look(db: Database, woken: Woken) -> None:
    """A released claim, and the end of a task whose session others wait for, make old tickets void."""
    acts.submit(db, session_key="s")
    acts.submit(db, session_key="s")
    [claim] = acts.claim(db, free=2)
    woken.catch_up()
    ticket = woken.room.ticket("wes")
    db.write(lambda conn: holding.give_back(conn, acts.WIM, [], now=db.now))
    woken.catch_up()
    after_release = woken.room.ticket("wes")
    assert after_release != ticket
    [claim] = acts.claim(db, free=2)
    acts.start(db, claim)
    acts.result(db, claim)
    woken.catch_up()
    assert woken.room.ticket("wes") != after_release
    until(lambda: len(acts.claim(db)) == 1)


def test_a_cancel_and_a_drain_call_their_worker(db: Database, woken: Woken) -> None:
    """Only the worker that is concerned has to look again."""
    sighting = holding.Sighting(acts.WIM, "wim", "s", 1)
    db.write(lambda conn: holding.see(conn, sighting, now=db.now))
    acts.submit(db)
    claim = acts.started(db)
    woken.catch_up()
    mine, other = woken.room.ticket("wim"), woken.room.ticket("wes")
    acts.cancel(db, claim.task_id)
    woken.catch_up()
    called = woken.room.ticket("wim")
    assert called.calls == mine.calls + 1
    db.write(lambda conn: holding.steer(conn, "wim", draining=True, actor="admin:max", now=db.now))
    woken.catch_up()
    assert woken.room.ticket("wim").calls == called.calls + 1
    assert woken.room.ticket("wes").calls == other.calls


def test_the_counts_follow_questions_too(db: Database, woken: Woken) -> None:
    """Asked, approved, denied, withdrawn, not answered, not used: the counts stay true."""

    def check() -> None:
        woken.catch_up()
        assert woken.counts() == in_table(db)

    asked = []
    for _ in range(5):
        acts.submit(db)
        asked.append(acts.asked(db))
        check()
    (_, yes), (_, no), (withdrawn, _), _, (_, unused) = asked
    acts.decide(db, yes)
    check()
    acts.start(db, acts.claim(db)[0])
    acts.decide(db, no, yes=False)
    acts.cancel(db, withdrawn.task_id)
    acts.decide(db, unused)
    check()
    db.pass_time(APPROVAL_MS)
    acts.tidy(db)
    check()
    assert woken.counts()[:2] == (0, 0)
