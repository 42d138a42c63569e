"""The one writer: what it commits together, what it takes back, and when it answers."""

from __future__ import annotations

import threading
from concurrent.futures import Future, ThreadPoolExecutor
from functools import partial

import pytest
from sqlalchemy import Connection, insert, text
from sqlalchemy.exc import IntegrityError

from app.auditing.faults import Fault
from app.domain.errors import InvalidRequest, ShuttingDown, StorageFailed
from app.domain.event_types import EventType
from app.services import record
from app.storage.tables import outcomes, workers
from tests.support.database import Database
from tests.support.patience import until


def note(conn: Connection, name: str) -> str:
    """Put one line on the record and write a row beside it."""
    record.append(conn, EventType.WORKER_NOTED, at=1, actor="worker:wim", name=name)
    conn.execute(insert(workers), [worker_row(name)])
    return name


def worker_row(name: str) -> dict[str, object]:
    """Return a row for the table of workers."""
    seen = {"first_seen_at": 1, "last_seen_at": 1, "free": 0, "state": "active"}
    return {"id": name, "name": name, "session": "s", "kinds": "[]", "labels": "[]", **seen}


def names(db: Database) -> list[str]:
    """Return the ids of all rows written by ``note``."""
    return db.read(lambda conn: list(conn.execute(text("SELECT id FROM workers ORDER BY id")).scalars()))


class Held:
    """An act that keeps the writer busy until it is let go, so that others have to wait in line."""

    def __init__(self, db: Database, pool: ThreadPoolExecutor) -> None:
        self._in, self._go = threading.Event(), threading.Event()
        self.future: Future[str] = pool.submit(db.write, self._act)
        assert self._in.wait(5)

    def _act(self, conn: Connection) -> str:
        self._in.set()
        assert self._go.wait(10)
        return note(conn, "first")

    def let_go(self) -> None:
        """Let the act end."""
        self._go.set()


def record_faults(db: Database) -> list[Fault]:
    """What is wrong with the record; the workers that ``note`` makes were never told of."""
    return [fault for fault in db.faults() if not fault.what.startswith("worker ")]


def in_one_batch(db: Database, acts: list[object]) -> list[Future[object]]:
    """Run *acts* in one transaction: they come while the writer is busy with an act before them."""
    with ThreadPoolExecutor(len(acts) + 1) as pool:
        held = Held(db, pool)
        futures: list[Future[object]] = []
        for number, act in enumerate(acts, 1):
            futures.append(pool.submit(db.writer.perform, act))  # type: ignore[arg-type]
            until(lambda n=number: len(db.writer._line) == n)  # type: ignore[misc]  # noqa: SLF001
        held.let_go()
    return futures


def test_an_act_alone_is_committed_before_its_caller_goes_on(db: Database) -> None:
    """What ``perform`` returned can be read by another connection at once."""
    assert db.write(lambda conn: note(conn, "ada")) == "ada"
    assert names(db) == ["ada"]
    assert [row.seq for row in db.events()] == [0]


def test_acts_that_wait_together_share_commits(db: Database) -> None:
    """Forty acts that came while the writer was busy cost two more batches, an eighth in the second."""
    acts = [lambda conn, n=n: note(conn, f"w{n:02}") for n in range(40)]
    futures = in_one_batch(db, list(acts))
    assert sorted(str(future.result()) for future in futures) == [f"w{n:02}" for n in range(40)]
    assert (db.writer.batches, db.writer.acts) == (3, 41)
    assert len(names(db)) == 41


def test_events_are_numbered_in_the_order_of_the_acts(db: Database) -> None:
    """The record's order is the order in which the acts stood in line, without a gap."""
    in_one_batch(db, [lambda conn, n=n: note(conn, f"w{n}") for n in range(8)])
    assert [row.seq for row in db.events()] == list(range(9))
    told = [event.detail["name"] for event in db.committed]
    assert told == ["first", *(f"w{n}" for n in range(8))]
    assert record_faults(db) == []


