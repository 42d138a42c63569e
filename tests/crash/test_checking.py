"""The judge of the crash test notices what it is there to notice."""

from __future__ import annotations

import sqlite3
import subprocess
from pathlib import Path

import pytest

from app.domain.ids import TaskIds
from app.services import attempts, claiming, finishing, reporting, submitting
from app.services.outcomes import Outcome
from app.storage import migrating
from app.storage.engine import writing_engine
from app.storage.writer import Writer
from benchmarks.crash import marking, plan
from benchmarks.crash.checking import check
from benchmarks.crash.clients import Acknowledged

NOW = 1_780_000_000_000


@pytest.fixture
def database(tmp_path: Path) -> Path:
    """A database with the tables of the service and nothing in it."""
    path = tmp_path / "clawtrail.db"
    engine = writing_engine(path)
    migrating.upgrade(engine)
    engine.dispose()
    return path


@pytest.fixture
def marks(tmp_path: Path) -> Path:
    """The folder where commands leave their marks."""
    folder = tmp_path / "marks"
    folder.mkdir()
    return folder


def run_task(database: Path) -> str:
    """Take one task from submit to its result by the service's own acts; return its id."""
    task_id = TaskIds()()
    engine = writing_engine(database)
    writer = Writer(engine, committed=lambda _events: None, failed=lambda: None)
    order = submitting.Order(id=task_id, kind="command", payload='{"argv":["true"]}', timeout_ms=1000)
    writer.perform(lambda conn: submitting.submit(conn, [order], actor="client:ada", now=NOW))
    wim = claiming.Worker("wim", ("command",))
    claims = writer.perform(lambda conn: claiming.claim(conn, worker=wim, free=1, now=NOW))
    lease, by = claims[0].lease, attempts.Reporter("worker:wim", "wim")
    writer.perform(lambda conn: reporting.start(conn, lease, by=by, now=NOW))
    done = Outcome(0, "exit", None, 1, None, 0, 0, truncated=False)
    writer.perform(lambda conn: finishing.result(conn, lease, done, by=by, now=NOW))
    writer.farewell(lambda _conn: None)
    engine.dispose()
    return task_id


def told_of(**tasks: str) -> Acknowledged:
    """What clients were told, as if all these commands were mutating."""
    return Acknowledged(tasks=dict(tasks), effects=dict.fromkeys(tasks, "mutating"))


def test_a_task_run_once_is_no_fault(database: Path, marks: Path) -> None:
    """A task that ran once and completed passes, and is counted."""
    told = told_of(ada=run_task(database))
    (marks / "ada.1").touch()

    verdict = check(database, marks, told)

    assert (verdict.faults, dict(verdict.states), verdict.runs) == ([], {"completed": 1}, 1)


def test_a_lost_task_is_noticed(database: Path, marks: Path) -> None:
    """An acknowledged task that the database does not hold is a fault."""
    assert "lost" in str(check(database, marks, told_of(ada="gone")).faults)


def test_a_second_run_is_noticed(database: Path, marks: Path) -> None:
    """Two marks of a task that was started once are a fault."""
    told = told_of(ada=run_task(database))
    (marks / "ada.1").touch()
    (marks / "ada.2").touch()

    assert "ran 2 times" in str(check(database, marks, told).faults)


def test_a_result_without_a_run_is_noticed(database: Path, marks: Path) -> None:
    """A completed task that left no mark is a fault."""
    assert "never ran" in str(check(database, marks, told_of(ada=run_task(database))).faults)


def test_an_altered_record_is_noticed(database: Path, marks: Path) -> None:
    """A changed event, even behind the back of the triggers, is a fault."""
    told = told_of(ada=run_task(database))
    (marks / "ada.1").touch()
    with sqlite3.connect(database) as conn:
        conn.execute("DROP TRIGGER events_no_update")
        conn.execute("UPDATE events SET actor = 'client:ben' WHERE seq = 0")
    conn.close()

    assert "record: event 0" in str(check(database, marks, told).faults)


def test_each_run_of_a_command_leaves_a_mark_of_its_own(marks: Path) -> None:
    """A command that is run twice is counted twice."""
    for _ in range(2):
        subprocess.run(marking.command(marks, "ada", 0), check=True)

    assert marking.count(marks) == {"ada": 2}


def test_the_same_seed_kills_alike() -> None:
    """A plan is repeated by its seed, and another seed gives another one."""
    assert plan.draw(50, 1) == plan.draw(50, 1) != plan.draw(50, 2)
