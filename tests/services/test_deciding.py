"""Answers to questions: who may give them, how long they hold, and what they are good for."""

from __future__ import annotations

import pytest

from app.auditing import verifying
from app.domain.errors import (
    AlreadyDecided,
    ApprovalNotFound,
    IllegalTransition,
    LeaseLost,
    OwnSubmission,
)
from app.domain.timing import APPROVAL_MS
from app.services import recovery, redacting
from app.services.approvals import Decider
from app.services.outcomes import Outcome
from tests.support import acts
from tests.support.database import Database

REFUSED = Outcome(126, "policy", "no", 0, None, 0, 0, truncated=False)


def test_another_content_is_another_question(db: Database) -> None:
    """A yes to one digest is none to another: the worker asks anew, and the old yes is void."""
    task_id = acts.submit(db)
    _, first = acts.asked(db)
    acts.decide(db, first)
    [again] = acts.claim(db)
    acts.judge(db, again, "ask", digest="d2")
    second = db.task(task_id).approval_id
    assert second != first
    assert (db.state(task_id), db.task(task_id).pinned_to) == ("awaiting_approval", None)
    with pytest.raises(IllegalTransition, match="open"):
        acts.start(db, again)
    acts.decide(db, second)
    [third] = acts.claim(db)
    assert third.approval is not None
    assert third.approval.digest == "d2"
    assert db.faults() == []


def test_a_yes_is_not_good_for_a_second_run(db: Database) -> None:
    """A run that was lost and may be repeated asks again: the claim brings no yes."""
    acts.submit(db, "file-read")
    _, asked = acts.asked(db)
    acts.decide(db, asked)
    [again] = acts.claim(db)
    acts.start(db, again)
    db.pass_time(60_000)
    acts.tidy(db)
    [repeated] = acts.claim(db, acts.WES)
    assert repeated.approval is None
    acts.judge(db, repeated, "ask", worker=acts.WES)
    assert db.state(repeated.task_id) == "awaiting_approval"
    assert db.faults() == []


def test_a_no_ends_the_task(db: Database) -> None:
    """Denied, with who and why on the record, and never handed out again."""
    task_id = acts.submit(db)
    _, asked = acts.asked(db)
    acts.decide(db, asked, yes=False, comment="not on a Friday")
    row = db.task(task_id)
    assert (row.state, row.reason, row.finished_at) == ("denied", "not on a Friday", db.now)
    assert (db.events(task_id)[-1].actor, db.told(task_id)[-1]) == ("approver:ann", "approval.refused")
    assert acts.claim(db) == []
    assert db.faults() == []


def test_the_first_answer_counts(db: Database) -> None:
    """A second answer is refused; the same one by the same person again changes nothing."""
    task_id = acts.submit(db)
    _, asked = acts.asked(db)
    acts.decide(db, asked)
    told = db.told(task_id)
    assert acts.decide(db, asked).state == "approved"
    for yes, who in (
        (False, acts.ANN),
        (True, Decider("max", "admin:max")),
        (False, Decider("max", "admin:max")),
    ):
        with pytest.raises(AlreadyDecided, match="approver:ann"):
            acts.decide(db, asked, yes=yes, by=who)
    assert db.told(task_id) == told


@pytest.mark.parametrize("yes", [True, False])
def test_nobody_decides_on_his_own_submission(db: Database, *, yes: bool) -> None:
    """Whoever submitted it is refused, in whichever role he comes, and the question stays open."""
    acts.submit(db, actor="client:ada")
    _, asked = acts.asked(db)
    with pytest.raises(OwnSubmission):
        acts.decide(db, asked, yes=yes, by=Decider("ada", "admin:ada"))
    assert acts.approval(db, asked).state == "pending"


def test_an_unknown_question_cannot_be_answered(db: Database) -> None:
    """There is a name for it."""
    with pytest.raises(ApprovalNotFound):
        acts.decide(db, "no-such-question")
    with pytest.raises(ApprovalNotFound):
        acts.approval(db, "no-such-question")