def refused(conn: Connection) -> None:
    """Write a row and an event, then find that it cannot be."""
    note(conn, "refused")
    raise InvalidRequest("no")


def against_a_constraint(conn: Connection) -> None:
    """Write a row and an event, then something that the database refuses."""
    note(conn, "constraint")
    conn.execute(insert(workers), [{**worker_row("bad"), "state": "asleep"}])


def unforeseen(conn: Connection) -> None:
    """Write a row and an event, then trip over a bug."""
    note(conn, "bug")
    raise ZeroDivisionError


@pytest.mark.parametrize(
    ("act", "error"),
    [(refused, InvalidRequest), (against_a_constraint, IntegrityError), (unforeseen, ZeroDivisionError)],
)
def test_an_act_that_fails_takes_back_itself_alone(db: Database, act: object, error: type) -> None:
    """Its rows and events are gone, its caller gets the error, and its neighbours are committed."""
    futures = in_one_batch(db, [lambda c: note(c, "before"), act, lambda c: note(c, "after")])
    assert isinstance(futures[1].exception(), error)
    assert (futures[0].result(), futures[2].result()) == ("before", "after")
    assert names(db) == ["after", "before", "first"]
    assert [event.detail["name"] for event in db.committed] == ["first", "before", "after"]
    assert [row.seq for row in db.events()] == [0, 1, 2]


@pytest.mark.parametrize("act", [refused, against_a_constraint, unforeseen])
def test_an_act_that_fails_alone_leaves_nothing(db: Database, act: object) -> None:
    """A failing act that has the transaction to itself leaves no row, no event and no open transaction."""
    with pytest.raises((InvalidRequest, IntegrityError, ZeroDivisionError)):
        db.writer.perform(act)  # type: ignore[arg-type]
    assert names(db) == []
    assert db.events() == []
    assert db.write(lambda conn: note(conn, "next")) == "next"
    assert [row.seq for row in db.events()] == [0]


def no_form(conn: Connection) -> str:
    """Put an event on the record whose task id has no canonical form: found out at the end of the batch."""
    record.append(conn, EventType.WORKER_NOTED, at=1, actor="worker:wim", task_id="\ud800", name="x")
    return "done"


def test_an_error_that_nobody_foresaw_answers_nobody_with_success(db: Database) -> None:
    """When the batch itself cannot be written, every act in it is told so and none has happened."""
    futures = in_one_batch(db, [lambda c: note(c, "a"), no_form, lambda c: note(c, "b")])
    errors = [future.exception() for future in futures]
    assert all(isinstance(error, StorageFailed | UnicodeEncodeError) for error in errors), errors
    assert names(db) == ["first"]
    assert db.write(lambda conn: note(conn, "next")) == "next"
    assert [row.seq for row in db.events()] == [0, 1]


