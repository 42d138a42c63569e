"""What was taken out is nowhere in the files any more, and what was not is all there."""

from __future__ import annotations

import json
import random
import shutil
from pathlib import Path

import pytest

from app.services import redacting
from app.services.outcomes import Outcome
from app.storage import sweeping
from tests.support import acts
from tests.support.database import Database

Past = tuple[Path, dict[str, bytes]]
SIZES = (0, 0, 10, 50, 200, 800, 2000, 3000, 5000, 9000, 40_000)


# With these seeds SQLite leaves copies behind; with which ones it does depends on how rows lie in pages.
@pytest.fixture(scope="module", params=[3, 7])
def past(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Past:
    """Some hundred tasks of all sizes that ended, each with a word of its own in all of its contents."""
    db = Database(tmp_path_factory.mktemp("past"))
    chance, held, words = random.Random(request.param), [], {}
    for number in range(400):
        word = f"marker{number:06}x"
        payload = json.dumps({"command": f"echo {word * (1 + chance.choice(SIZES) // len(word))}"})
        words[acts.submit(db, payload=payload)] = word.encode()
        for claimed in acts.claim(db, free=chance.choice([0, 1, 2])):
            acts.start(db, claimed)
            held.append(claimed)
        chance.shuffle(held)
        while held and chance.random() < 0.6:
            claimed = held.pop()
            data = words[claimed.task_id] * chance.choice([1, 2, 200, 1500])
            acts.output(db, claimed, data)
            told = words[claimed.task_id].decode()
            diff = {"diff": told * chance.choice([1, 100])}
            acts.result(db, claimed, Outcome(1, "exit", told, 5, diff, len(data), 0, truncated=False))
    ended = {task_id: word for task_id, word in words.items() if db.state(task_id) == "failed"}
    db.close()
    return db.path, ended


@pytest.fixture
def lived(past: Past, db: Database) -> dict[str, bytes]:
    """Put that past into the database, and return the words by their tasks."""
    file, words = past
    db.close()
    shutil.copyfile(file, db.path)
    db.open()
    return words


def sweep(db: Database) -> tuple[int, bytes]:
    """Sweep through the one writer; return how many pages that changed, and all that is in the files then."""
    with db.path.open("r+b", buffering=0) as file:
        swept = db.writer.maintain(lambda driver: sweeping.sweep(file, driver, patience=5))
        raw = b"".join(path.read_bytes() for path in sorted(db.path.parent.glob("clawtrail.db*")))
        db.close()  # before the file: closing that drops the locks of this process
    db.open()
    return swept, raw


def redact(db: Database, task_id: str) -> None:
    """Take all content of a task out."""
    db.write(
        lambda conn: redacting.redact(
            conn, task_id, tuple(redacting.Content), reason="x", actor="admin:max", now=db.now
        )
    )


def test_no_byte_of_redacted_content_is_left(db: Database, lived: dict[str, bytes]) -> None:
    """After a redaction and a sweep, no file has a word of the redacted tasks; the others have theirs."""
    gone = dict(list(lived.items())[::2])
    for task_id in gone:
        redact(db, task_id)
    swept, raw = sweep(db)
    assert swept
    assert [word for word in gone.values() if word in raw] == []
    assert all(word in raw for task_id, word in lived.items() if task_id not in gone)
    assert not db.faults()
    with db.reading.connect() as conn:
        assert conn.exec_driver_sql("PRAGMA integrity_check").scalars().all() == ["ok"]
    assert sweep(db)[0] == 0


def test_redacting_alone_is_not_enough(db: Database, lived: dict[str, bytes]) -> None:
    """Copies that SQLite left behind are there before the sweep: without it, the test above would fail."""
    for task_id in lived:
        redact(db, task_id)
    db.writer.maintain(lambda driver: driver.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall())
    raw = db.path.read_bytes()
    assert any(word in raw for word in lived.values())


def test_a_reader_that_stays_is_told_of(db: Database) -> None:
    """While somebody looks at an old state of the database, its log cannot be emptied, and that is said."""
    acts.submit(db)
    with db.reading.connect() as conn, db.path.open("r+b", buffering=0) as file:
        conn.exec_driver_sql("BEGIN")
        conn.exec_driver_sql("SELECT count(*) FROM tasks")
        acts.submit(db)
        with pytest.raises(sweeping.NotSwept, match="Give the same command again"):
            db.writer.maintain(lambda driver: sweeping.sweep(file, driver, patience=0.1))
        conn.rollback()
        conn.close()
        db.close()
    db.open()
    assert sweep(db)


def test_other_files_are_left_alone(db: Database, tmp_path: Path) -> None:
    """A file that is no database of ours is refused before a byte of it is written."""
    other = tmp_path / "other"
    other.write_bytes(bytes(range(256)) * 64)
    with other.open("r+b", buffering=0) as file, pytest.raises(sweeping.NotSwept, match="another kind"):
        db.writer.maintain(lambda driver: sweeping.sweep(file, driver, patience=5))
    assert other.read_bytes() == bytes(range(256)) * 64
