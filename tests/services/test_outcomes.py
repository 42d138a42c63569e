"""Output and outcomes: every byte at its place, digests that vouch for them, late words kept as evidence."""

from __future__ import annotations

import hashlib
import json
from base64 import b64encode

import pytest
from sqlalchemy import select

from app.domain.errors import IllegalTransition, InvalidRequest, LeaseLost, OutputGap
from app.services import finishing, holding, outcomes, recovery, watching
from app.services.claiming import Claim
from app.services.outcomes import Outcome
from app.services.watching import Piece
from app.storage.tables import AnyRow
from app.storage.tables import outcomes as table
from tests.support import acts
from tests.support.database import Database


@pytest.fixture
def running(db: Database) -> Claim:
    """A started attempt of Wim's."""
    acts.submit(db)
    return acts.started(db)


def rows(db: Database) -> list[AnyRow]:
    """Return every outcome kept."""
    return db.read(lambda conn: list(conn.execute(select(table).order_by(table.c.nr))))


def read(db: Database, claim: Claim, start: int = 0, stream: str = "stdout") -> Piece:
    """Read a stream from a byte on."""
    return db.read(lambda conn: watching.read_output(conn, claim.task_id, stream=stream, start=start))


def ended(**more: object) -> Outcome:
    """Return an outcome with sizes and metadata."""
    said = {"exit_code": 0, "reason": "exit", "error": None, "duration_ms": 7, "metadata": None}
    sizes = {"stdout_bytes": 0, "stderr_bytes": 0, "truncated": False}
    return Outcome(**{**said, **sizes, **more})  # type: ignore[arg-type]


def test_pieces_are_kept_once_and_read_from_any_byte(db: Database, running: Claim) -> None:
    """The same piece again changes nothing; the stream is read from the middle of a piece on."""
    assert acts.output(db, running, b"hello ") == running.task_id
    assert acts.output(db, running, b"hello ") is None
    assert acts.output(db, running, b"world", offset=6) == running.task_id
    assert acts.output(db, running, b"oops", stream="stderr") == running.task_id
    assert acts.output(db, running, b"", offset=11) is None
    assert read(db, running, 3) == Piece(b"lo world", 11, 0, done=False)
    assert read(db, running, stream="stderr").data == b"oops"
    acts.result(db, running)
    assert read(db, running, 11) == Piece(b"", 11, 0, done=True)


def test_a_gap_is_what_was_left_out(db: Database, running: Claim) -> None:
    """Later pieces keep their real offsets; the reader is told how much is missing before them."""
    acts.output(db, running, b"head")
    acts.output(db, running, b"tail", offset=1_000)
    assert read(db, running) == Piece(b"head", 4, 0, done=False)
    assert read(db, running, 4) == Piece(b"tail", 1_004, 996, done=False)


@pytest.mark.parametrize(("data", "offset"), [(b"HELLO", 0), (b"lo wo", 3), (b"x", 2), (b"hello world", 0)])
def test_a_piece_that_contradicts_is_refused(db: Database, running: Claim, data: bytes, offset: int) -> None:
    """What is kept is never written over: other bytes at the same place, or an overlap, are an error."""
    acts.output(db, running, b"hello")
    with pytest.raises(OutputGap):
        acts.output(db, running, data, offset=offset)
    assert read(db, running).data == b"hello"


def test_a_stream_has_a_largest_size(db: Database, running: Claim, monkeypatch: pytest.MonkeyPatch) -> None:
    """Beyond the limit of a stream nothing more of it is kept, and the worker is told."""
    monkeypatch.setattr(outcomes, "MAX_STREAM_BYTES", 10)
    acts.output(db, running, b"12345678")
    with pytest.raises(InvalidRequest):
        acts.output(db, running, b"9ab", offset=8)
    assert acts.output(db, running, b"9a", offset=8)


def test_a_reader_gets_at_most_so_much_at_once(db: Database, running: Claim) -> None:
    """A long stream comes in several answers that fit together without loss, and only the last is done."""
    data = bytes(range(256)) * 4 * 1024
    for offset in range(0, 3 * len(data), len(data)):
        acts.output(db, running, data, offset=offset)
    acts.result(db, running)
    pieces = [read(db, running)]
    while not pieces[-1].done:
        pieces.append(read(db, running, pieces[-1].next))
    assert b"".join(piece.data for piece in pieces) == data * 3
    assert len(pieces) > 1