def test_a_database_that_is_locked_refuses_and_works_again(db: Database) -> None:
    """While another process holds the write lock acts are refused whole; afterwards all goes on."""
    db.writer.maintain(lambda driver: driver.execute("PRAGMA busy_timeout=50"))
    other = db.writing.dialect.loaded_dbapi.connect(str(db.path), isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    with pytest.raises(StorageFailed) as refusal:
        db.write(lambda conn: note(conn, "ada"))
    assert refusal.value.code == "storage_failed"
    futures = in_one_batch_while_locked(db)
    assert all(isinstance(future.exception(), StorageFailed) for future in futures)
    other.execute("ROLLBACK")
    other.close()
    assert db.write(lambda conn: note(conn, "ben")) == "ben"
    assert names(db) == ["ben"]
    assert record_faults(db) == []


def in_one_batch_while_locked(db: Database) -> list[Future[str]]:
    """Let twelve threads write at once."""
    with ThreadPoolExecutor(12) as pool:
        return [pool.submit(db.write, lambda conn, n=n: note(conn, f"w{n}")) for n in range(12)]


def test_maintenance_runs_alone_and_outside_of_a_transaction(db: Database) -> None:
    """A checkpoint in the middle of a line of acts sees no open transaction and disturbs nobody."""
    seen: list[bool] = []

    def look(driver: object) -> None:
        seen.append(driver.in_transaction)  # type: ignore[attr-defined]

    with ThreadPoolExecutor(8) as pool:
        held = Held(db, pool)
        before = [pool.submit(db.write, lambda conn, n=n: note(conn, f"a{n}")) for n in range(3)]
        until(lambda: len(db.writer._line) == 3)  # noqa: SLF001
        work = pool.submit(db.writer.maintain, look)
        until(lambda: len(db.writer._line) == 4)  # noqa: SLF001
        after = [pool.submit(db.write, lambda conn, n=n: note(conn, f"b{n}")) for n in range(3)]
        until(lambda: len(db.writer._line) == 7)  # noqa: SLF001
        held.let_go()
    work.result()
    assert seen == [False]
    assert len([future.result() for future in before + after]) == 6
    assert [row.seq for row in db.events()] == list(range(7))


def test_farewell_commits_what_is_in_hand_and_takes_no_more(db: Database) -> None:
    """Acts in line at the farewell are committed before its own act; later ones are refused."""
    with ThreadPoolExecutor(4) as pool:
        held = Held(db, pool)
        waiting = pool.submit(db.write, lambda conn: note(conn, "waiting"))
        until(lambda: len(db.writer._line) == 1)  # noqa: SLF001
        ending = pool.submit(db.writer.farewell, lambda conn: note(conn, "farewell"))
        until(lambda: len(db.writer._line) == 2)  # noqa: SLF001
        held.let_go()
        ending.result()
        assert waiting.result() == "waiting"
    with pytest.raises(ShuttingDown):
        db.write(lambda conn: note(conn, "too late"))
    assert names(db) == ["farewell", "first", "waiting"]
    assert [event.detail["name"] for event in db.committed] == ["first", "waiting", "farewell"]


def test_every_act_of_many_threads_is_answered_with_its_own_result(db: Database) -> None:
    """Thirty-two threads with twenty-five acts each: nobody waits for ever, nobody gets another's answer."""

    def work(thread: int) -> list[str]:
        return [db.write(partial(note, name=f"{thread:02}-{n:02}")) for n in range(25)]

    with ThreadPoolExecutor(32) as pool:
        answers = list(pool.map(work, range(32)))
    assert answers == [[f"{thread:02}-{n:02}" for n in range(25)] for thread in range(32)]
    assert len(names(db)) == 800
    assert [row.seq for row in db.events()] == list(range(800))
    assert db.writer.acts == 800
    assert db.writer.batches < 400
    assert record_faults(db) == []


def test_waiting_for_the_commit_is_what_the_committed_call_comes_after(db: Database) -> None:
    """Whoever is woken by a commit finds it in the database."""
    found: list[int] = []

    def committed(_events: object) -> None:
        found.append(len(db.events()))

    db.writer._committed = committed  # noqa: SLF001 - the seam that the waker uses
    db.write(lambda conn: note(conn, "a"))
    db.write(lambda conn: note(conn, "b"))
    assert found == [1, 2]


def test_outcomes_cannot_be_written_over_by_an_act(db: Database) -> None:
    """The insert-only triggers refuse the service itself too, and only that act fails."""
    row = {"task_id": "t", "attempt": 1, "nr": 0, "accepted": 1, "exit_code": 0, "digest": b"d"}
    row |= {"stdout_bytes": 0, "stderr_bytes": 0, "truncated": 0, "reported_at": 1}
    db.write(lambda conn: conn.execute(insert(outcomes), [row]))
    with pytest.raises(IntegrityError, match="insert-only"):
        db.write(lambda conn: conn.execute(insert(outcomes), [row]))
    assert db.write(lambda conn: note(conn, "next")) == "next"
