"""Questions from inside a run: answered while it runs on, heard by its worker, void with its end."""

from __future__ import annotations

import pytest
from sqlalchemy import text

from app.domain.errors import AlreadyDecided, IllegalTransition, InvalidRequest, LeaseLost, OwnSubmission
from app.domain.timing import APPROVAL_MS
from app.services import holding, redacting, run_questions
from app.services.approvals import Decider, Question
from app.services.claiming import Claim
from app.services.run_questions import MOST_OPEN, Reply
from tests.support import acts
from tests.support.database import Database


def ask(db: Database, claimed: Claim, digest: str = "q1", describe: str = "Bash: rm notes") -> str:
    """Ask in the run of *claimed*."""
    question = Question("agents.claude: ask_tools", digest, "p", describe)
    by = acts.reporter(acts.WIM)
    return db.write(lambda conn: run_questions.ask(conn, claimed.lease, question, by=by, now=db.now))


def heard(db: Database, claimed: Claim) -> tuple[Reply, ...]:
    """Give what the worker hears with its next sync."""
    return db.write(lambda conn: holding.keep(conn, acts.WIM, [claimed.lease], now=db.now)).replies


def run(db: Database) -> Claim:
    """Put a task for Claude Code in, and start it."""
    acts.submit(db, "claude-cli", payload='{"prompt":"tidy"}')
    return acts.started(db)


def test_answer_reaches_the_worker_and_the_task_runs_on(db: Database) -> None:
    """A yes and a no are heard by the worker that runs the task, whose state never changes."""
    claimed = run(db)
    first, second = ask(db, claimed), ask(db, claimed, "q2")
    assert heard(db, claimed) == ()
    acts.decide(db, first)
    db.pass_time(1)
    acts.decide(db, second, yes=False, comment="not the notes")
    assert heard(db, claimed) == (Reply(second, "deny", "not the notes"), Reply(first, "allow", None))
    assert db.state(claimed.task_id) == "running"
    assert db.told(claimed.task_id)[-4:] == [
        "question.asked",
        "question.asked",
        "question.answered",
        "question.answered",
    ]
    acts.result(db, claimed)
    assert heard(db, claimed) == ()
    assert db.faults() == []


def test_same_question_again_is_the_same(db: Database) -> None:
    """A question that is told twice is one, also when it was answered meanwhile."""
    claimed = run(db)
    first = ask(db, claimed)
    assert ask(db, claimed) == first
    acts.decide(db, first)
    assert ask(db, claimed) == first
    assert ask(db, claimed, "q2") != first


def test_question_needs_a_run_and_a_digest(db: Database) -> None:
    """Before the start, without a lease and without a digest nothing is asked, nor too much at once."""
    acts.submit(db, "claude-cli")
    [claimed] = acts.claim(db)
    with pytest.raises(IllegalTransition, match="Only a run"):
        ask(db, claimed)
    acts.start(db, claimed)
    with pytest.raises(InvalidRequest):
        ask(db, claimed, "")
    for number in range(MOST_OPEN):
        ask(db, claimed, f"q{number}")
    with pytest.raises(IllegalTransition, match="open questions"):
        ask(db, claimed, "one more")
    acts.result(db, claimed)
    with pytest.raises(LeaseLost):
        ask(db, claimed, "late")


def test_nobody_answers_for_himself_or_twice(db: Database) -> None:
    """Who submitted the task is not asked, and the first answer counts."""
    claimed = run(db)
    asked = ask(db, claimed)
    with pytest.raises(OwnSubmission):
        acts.decide(db, asked, by=Decider("ada", "approver:ada"))
    acts.decide(db, asked)
    acts.decide(db, asked)
    with pytest.raises(AlreadyDecided):
        acts.decide(db, asked, yes=False)


def test_time_over_is_a_no(db: Database) -> None:
    """After 30 minutes without an answer the worker hears no, and nobody can say yes any more."""
    claimed = run(db)
    asked = ask(db, claimed)
    for _ in range(40):
        db.pass_time(APPROVAL_MS // 40)
        heard(db, claimed)
        if db.now - claimed.created_at < APPROVAL_MS:
            acts.tidy(db)
    with pytest.raises(AlreadyDecided):
        acts.decide(db, asked)
    acts.tidy(db)
    assert heard(db, claimed) == (Reply(asked, "deny", "nobody answered in time"),)
    assert db.state(claimed.task_id) == "running"
    assert db.told(claimed.task_id)[-1] == "question.closed"
    assert db.faults() == []


def test_end_of_the_run_withdraws_what_is_open(db: Database) -> None:
    """With the run its questions are over: closed by the janitor, and no yes comes after it."""
    claimed = run(db)
    asked = ask(db, claimed)
    acts.result(db, claimed)
    with pytest.raises(AlreadyDecided, match="over"):
        acts.decide(db, asked)
    acts.tidy(db)
    assert (acts.approval(db, asked).state, acts.approval(db, asked).decided_by) == (
        "withdrawn",
        "system:janitor",
    )
    acts.tidy(db)
    assert db.told(claimed.task_id).count("question.closed") == 1
    assert db.faults() == []


def test_question_of_an_approved_run_is_another_one(db: Database) -> None:
    """A run that people allowed can ask too; the yes before it and the one in it are two."""
    acts.submit(db, "claude-cli")
    _, before = acts.asked(db)
    acts.decide(db, before)
    claimed = acts.started(db)
    inside = ask(db, claimed, acts.DIGEST)
    assert inside != before
    acts.decide(db, inside, yes=False)
    assert heard(db, claimed) == (Reply(inside, "deny", None),)
    assert db.state(claimed.task_id) == "running"
    acts.result(db, claimed)
    assert db.faults() == []


def test_text_of_a_question_goes_with_its_payload(db: Database) -> None:
    """What was asked in a run is redacted with the task's payload, and the record still holds."""
    claimed = run(db)
    asked = ask(db, claimed)
    acts.decide(db, asked)
    acts.result(db, claimed)
    db.write(
        lambda conn: redacting.redact(
            conn,
            claimed.task_id,
            [redacting.Content.PAYLOAD],
            reason="private",
            actor="admin:root",
            now=db.now,
        )
    )
    assert acts.approval(db, asked).describe is None
    assert db.faults() == []


@pytest.mark.parametrize(
    "change", ["state = 'denied'", "comment = 'x'", "digest = 'x'", "rule = 'x'", "worker_id = 'wes'"]
)
def test_audit_sees_a_changed_answer(db: Database, change: str) -> None:
    """A row of a question that is not as the record tells is a fault."""
    claimed = run(db)
    acts.decide(db, ask(db, claimed))
    acts.result(db, claimed)
    assert db.faults() == []
    db.write(lambda conn: conn.execute(text(f"UPDATE approvals SET {change}")))
    assert db.faults() != []
