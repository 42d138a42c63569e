"""Taking tasks in: all or none, once a key, alike alone and together with others."""

from __future__ import annotations

import json
from concurrent.futures import ThreadPoolExecutor

import pytest

from app.domain.errors import IdempotencyConflict
from app.services import submitting
from app.services.submitting import Once, Submission, submit_each
from app.storage.writer import Joint
from clawtrail.formats.leaves import salted_digest
from tests.support import acts
from tests.support.database import Database


def send(db: Database, *payloads: str, actor: str = acts.ADA, once: Once | None = None) -> list[str]:
    """Submit tasks in one request and return their ids."""
    orders = [acts.order(payload=payload) for payload in payloads]
    return db.write(lambda conn: submitting.submit(conn, orders, actor=actor, now=db.now, once=once))


def test_the_record_vouches_for_the_payload_without_holding_it(db: Database) -> None:
    """The event has the salted digest of the payload, whose salt stands beside the payload in the table."""
    [task_id] = send(db, '{"command":"cat /etc/secret"}')
    row, [event] = db.task(task_id), db.events(task_id)
    assert row.payload_digest == salted_digest(row.payload_salt, row.payload.encode())
    assert "secret" not in event.detail
    assert json.loads(event.detail)["kind"] == "command"
    [other] = send(db, '{"command":"cat /etc/secret"}')
    assert db.task(other).payload_digest != row.payload_digest


def test_a_key_stands_for_one_request_of_one_submitter(db: Database) -> None:
    """The same again gives the same ids; another request with the key is refused; Ben may use it too."""
    once = Once("k", b"request")
    ids = send(db, "{}", "{}", once=once)
    assert send(db, "{}", "{}", once=once) == ids
    with pytest.raises(IdempotencyConflict):
        send(db, "{}", "{}", once=Once("k", b"other"))
    assert send(db, "{}", "{}", actor=acts.BEN, once=once) != ids
    assert len(db.events()) == 4


def test_several_submissions_at_once_are_as_if_one_came_after_the_other(db: Database) -> None:
    """Of thirty submissions that come together, those with the same key get the ids of the first of them."""
    once = Once("k", b"request")

    def one(number: int) -> tuple[str, ...]:
        actor = acts.BEN if number % 3 == 2 else acts.ADA
        orders = [acts.order(), acts.order()] if number % 3 else [acts.order()]
        asked = Submission(orders, actor, db.now, once if number % 3 else None)
        return tuple(db.writer.perform(Joint(asked, submit_each)))

    with ThreadPoolExecutor(30) as pool:
        told = list(pool.map(one, range(30)))
    assert len(set(told[0::3])) == 10
    assert len(set(told[1::3])) == len(set(told[2::3])) == 1
    assert len(db.events()) == 10 + 2 + 2
    assert db.faults() == []


def test_a_group_without_repetition_is_taken_together(db: Database) -> None:
    """Each of several submissions gets its own ids, in order, from one INSERT."""
    several = [
        Submission([acts.order()], acts.ADA, db.now),
        Submission([acts.order(), acts.order()], acts.ADA, db.now, Once("a", b"request")),
        Submission([acts.order()], acts.BEN, db.now, Once("a", b"request")),
    ]
    told = db.write(lambda conn: submit_each(conn, several))
    assert told == [[order.id for order in one.orders] for one in several]
    assert len(db.events()) == 4


def test_a_conflict_in_a_group_concerns_nobody_else(db: Database) -> None:
    """Thirty threads submit at once, some with a key that is taken: they alone are refused."""
    send(db, "{}", once=Once("taken", b"request"))

    def one(number: int) -> list[str] | str:
        once = Once("taken", b"other") if number % 10 == 0 else None
        asked = Submission([acts.order()], acts.ADA, db.now, once)
        try:
            return db.writer.perform(Joint(asked, submit_each))
        except IdempotencyConflict as conflict:
            return conflict.code

    with ThreadPoolExecutor(30) as pool:
        told = list(pool.map(one, range(30)))
    assert [number for number, ids in enumerate(told) if ids == "idempotency_conflict"] == [0, 10, 20]
    assert len({ids[0] for ids in told if isinstance(ids, list)}) == 27
    assert len(db.events()) == 28
    assert db.faults() == []
