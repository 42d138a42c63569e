"""Taking content out: what goes, what stays, and that nothing else can go."""

from __future__ import annotations

import json

import pytest
from sqlalchemy import select, text
from sqlalchemy.exc import IntegrityError

from app.domain.errors import IdempotencyConflict, IllegalTransition, InvalidRequest, TaskNotFound
from app.services import lookup, recovery, redacting, rerunning
from app.services.outcomes import Outcome
from app.services.redacting import Content, Redaction
from app.services.submitting import Once
from app.storage.tables import metadata, output, redactions
from tests.support import acts
from tests.support.database import Database

SECRET = "swordfish"
BOTH = tuple(Content)
ALL = metadata.sorted_tables
TOLD = Outcome(1, "exit", f"error {SECRET}", 5, {"diff": SECRET}, 14, 0, truncated=False)


def redact(
    db: Database, task_id: str, *contents: Content, reason: str = "a password", actor: str = "admin:max"
) -> Redaction:
    """Take contents of a task out, both unless they are named."""
    wanted = contents or BOTH
    return db.write(
        lambda conn: redacting.redact(conn, task_id, wanted, reason=reason, actor=actor, now=db.now)
    )


def ended(db: Database, **options: object) -> str:
    """Put a task in whose command, output, error and metadata hold the secret, and take it to its end."""
    task_id = acts.submit(db, payload=json.dumps({"command": f"echo {SECRET}"}), **options)  # type: ignore[arg-type]
    claimed = acts.started(db)
    acts.output(db, claimed, f"out {SECRET}\n".encode())
    acts.result(db, claimed, TOLD)
    return task_id


def test_payload_and_output_go_and_their_digests_stay(db: Database) -> None:
    """Both contents and their salts are gone, and every digest is as it was."""
    task_id = ended(db)
    before, [told] = db.task(task_id), db.read(lambda conn: lookup.list_outcomes(conn, task_id))
    assert redact(db, task_id) == Redaction(BOTH, ())
    after, [left] = db.task(task_id), db.read(lambda conn: lookup.list_outcomes(conn, task_id))
    gone = {"payload", "payload_salt"}
    assert after._mapping == {**before._mapping, **dict.fromkeys(gone)}  # noqa: SLF001 - a row's public name
    assert left._mapping == {**told._mapping, "error": None, "metadata": None, "salt": None}  # noqa: SLF001
    assert db.read(lambda conn: conn.execute(select(output)).all()) == []
    everything = [db.read(lambda conn, t=table: conn.execute(select(t)).all()) for table in ALL]  # type: ignore[misc]
    assert SECRET not in str(everything)
    assert not db.faults()


def test_the_record_tells_what_went_why_and_by_whom(db: Database) -> None:
    """The last event of the task says what was taken out, and vouches for what is left of its outcomes."""
    task_id = ended(db)
    redact(db, task_id)
    last = db.events(task_id)[-1]
    left = db.read(lambda conn: redacting.left_of(conn, task_id))
    assert left is not None
    assert (last.type, last.actor) == ("content.redacted", "admin:max")
    assert json.loads(last.detail) == {"reason": "a password", "removed": ["payload", "output"], "left": left}
    [row] = db.read(
        lambda conn: conn.execute(select(redactions).where(redactions.c.content == "output")).all()
    )
    assert tuple(row) == (task_id, "output", "a password", "admin:max", db.now)


@pytest.mark.parametrize("content", BOTH)
def test_one_of_the_two_can_be_taken_out_alone(db: Database, content: Content) -> None:
    """What was not asked for stays, and can be taken out later."""
    task_id = ended(db)
    redact(db, task_id, content)
    kept = db.read(lambda conn: len(conn.execute(select(output)).all()))
    assert (db.task(task_id).payload is None, kept) == (
        (True, 1) if content is Content.PAYLOAD else (False, 0)
    )
    other = next(one for one in BOTH if one is not content)
    assert redact(db, task_id) == Redaction((other,), (content,))