def test_nobody_answers_for_half_an_hour(db: Database) -> None:
    """The task is denied by the janitor, not a moment before, and a late answer is refused."""
    task_id = acts.submit(db)
    _, asked = acts.asked(db)
    db.pass_time(APPROVAL_MS - 1)
    acts.tidy(db)
    assert db.state(task_id) == "awaiting_approval"
    db.pass_time(1)
    with pytest.raises(AlreadyDecided, match="over"):
        acts.decide(db, asked)
    assert db.read(lambda conn: recovery.is_needed(conn, now=db.now))
    acts.tidy(db)
    assert (db.state(task_id), acts.approval(db, asked).state) == ("denied", "expired")
    assert (db.told(task_id)[-1], db.events(task_id)[-1].actor) == ("approval.expired", "system:janitor")
    assert not db.read(lambda conn: recovery.is_needed(conn, now=db.now))
    assert db.faults() == []


def test_a_yes_that_nobody_uses_runs_out(db: Database) -> None:
    """The worker that asked never comes back: half an hour after the yes the task is denied."""
    task_id = acts.submit(db)
    _, asked = acts.asked(db)
    db.pass_time(APPROVAL_MS - 1)
    acts.decide(db, asked)
    db.pass_time(APPROVAL_MS - 1)
    acts.tidy(db)
    assert db.state(task_id) == "pending"
    db.pass_time(1)
    assert db.read(lambda conn: recovery.is_needed(conn, now=db.now))
    acts.tidy(db)
    assert (db.state(task_id), db.task(task_id).reason) == ("denied", "unused")
    assert acts.approval(db, asked).state == "approved"
    assert db.faults() == []


def test_a_yes_that_ran_out_in_the_workers_hands_is_asked_anew(db: Database) -> None:
    """Between claim and verdict the time of the yes is over: it is no yes any more."""
    task_id = acts.submit(db)
    _, asked = acts.asked(db)
    acts.decide(db, asked)
    db.pass_time(APPROVAL_MS - 1)
    [again] = acts.claim(db)
    db.pass_time(1)
    acts.judge(db, again, "ask")
    assert (db.state(task_id), db.task(task_id).approval_id == asked) == ("awaiting_approval", False)
    assert db.faults() == []


@pytest.mark.parametrize("approved", [False, True])
def test_a_waiting_task_can_be_cancelled(db: Database, *, approved: bool) -> None:
    """At once, before the answer and after it; an open question is closed as withdrawn."""
    task_id = acts.submit(db)
    claimed, asked = acts.asked(db)
    if approved:
        acts.decide(db, asked)
    assert acts.cancel(db, task_id) == "cancelled"
    assert acts.approval(db, asked).state == ("approved" if approved else "withdrawn")
    if not approved:
        with pytest.raises(AlreadyDecided, match="withdrawn"):
            acts.decide(db, asked)
    assert acts.claim(db) == []
    with pytest.raises(LeaseLost):
        acts.judge(db, claimed, "allow")
    assert db.faults() == []


def test_a_redacted_payload_takes_the_text_of_its_questions_along(db: Database) -> None:
    """What people read about a task is its content too; who decided, and when, stays."""
    task_id = acts.submit(db)
    _, asked = acts.asked(db)
    acts.decide(db, asked, yes=False)
    contents = [redacting.Content.PAYLOAD]
    db.write(
        lambda conn: redacting.redact(conn, task_id, contents, reason="r", actor="admin:max", now=db.now)
    )
    assert (acts.approval(db, asked).describe, acts.approval(db, asked).decided_by) == (None, "approver:ann")
    assert db.faults() == []


@pytest.mark.parametrize(
    ("forgery", "found"),
    [
        ("UPDATE approvals SET decided_by = 'approver:mallory'", "decided_by"),
        ("UPDATE approvals SET digest = 'd2'", "digest"),
        ("UPDATE approvals SET describe = 'would run: false'", "not what was asked"),
        ("UPDATE approvals SET describe = NULL, describe_salt = NULL", "payload is gone"),
        ("UPDATE approvals SET state = 'denied', used_at = NULL", "state"),
        ("DELETE FROM approvals", "not in its table"),
        ("UPDATE tasks SET approval_id = 'another'", "approval_id"),
        ("UPDATE approvals SET task_id = 'another'", "does not know"),
    ],
)
def test_a_forged_answer_is_found(db: Database, forgery: str, found: str) -> None:
    """Whatever is changed in the table of questions, the check of the record names it."""
    acts.submit(db)
    _, asked = acts.asked(db)
    acts.decide(db, asked)
    acts.start(db, acts.claim(db)[0])
    db.write(lambda conn: conn.exec_driver_sql(forgery))
    report = db.read(lambda conn: verifying.verify(conn, verifiers=(), now=db.now, limit=9))
    assert any(found in fault.what for fault in report.faults), report.faults
