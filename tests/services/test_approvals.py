"""Questions to people: how a task waits for an answer, and comes back with a yes."""

from __future__ import annotations

import json
from collections.abc import Callable

import pytest

from app.domain.errors import (
    IllegalTransition,
    InvalidRequest,
    LeaseLost,
)
from app.domain.timing import APPROVAL_MS
from app.services import holding
from app.services.outcomes import Outcome
from app.services.reporting import Grounds
from tests.support import acts
from tests.support.database import Database

REFUSED = Outcome(126, "policy", "no", 0, None, 0, 0, truncated=False)


def test_a_question_makes_the_task_wait_for_people(db: Database) -> None:
    """The task waits, stays its worker's, and the record tells digest, rule, policy and until when."""
    task_id = acts.submit(db)
    _, asked = acts.asked(db)
    row, question = db.task(task_id), acts.approval(db, asked)
    assert (row.state, row.claimed_by, row.lease_expires_at) == (
        "awaiting_approval",
        "wim",
        db.now + APPROVAL_MS,
    )
    assert (question.state, question.digest, question.worker_id) == ("pending", acts.DIGEST, "wim")
    assert question.describe == "would run: true"
    assert db.told(task_id) == ["task.submitted", "task.claimed", "approval.requested"]
    assert db.faults() == []


def test_a_yes_lets_the_worker_that_asked_run_it_once(db: Database) -> None:
    """The task comes again to that worker alone, with the yes; its start uses the yes up."""
    task_id = acts.submit(db, max_attempts=1)
    first, asked = acts.asked(db)
    acts.decide(db, asked, comment="go on")
    assert (db.state(task_id), db.task(task_id).pinned_to) == ("pending", "wim")
    assert acts.claim(db, acts.WES) == []
    [again] = acts.claim(db)
    assert again.approval is not None
    assert (again.approval.id, again.approval.digest, again.approval.by) == (
        asked,
        acts.DIGEST,
        "approver:ann",
    )
    assert (again.attempt, again.lease == first.lease) == (1, False)
    acts.judge(db, again, "ask")
    acts.start(db, again)
    assert acts.approval(db, asked).used_at == db.now
    acts.result(db, again)
    assert db.told(task_id)[2:] == [
        "approval.requested",
        "approval.given",
        "task.claimed",
        "task.started",
        "task.completed",
    ]
    assert db.faults() == []


def test_a_claim_that_came_to_nothing_keeps_the_yes(db: Database) -> None:
    """The answer to the approved worker was lost on the way: the next claim brings the yes again."""
    acts.submit(db)
    _, asked = acts.asked(db)
    acts.decide(db, asked)
    acts.claim(db)
    db.write(lambda conn: holding.give_back(conn, acts.WIM, [], now=db.now))
    [again] = acts.claim(db)
    assert again.approval is not None
    assert db.faults() == []


@pytest.mark.parametrize(
    ("late", "refusal"),
    [
        (acts.start, IllegalTransition),
        (acts.result, IllegalTransition),
        (lambda db, claimed: acts.result(db, claimed, REFUSED), IllegalTransition),
        (lambda db, claimed: acts.output(db, claimed, b"x"), IllegalTransition),
        (lambda db, claimed: acts.judge(db, claimed, "allow"), IllegalTransition),
        (lambda db, claimed: acts.judge(db, claimed, "deny"), IllegalTransition),
        (lambda db, claimed: acts.judge(db, claimed, "ask", digest="d2"), IllegalTransition),
    ],
    ids=["start", "result", "refusal", "output", "allow", "deny", "ask"],
)
def test_while_the_question_is_open_nothing_else_goes(
    db: Database, late: Callable[[Database, object], object], refusal: type[Exception]
) -> None:
    """Under the lease that asked, nothing but the same question is taken, and nothing is written."""
    task_id = acts.submit(db)
    claimed, _ = acts.asked(db)
    before, told = db.task(task_id), db.told(task_id)
    acts.judge(db, claimed, "ask")
    with pytest.raises(refusal):
        late(db, claimed)
    assert (db.task(task_id), db.told(task_id)) == (before, told)
    assert db.faults() == []


def test_after_the_yes_the_old_lease_is_worth_nothing(db: Database) -> None:
    """A start under the lease that asked comes too late: only the new claim may start."""
    acts.submit(db)
    claimed, asked = acts.asked(db)
    acts.decide(db, asked)
    with pytest.raises(LeaseLost):
        acts.start(db, claimed)
    [again] = acts.claim(db)
    with pytest.raises(LeaseLost):
        acts.start(db, claimed)
    acts.start(db, again)


def test_a_question_outlives_its_worker(db: Database) -> None:
    """The worker restarts and lists nothing: the question stays, and the yes reaches its next life."""
    task_id = acts.submit(db)
    _, asked = acts.asked(db)
    db.write(lambda conn: holding.give_back(conn, acts.WIM, [], now=db.now))
    db.pass_time(120_000)
    acts.tidy(db)
    assert db.state(task_id) == "awaiting_approval"
    db.reopen()
    acts.decide(db, asked)
    [again] = acts.claim(db)
    assert again.approval is not None


def test_the_sessions_other_tasks_wait_too(db: Database) -> None:
    """Of one session nothing overtakes a task that waits for people, or for its approved start."""
    first = acts.submit(db, session_key="s")
    second = acts.submit(db, session_key="s")
    _, asked = acts.asked(db)
    assert acts.claim(db) == []
    acts.decide(db, asked)
    assert [claim.task_id for claim in acts.claim(db, free=2)] == [first]
    acts.cancel(db, first)
    assert [claim.task_id for claim in acts.claim(db)] == [second]


def test_a_question_needs_a_digest(db: Database) -> None:
    """Nobody can say yes to nothing in particular."""
    task_id = acts.submit(db)
    [claimed] = acts.claim(db)
    with pytest.raises(InvalidRequest):
        acts.judge(db, claimed, "ask", digest="")
    assert db.state(task_id) == "claimed"


def test_an_allowed_run_is_told_once(db: Database) -> None:
    """The start tells rule, digest and policy on the record; the same report again adds nothing."""
    task_id = acts.submit(db)
    [claimed] = acts.claim(db)
    for _ in range(2):
        acts.start(db, claimed, grounds=Grounds("all", "00" * 31 + "ff", "p"))
    assert db.told(task_id)[2:] == ["task.started"]
    detail = {"digest": "A" * 41 + "P8=", "policy": "p", "rule": "all"}
    assert json.loads(db.events(task_id)[-1].detail) == detail
    assert db.faults() == []


def test_an_allow_that_comes_by_itself_is_taken(db: Database) -> None:
    """Older workers tell it before the start: it stands before it on the record, once."""
    task_id = acts.submit(db)
    [claimed] = acts.claim(db)
    for _ in range(2):
        acts.judge(db, claimed, "allow")
        acts.start(db, claimed)
    assert db.told(task_id)[2:] == ["verdict.given", "task.started"]
    assert db.faults() == []


def test_the_start_after_a_yes_names_it(db: Database) -> None:
    """Beside rule, digest and policy stands which question was answered; the check knows such a start."""
    task_id = acts.submit(db)
    _, asked = acts.asked(db)
    acts.decide(db, asked)
    [again] = acts.claim(db)
    acts.judge(db, again, "ask")
    acts.start(db, again, grounds=Grounds("be careful", acts.DIGEST, "p"))
    detail = {"approval": asked, "digest": acts.DIGEST, "policy": "p", "rule": "be careful"}
    assert json.loads(db.events(task_id)[-1].detail) == detail
    assert db.faults() == []
