"""Many threads at once: an attempt has one holder, a task one end, and nothing is lost between."""

from __future__ import annotations

import random
import threading
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import pytest

from app.domain.errors import ServiceError
from app.services import recovery
from app.services.claiming import Claim, Worker
from app.services.submitting import Once
from tests.support import acts
from tests.support.database import Database

FIVE = [Worker(f"w{n}", acts.ALL_KINDS) for n in range(5)]


def at_once(*works: Callable[[], object]) -> list[object]:
    """Run *works* in a thread each, let loose together; return what each returned or raised."""
    barrier = threading.Barrier(len(works))

    def go(work: Callable[[], object]) -> object:
        barrier.wait(10)
        try:
            return work()
        except ServiceError as error:
            return error.code

    with ThreadPoolExecutor(len(works)) as pool:
        return list(pool.map(go, works))


def test_two_workers_never_hold_one_attempt(db: Database) -> None:
    """Five workers that claim at once share the tasks: each is handed out exactly once."""
    ids = {acts.submit(db) for _ in range(60)}

    def take_all(worker: Worker) -> list[Claim]:
        taken: list[Claim] = []
        while more := acts.claim(db, worker, free=3):
            taken += more
        return taken

    taken = at_once(*(lambda worker=worker: take_all(worker) for worker in FIVE))
    claims = [claim for one in taken for claim in one]  # type: ignore[attr-defined]
    assert Counter(claim.task_id for claim in claims) == Counter(ids)
    assert db.faults() == []


def test_fifty_submitters_and_five_claimers(db: Database) -> None:
    """All that fifty threads submit is claimed and ended once by five workers; the record is whole."""
    total = 50 * 6
    ended = threading.Semaphore(0)

    def put_in() -> list[str]:
        return [acts.submit(db, random.choice(("command", "file-read"))) for _ in range(6)]

    def work(worker: Worker) -> int:
        done = 0
        while not over.is_set():
            for claim in acts.claim(db, worker, free=4):
                acts.start(db, claim, worker)
                acts.result(db, claim, acts.DONE, worker)
                ended.release()
                done += 1
        return done

    over = threading.Event()
    with ThreadPoolExecutor(55) as pool:
        working = [pool.submit(work, worker) for worker in FIVE]
        submitted = [pool.submit(put_in) for _ in range(50)]
        ids = [task_id for future in submitted for task_id in future.result(60)]
        for _ in range(total):
            assert ended.acquire(timeout=60)
        over.set()
        assert sum(future.result(10) for future in working) == total
    assert len(set(ids)) == total
    told = Counter(row.type for row in db.events())
    assert told == {f"task.{word}": total for word in ("submitted", "claimed", "started", "completed")}
    assert db.faults() == []


@pytest.mark.parametrize("round_", range(12))
def test_a_claim_against_a_cancel(db: Database, round_: int) -> None:
    """Whoever comes first: the task is cancelled in the end, and a worker that got it cannot start it."""
    task_id = acts.submit(db)
    [taken, _state] = at_once(lambda: acts.claim(db), lambda: acts.cancel(db, task_id))
    assert db.state(task_id) == "cancelled"
    for claim in taken:  # type: ignore[attr-defined]
        with pytest.raises(ServiceError) as refusal:
            acts.start(db, claim)
        assert refusal.value.code == "cancelled"
    assert db.faults() == []


@pytest.mark.parametrize("round_", range(12))
def test_a_start_against_a_cancel(db: Database, round_: int) -> None:
    """Either the start is refused, or it stands and the cancellation is asked of the worker."""
    task_id = acts.submit(db)
    [claim] = acts.claim(db)
    [started, state] = at_once(lambda: acts.start(db, claim), lambda: acts.cancel(db, task_id))
    if started == "cancelled":
        assert (state, db.state(task_id)) == ("cancelled", "cancelled")
    else:
        assert (state, db.state(task_id)) == ("running", "running")
        assert db.task(task_id).cancel_requested_at == db.now
    assert db.faults() == []


@pytest.mark.parametrize("kind", ["command", "file-read"])
@pytest.mark.parametrize("round_", range(8))
def test_a_result_against_the_end_of_its_lease(db: Database, kind: str, round_: int) -> None:
    """One of the two wins; the result is applied or kept as evidence, never lost and never both."""
    task_id = acts.submit(db, kind)
    claim = acts.started(db)
    db.pass_time(60_000)
    [reception, _ended] = at_once(
        lambda: acts.result(db, claim),
        lambda: db.write(lambda conn: recovery.expire_leases(conn, now=db.now)),
    )
    applied = reception.accepted  # type: ignore[attr-defined]
    lost = "pending" if kind == "file-read" else "unknown"
    assert db.state(task_id) == ("completed" if applied else lost)
    last = db.told(task_id)[-1]
    assert last == ("task.completed" if applied else "outcome.refused")
    assert db.faults() == []


def test_the_same_key_at_once_makes_one_task(db: Database) -> None:
    """Twenty threads send the same request with the same key: one task, twenty times its id."""
    once = Once("key", b"request")
    ids = at_once(*([lambda: acts.submit(db, once=once)] * 20))
    assert len(set(ids)) == 1
    assert [row.type for row in db.events()] == ["task.submitted"]