def test_the_digests_vouch_for_outcome_and_output(db: Database, running: Claim) -> None:
    """The event carries the outcome's digest; the streams' digests are salted hashes of what was kept."""
    acts.output(db, running, b"hello ")
    acts.output(db, running, b"world", offset=6)
    acts.result(db, running, ended(stdout_bytes=11, metadata={"sha256": "ab", "n": 1.5}))
    [row] = rows(db)
    assert row.stdout_digest == hashlib.sha256(row.salt + b"hello world").digest()
    assert row.stderr_digest is None
    assert row.digest == outcomes.digest_of(row._asdict())
    detail = json.loads(db.events(running.task_id)[-1].detail)
    assert detail["outcome"] == b64encode(row.digest).decode()
    forged = {**row._asdict(), "exit_code": 1}
    assert outcomes.digest_of(forged) != row.digest


def test_late_outcomes_are_evidence_and_change_nothing(db: Database, running: Claim) -> None:
    """After the lease has ended the outcome is kept unapplied; the same again is answered alike."""
    db.pass_time(60_000)
    db.write(lambda conn: recovery.expire_leases(conn, now=db.now))
    assert db.state(running.task_id) == "unknown"
    for _ in range(2):
        reception = acts.result(db, running)
        assert (reception.accepted, reception.kept) == (False, True)
    assert [(row.nr, row.accepted) for row in rows(db)] == [(1, 0)]
    assert db.state(running.task_id) == "unknown"
    assert db.told(running.task_id)[-1] == "outcome.refused"
    acts.output(db, running, b"late words")
    assert read(db, running).data == b"late words"


def test_evidence_is_bounded(db: Database, running: Claim) -> None:
    """A token that invents leases cannot fill the disk: after so many of an attempt no more is kept."""
    acts.result(db, running)
    for number in range(outcomes.MAX_LATE + 3):
        lease = f"{running.task_id}.1.invented-{number}"
        reception = db.write(
            lambda conn, lease=lease: finishing.result(  # type: ignore[misc]
                conn, lease, acts.DONE, by=acts.reporter(acts.WES), now=db.now
            )
        )
        assert (reception.accepted, reception.kept) == (False, number < outcomes.MAX_LATE - 1)
    assert len(rows(db)) == outcomes.MAX_LATE
    assert db.faults() == []


def test_another_token_cannot_speak_for_the_holder(db: Database, running: Claim) -> None:
    """Wes with Wim's lease: no start, no output, no result, and Wim's own result is applied afterwards."""
    for act in (
        lambda: acts.start(db, running, acts.WES),
        lambda: acts.output(db, running, b"x", worker=acts.WES),
        lambda: acts.result(db, running, acts.BROKEN, acts.WES),
    ):
        with pytest.raises(LeaseLost):
            act()
    assert acts.result(db, running).accepted
    assert db.state(running.task_id) == "completed"


def test_an_interrupted_run_whose_cancel_is_wanted_is_not_run_again(db: Database) -> None:
    """The task was to be stopped: it becomes unknown, although running it again would do no harm."""
    task_id = acts.submit(db, "file-read")
    claim = acts.started(db)
    acts.cancel(db, task_id)
    acts.result(db, claim, ended(exit_code=-1, reason="interrupted"))
    assert db.state(task_id) == "unknown"
    assert acts.claim(db) == []


def test_the_same_interrupted_outcome_is_answered_as_the_first_time(db: Database) -> None:
    """A worker that repeats its report after a requeue hears again that it was taken."""
    acts.submit(db, "file-read")
    claim = acts.started(db)
    first = acts.result(db, claim, ended(exit_code=-1, reason="interrupted"))
    again = acts.result(db, claim, ended(exit_code=-1, reason="interrupted"))
    assert first == again
    assert first.accepted
    assert db.told(claim.task_id).count("task.requeued") == 1


def test_a_claim_that_was_never_started_has_no_output(db: Database) -> None:
    """Its attempt's number is used again after it went back, and the next holder's output must fit."""
    acts.submit(db)
    [first] = acts.claim(db)
    with pytest.raises(IllegalTransition):
        acts.output(db, first, b"too early")
    db.write(lambda conn: holding.give_back(conn, acts.WIM, [], now=db.now))
    second = acts.started(db, acts.WES)
    assert second.attempt == first.attempt
    assert acts.output(db, second, b"in time", worker=acts.WES)
    assert read(db, second).data == b"in time"
