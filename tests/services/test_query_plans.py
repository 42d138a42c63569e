"""The looks that are taken all the time use their indexes, however much has piled up."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from sqlalchemy import Connection, text

from app.domain.states import State
from app.services import (
    approvals,
    budgets,
    claiming,
    finishing,
    holding,
    lookup,
    recovery,
    run_questions,
    sessions,
    submitting,
    transitions,
)
from app.services.claiming import Worker
from app.services.submitting import Once
from tests.support import acts
from tests.support.database import Database


class Plans:
    """Writes down every statement that runs, and says how SQLite would run it."""

    def __init__(self, db: Database) -> None:
        self._db = db
        self._seen: list[str] = []

    def of(self, act: Callable[[Connection], object], *, on: str) -> list[str]:
        """Run *act* as a write and return the plan lines of its statements about the table *on*."""
        self._seen.clear()
        self._db.writer.maintain(lambda driver: driver.set_trace_callback(self._seen.append))
        self._db.write(act)
        self._db.writer.maintain(lambda driver: driver.set_trace_callback(None))
        about = [s for s in self._seen if on in s and s.startswith(("SELECT", "UPDATE"))]
        assert about, self._seen
        return [line for statement in about for line in self._explain(statement)]

    def _explain(self, statement: str) -> list[str]:
        return self._db.writer.maintain(
            lambda driver: [row[3] for row in driver.execute(f"EXPLAIN QUERY PLAN {statement}")]
        )


@pytest.fixture
def plans(db: Database) -> Plans:
    """A database with a little of everything."""
    for number in range(30):
        acts.submit(
            db, session_key="s" if number % 7 == 0 else None, labels='["gpu=1"]' if number % 5 == 0 else None
        )
        acts.submit(db, "file-read", expires_at=db.now + 10**9, not_before_at=db.now - 1)
    for _ in range(10):
        acts.result(db, acts.started(db))
    acts.claim(db, free=3)
    return Plans(db)


def never_reads_whole(lines: list[str], table: str = "tasks") -> None:
    """Fail if a plan walks through the whole table."""
    walks = [line for line in lines if line.startswith("SCAN") and "USING" not in line and table in line]
    assert not walks, lines


def uses(lines: list[str], index: str) -> None:
    """Fail unless some line of the plan uses *index*."""
    assert any(f"INDEX {index}" in line for line in lines), lines


def test_the_claim_walks_the_index_of_pending_tasks_in_order(db: Database, plans: Plans) -> None:
    """A claim reads pending tasks in claim order, without sorting and without touching finished ones."""
    worker = Worker("wim", acts.ALL_KINDS, frozenset({"gpu=1"}))
    lines = plans.of(lambda conn: claiming.claim(conn, worker=worker, free=1, now=db.now), on="tasks")
    uses(lines, "tasks_claimable")
    uses(lines, "tasks_labelled")
    uses(lines, "tasks_in_session")
    never_reads_whole(lines)
    assert not any("ORDER BY" in line for line in lines), lines


def test_the_janitors_looks_touch_only_what_is_due(db: Database, plans: Plans) -> None:
    """Overdue leases, tasks past their time and delayed tasks are each found by an index of their own."""
    lines = plans.of(lambda conn: recovery.is_needed(conn, now=db.now), on="tasks")
    uses(lines, "tasks_leased")
    uses(lines, "tasks_expiring")
    uses(lines, "tasks_pinned")
    never_reads_whole(lines)
    never_reads_whole(lines, "approvals")
    due = plans.of(lambda conn: recovery.are_due(conn, after=db.now - 5, now=db.now + 5), on="tasks")
    uses(due, "tasks_delayed")
    never_reads_whole(due)


def test_what_a_worker_holds_is_found_by_its_index(db: Database, plans: Plans) -> None:
    """A sync looks at the few tasks that its worker holds."""
    lines = plans.of(lambda conn: holding.keep(conn, acts.WIM, ["x.1.y"], now=db.now), on="tasks")
    uses(lines, "tasks_held")
    never_reads_whole(lines)
    back = plans.of(lambda conn: holding.give_back(conn, acts.WIM, [], now=db.now), on="tasks")
    uses(back, "tasks_held")
    never_reads_whole(back)


def test_an_idempotency_key_is_found_by_its_index(db: Database, plans: Plans) -> None:
    """A repeated submission is found without looking at other tasks."""
    once = Once("key", b"request")
    lines = plans.of(
        lambda conn: submitting.submit(conn, [acts.order()], actor=acts.ADA, now=db.now, once=once),
        on="tasks",
    )
    uses(lines, "tasks_idempotent")
    never_reads_whole(lines)


def test_a_page_of_tasks_is_read_by_its_key(db: Database, plans: Plans) -> None:
    """The list goes on from an id by the primary key, newest first, without sorting."""
    before = acts.order().id
    lines = plans.of(
        lambda conn: lookup.list_tasks(conn, lookup.Filters(), limit=10, before=before), on="tasks"
    )
    assert any("tasks_1" in line and "id<?" in line for line in lines), lines
    assert not any("ORDER BY" in line for line in lines), lines


def test_what_is_asked_of_agents_touches_their_tasks_alone(db: Database, plans: Plans) -> None:
    """Active sessions, lists of them and budgets are found by indexes of their own, and so are charges."""
    lately = plans.of(lambda conn: sessions.active(conn, now=db.now), on="tasks")
    uses(lately, "tasks_agents_lately")
    listed = plans.of(lambda conn: sessions.list_sessions(conn, kind=None, limit=5), on="tasks")
    uses(listed, "tasks_of_agents")

    def ask(conn: Connection) -> None:
        budgets.check(conn, acts.ADA, limit=1, wanted=1, now=db.now)

    uses(plans.of(ask, on="tasks"), "tasks_agents_open")
    uses(plans.of(ask, on="events"), "events_charged")
    for lines in (lately, listed, plans.of(ask, on="tasks")):
        never_reads_whole(lines)


def test_start_and_result_touch_one_task(db: Database, plans: Plans) -> None:
    """A transition and an outcome find their rows by primary key."""
    [claimed] = acts.claim(db)
    acts.start(db, claimed)
    lines = plans.of(
        lambda conn: finishing.result(conn, claimed.lease, acts.DONE, by=acts.reporter(acts.WIM), now=db.now),
        on="tasks",
    )
    never_reads_whole(lines)


def test_the_counts_of_the_start_use_the_partial_indexes(db: Database, plans: Plans) -> None:
    """Pending and held tasks are counted in their small indexes."""
    uses(plans.of(lookup.count_pending, on="tasks"), "tasks_claimable")
    lines = plans.of(lookup.count_unfinished, on="tasks")
    assert any("tasks_held" in line or "tasks_leased" in line for line in lines), lines


def test_pending_is_spelled_out_in_statements() -> None:
    """The state is a literal in the condition: with a parameter SQLite cannot use a partial index."""
    assert str(transitions.is_pending()).endswith(f"= '{State.PENDING.value}'")


def test_what_waits_for_people_is_found_by_its_index(db: Database, plans: Plans) -> None:
    """Open questions are few, however many were answered, and are read in the order of their asking."""
    lines = plans.of(lambda conn: approvals.list_approvals(conn, state="pending", limit=9), on="approvals")
    assert any("INDEX approvals_" in line for line in lines), lines
    never_reads_whole(lines, "approvals")


def test_questions_of_runs_are_found_by_their_indexes(db: Database, plans: Plans) -> None:
    """Answers are looked for among what the worker holds, and what is void among the open questions."""
    lines = plans.of(lambda conn: run_questions.list_replies(conn, "wim"), on="approvals")
    uses(lines, "tasks_held")
    uses(lines, "approvals_of_task")
    never_reads_whole(lines)
    never_reads_whole(lines, "approvals")
    lines = plans.of(lambda conn: run_questions.has_void(conn, now=db.now), on="approvals")
    assert any("INDEX approvals_" in line for line in lines), lines
    never_reads_whole(lines)
    never_reads_whole(lines, "approvals")


def test_the_events_of_one_task_are_found_by_their_index(db: Database, plans: Plans) -> None:
    """A task's history does not read the whole record."""
    plan = db.read(
        lambda conn: conn.execute(
            text("EXPLAIN QUERY PLAN SELECT * FROM events WHERE task_id = 'x' ORDER BY seq")
        ).all()
    )
    assert any("events_of_task" in row[3] for row in plan), plan
