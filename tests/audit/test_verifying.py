"""What a check of the whole record says: of a good one nothing, of a bad one what and where."""

from __future__ import annotations

import sqlite3
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.auditing import outcome_text, people, questions, scanning, told, verifying
from app.auditing.remembering import Seen
from app.auditing.untold import UNTOLD
from app.auditing.verifying import Report
from app.auditing.vouching import Claim
from app.services import checkpoints
from app.services import outcomes as keeping
from app.storage import engine, key_file
from app.storage.tables import metadata
from benchmarks.mutating.past import Past, live
from clawtrail.formats import canonical
from clawtrail.formats.notes import Signer, Verifier
from tests.support import acts
from tests.support.database import Database


@pytest.fixture(scope="module")
def past(tmp_path_factory: pytest.TempPathFactory) -> Past:
    """A past with a little of everything."""
    return live(tmp_path_factory.mktemp("past"), seed=5)


def key_of(past: Past) -> Verifier:
    """The key that vouches for the record."""
    return key_file.load(key_file.key_path(past.database)).verifier


def check(
    database: Path, *verifiers: Verifier, since: Seen | None = None, claims: tuple[Claim, ...] = ()
) -> Report:
    """Check the database in a file."""
    reading = engine.reading_engine(database, connections=1)
    with reading.connect() as conn:
        report = verifying.verify(conn, verifiers=verifiers, now=1, since=since, claims=claims, limit=100)
    reading.dispose()
    return report


def test_a_varied_past_is_good(past: Past) -> None:
    """A record in which everything happened that can has no fault, and says how much was checked."""
    report = check(past.database, key_of(past))
    assert report.faults == []
    assert report.notes == []
    assert (report.size > 512, report.tasks > 90, report.checkpoints > 5) == (True, True, True)
    assert report.seen == replace(report.seen or Seen(0, b"", 0), size=report.size, root=report.root)


def test_every_column_is_compared_or_listed() -> None:
    """Each column of each table is compared with the record, or stands with its reason in the list."""
    compared = {
        "tasks": {"id", "payload", "payload_salt", "signature", *told.COLUMNS},
        "events": {"seq", "at", "type", "task_id", "attempt", "actor", "detail", "leaf"},
        "outcomes": set(outcome_text.OUTCOME.split(", ")),
        "output": {"task_id", "attempt", "stream", "data"},
        "tiles": {"level", "nr", "root"},
        "checkpoints": {"size", "root", "note"},
        "tokens": set(people.TOKEN_COLUMNS),
        "workers": set(people.WORKER_COLUMNS),
        "approvals": {"id", "describe", "describe_salt", "signature", *questions.COLUMNS},
        "redactions": {"task_id", "content", "reason", "actor", "redacted_at"},
        "schedules": {"payload", "payload_salt", *scanning.SCHEDULE_COLUMNS},
    }
    tables = {table.name: {column.name for column in table.columns} for table in metadata.sorted_tables}
    listed = {name: compared.get(name, set()) | set(UNTOLD.get(name, {})) for name in tables}
    assert listed == tables
    assert not [name for name in compared if compared[name] & set(UNTOLD.get(name, {}))]


def test_what_came_since_is_checked_from_there(db: Database) -> None:
    """A check that goes on from an earlier one reads only new events, and finds what is wrong with them."""
    open_before, waits = acts.submit(db), acts.submit(db)
    first = check(db.path)
    assert first.seen is not None
    [claimed] = acts.claim(db)
    acts.start(db, claimed)
    acts.result(db, claimed)
    second = check(db.path, since=first.seen)
    assert (second.faults, second.first, second.size) == ([], 2, 5)
    assert check(db.path, since=second.seen).faults == []
    with sqlite3.connect(db.path) as conn:
        conn.execute("UPDATE tasks SET reason = 'other' WHERE id = ?", (open_before,))
        conn.execute("UPDATE tasks SET priority = 3 WHERE id = ?", (waits,))
    conn.close()
    found = {fault.task_id for fault in check(db.path, since=first.seen).faults}
    assert found == {open_before, waits}


