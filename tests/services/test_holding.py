"""What the server notes of workers: who was seen, with what, and whether it is in service."""

from __future__ import annotations

from dataclasses import replace

import pytest
from sqlalchemy import select

from app.domain.errors import WorkerNotFound
from app.domain.timing import SEEN_AFTER_MS
from app.services import holding
from app.services.claiming import Worker
from app.services.holding import Sighting
from app.storage.tables import AnyRow, workers
from tests.support import acts
from tests.support.database import Database

WIM = Sighting(Worker("wim", ("command",), frozenset({"b=2", "a=1"})), "Wim's laptop", "life-1", 3)


def see(db: Database, sighting: Sighting = WIM) -> bool:
    """Let the worker be seen now; return whether it is to be drained."""
    return db.write(lambda conn: holding.see(conn, sighting, now=db.now))


def row(db: Database) -> AnyRow:
    """Return what is known of the worker."""
    return db.read(lambda conn: conn.execute(select(workers)).one())


def registrations(db: Database) -> int:
    """Return how often it was put on the record."""
    return sum(event.type == "worker.registered" for event in db.events())


def test_a_worker_is_on_the_record_when_it_is_new_or_other_than_before(db: Database) -> None:
    """The first sight, a new life, new kinds and new labels are events; seeing it again is none."""
    see(db)
    see(db)
    assert registrations(db) == 1
    see(db, replace(WIM, session="life-2"))
    see(db, replace(WIM, session="life-2", worker=replace(WIM.worker, kinds=("command", "file-read"))))
    see(db, replace(WIM, session="life-2", worker=Worker("wim", ("command", "file-read"), frozenset())))
    see(db, replace(WIM, session="life-2", worker=Worker("wim", ("command", "file-read"), frozenset())))
    assert registrations(db) == 4


def test_the_time_of_sight_is_not_written_at_every_sync(db: Database) -> None:
    """A worker that syncs all the time costs a write now and then, not one a sync."""
    see(db)
    first = row(db).last_seen_at
    db.pass_time(SEEN_AFTER_MS - 1)
    see(db)
    assert row(db).last_seen_at == first
    db.pass_time(1)
    see(db)
    assert (row(db).last_seen_at, row(db).first_seen_at) == (db.now, first)


def test_a_drained_worker_gets_nothing_until_it_is_resumed(db: Database) -> None:
    """Draining is told with each sight, said once on the record, and ends with the resumption."""

    def steer(*, draining: bool) -> None:
        db.write(lambda conn: holding.steer(conn, "wim", draining=draining, actor="admin:max", now=db.now))

    with pytest.raises(WorkerNotFound):
        steer(draining=True)
    assert see(db) is False
    steer(draining=True)
    steer(draining=True)
    assert see(db, replace(WIM, session="life-2")) is True
    assert db.read(lambda conn: holding.is_draining(conn, "wim"))
    assert db.read(lambda conn: holding.find_worker(conn, "wim")) is None
    steer(draining=False)
    assert see(db) is False
    found = db.read(lambda conn: holding.find_worker(conn, "wim"))
    assert found == WIM.worker
    told = [event.type for event in db.events()]
    assert (told.count("worker.drained"), told.count("worker.resumed")) == (1, 1)


def test_only_a_started_attempt_is_renewed(db: Database) -> None:
    """A claim keeps its fifteen seconds however often the worker syncs; a run gets a whole lease again."""
    for _ in range(2):
        acts.submit(db)
    first, second = acts.claim(db, free=2)
    acts.start(db, first)
    before = {one.task_id: db.task(one.task_id).lease_expires_at for one in (first, second)}
    db.pass_time(10_000)
    held = [first.lease, second.lease, "no-such.1.lease"]
    known = db.write(lambda conn: holding.keep(conn, acts.WIM, held, now=db.now))
    assert (known.cancelled, known.lost) == ((), ("no-such.1.lease",))
    assert db.task(first.task_id).lease_expires_at == db.now + 60_000
    assert db.task(second.task_id).lease_expires_at == before[second.task_id]