def test_a_second_time_changes_nothing(db: Database) -> None:
    """What is gone already is said to be, without another event."""
    task_id = ended(db)
    redact(db, task_id)
    events = len(db.events())
    assert redact(db, task_id, reason="again") == Redaction((), BOTH)
    assert len(db.events()) == events


def test_only_finished_tasks_lose_content(db: Database) -> None:
    """A task that may still run is refused, and so are an unknown one and a reason that says nothing."""
    task_id = acts.submit(db)
    with pytest.raises(IllegalTransition, match="pending"):
        redact(db, task_id)
    acts.started(db)
    with pytest.raises(IllegalTransition, match="running"):
        redact(db, task_id)
    with pytest.raises(TaskNotFound):
        redact(db, "no-such-task")
    finished = ended(db)
    for reason in (" ", "two\nlines", "\udc80", "x" * 1001):
        with pytest.raises(InvalidRequest):
            redact(db, finished, reason=reason)
    assert db.task(finished).payload is not None


def test_a_late_outcome_of_a_redacted_task_brings_nothing_back(db: Database) -> None:
    """An outcome that comes after the redaction is kept as evidence, without error and metadata."""
    task_id = acts.submit(db)
    stale = acts.started(db)
    db.pass_time(3_600_000)
    db.write(lambda conn: recovery.expire_leases(conn, now=db.now))
    redact(db, task_id)
    assert not acts.result(db, stale, TOLD).accepted
    [late] = db.read(lambda conn: lookup.list_outcomes(conn, task_id))
    assert (late.error, late.metadata, late.exit_code) == (None, None, 1)
    assert late.salt is not None


def test_the_same_request_again_is_refused_and_not_run(db: Database) -> None:
    """After a redaction nobody can compare the requests, so the key is taken for good."""
    once = Once("key", b"request")
    task_id = ended(db, once=once)
    assert acts.submit(db, once=once) == task_id
    redact(db, task_id)
    with pytest.raises(IdempotencyConflict, match="redacted"):
        acts.submit(db, once=once)
    assert len(db.read(lambda conn: lookup.list_tasks(conn, lookup.Filters(), limit=9, before=None))) == 1


def test_a_redacted_task_cannot_be_repeated(db: Database) -> None:
    """To order it again is refused with a sentence."""
    task_id = ended(db)
    redact(db, task_id)
    with pytest.raises(IllegalTransition, match="redacted"):
        db.read(lambda conn: rerunning.order_again(conn, task_id))


def test_copies_of_a_task_are_found(db: Database) -> None:
    """All tasks that hang together by reruns are named, in both directions, and no others."""
    first = ended(db)
    second = ended(db, rerun_of=first)
    third = ended(db, rerun_of=second)
    beside = ended(db, rerun_of=first)
    ended(db)
    for task_id in (first, second, third, beside):
        copies = db.read(lambda conn, task_id=task_id: redacting.list_copies(conn, task_id))  # type: ignore[misc]
        assert set(copies) == {first, second, third, beside} - {task_id}


@pytest.mark.parametrize(
    "change",
    [
        "DELETE FROM output WHERE task_id = :other",
        "UPDATE output SET data = x'00' WHERE task_id = :other",
        "UPDATE outcomes SET error = NULL, metadata = NULL, salt = NULL WHERE task_id = :other",
        "UPDATE outcomes SET error = 'x' WHERE task_id = :task",
        "UPDATE outcomes SET exit_code = 0 WHERE task_id = :task",
        "UPDATE outcomes SET error = NULL, metadata = NULL, salt = NULL, truncated = 1 WHERE task_id = :task",
        "DELETE FROM outcomes WHERE task_id = :task",
        "DELETE FROM redactions",
        "UPDATE redactions SET reason = 'another'",
        "INSERT OR REPLACE INTO redactions SELECT task_id, content, 'another', actor, 1 FROM redactions",
    ],
)
def test_the_triggers_let_nothing_else_go(db: Database, change: str) -> None:
    """Not content of other tasks, not other columns, not the redaction itself."""
    task_id, other = ended(db), ended(db)
    redact(db, task_id)
    with pytest.raises(IntegrityError, match="is insert-only"):
        db.write(lambda conn: conn.execute(text(change), {"task": task_id, "other": other}))