def test_a_check_goes_on_from_one_of_an_earlier_version(past: Past) -> None:
    """What an earlier version remembered of tokens lacks columns that came later, which is no fault."""
    seen = check(past.database).seen
    assert seen is not None
    assert check(past.database, since=seen).faults == []
    plain = [token[:6] for token in seen.tokens if token[6] is None]
    assert plain
    earlier = replace(seen, tokens=[token[:6] if token[6] is None else token for token in seen.tokens])
    assert check(past.database, since=earlier).faults == []


def test_a_record_that_is_not_the_checked_one_is_refused(db: Database) -> None:
    """A check that goes on says so when the record before is shorter or another one."""
    acts.submit(db)
    seen = check(db.path).seen
    assert seen is not None
    other = check(db.path, since=replace(seen, root=bytes(32)))
    assert [fault.seq for fault in other.faults] == [0]
    assert "at the last check" in str(check(db.path, since=replace(seen, size=9)).faults)


def test_what_somebody_remembers_must_be_in_the_record(past: Past) -> None:
    """A root that somebody remembers is found again, or it is said whose it is and that it is not there."""
    size, key = 300, key_of(past)
    with sqlite3.connect(past.database) as conn:
        signed, root = conn.execute("SELECT size, root FROM checkpoints ORDER BY size DESC").fetchone()
    conn.close()
    assert check(past.database, key, claims=(Claim(signed, root, "a note"),)).faults == []
    [fault] = check(past.database, key, claims=(Claim(size, root, "a note"),)).faults
    assert (fault.seq, "a note is of another record" in fault.what) == (size - 1, True)
    [fault] = check(past.database, key, claims=(Claim(10**6, root, "a note"),)).faults
    assert "a note is of 1000000 events" in fault.what


def test_keys_that_were_replaced_are_named(db: Database) -> None:
    """Checkpoints of a key that was replaced, as the record says, are counted; a strange key is a fault."""
    old, new = Signer.generate("old.example/log"), Signer.generate("new.example/log")
    acts.submit(db)
    sign(db, old)
    db.write(lambda conn: checkpoints.check(conn, new, accept=False, now=db.now))
    assert "signed by none of" in str(check(db.path, new.verifier).faults[0])
    sign(db, new)
    report = check(db.path, new.verifier)
    assert report.faults == []
    assert [note.split(",")[0] for note in report.notes] == [
        f"1 checkpoints of 1 to 1 events are signed by old.example/log+{old.verifier.key_id.hex()}"
    ]
    assert check(db.path, new.verifier, old.verifier).notes == []
    strange = Signer.generate("old.example/log").verifier
    assert "signed by none of" in str(check(db.path, strange).faults)


def sign(db: Database, signer: Signer) -> None:
    """Sign the record as it is."""
    drawn = db.read(lambda conn: checkpoints.draw_up(conn, signer, now=db.now))
    db.write(lambda conn: checkpoints.keep(conn, drawn))


words = st.none() | st.text()


@given(
    reason=words,
    error=words,
    metadata=words,
    duration=st.none() | st.integers(0, 10**9),
    out=st.none() | st.binary(),
)
def test_an_outcome_has_one_digest(
    reason: str | None, error: str | None, metadata: str | None, duration: int | None, out: bytes | None
) -> None:
    """The check spells an outcome exactly as the service did when it kept it."""
    names = [name.strip() for name in outcome_text.OUTCOME.split(",")]
    values = ("id", 1, 0, 1, 3, 5, b"", b"salt", reason, error, metadata, duration, 7, 8, 0, out, None)
    try:
        expected = keeping.digest_of(dict(zip(names, values, strict=True)))
    except canonical.NotCanonical:  # a lone surrogate, which no database holds
        return
    assert outcome_text.digest_of(values) == expected
    if error is None and metadata is None and duration is not None and reason is not None:
        usual = ("id", 1, 0, 1, 3, 5, b"", b"salt", reason, None, None, duration, 7, 0, 0, out, None)
        told_ = outcome_text.UsualText(3, reason).digests([(duration, 7, out, b"salt")])
        assert told_ == [outcome_text.digest_of(usual)]
