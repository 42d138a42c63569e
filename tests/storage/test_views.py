"""The views: what the record says in columns that people can read, for whoever has ``sqlite3``."""

from __future__ import annotations

import subprocess
from collections.abc import Sequence
from typing import Any

import pytest
from sqlalchemy import inspect, text

from app.domain.event_types import EventType
from app.domain.states import TRANSITIONS
from app.services import record
from app.services.outcomes import Outcome
from app.storage import migrating
from tests.support import acts
from tests.support.cast import DAY_MS
from tests.support.database import BEGINNING, Database

VIEWS = {"history", "task_list", "by_actor", "by_day", "refusals", "days"}


def ask(db: Database, query: str) -> list[dict[str, Any]]:
    """Return the rows of *query*, as the service's own SQLite gives them."""
    return [dict(row) for row in db.read(lambda conn: conn.execute(text(query)).mappings().all())]


def plan(db: Database, query: str) -> Sequence[str]:
    """Return how the ``sqlite3`` program, which is older than our SQLite, would run *query*."""
    done = subprocess.run(
        ["sqlite3", "-readonly", "-batch", str(db.path), f"EXPLAIN QUERY PLAN {query}"],
        capture_output=True,
        text=True,
        check=True,
    )
    return done.stdout.splitlines()


def append(db: Database, type_: EventType, **given: Any) -> None:  # noqa: ANN401 - fields of an event
    """Put one event on the record."""
    db.write(lambda conn: record.append(conn, type_, at=db.now, **{"actor": "worker:wim", **given}))


@pytest.mark.parametrize("transition", sorted(TRANSITIONS), ids="-".join)
def test_history_tells_every_change_of_state(db: Database, transition: tuple[str, str, EventType]) -> None:
    """For each way that a task can go, the line has the state before and the one after."""
    before, after, type_ = transition
    usual = before in ("running", "pending") and type_ is not EventType.TASK_CANCELLED
    append(db, type_, from_state=None if usual or before == "running" else before)
    [line] = ask(db, "SELECT from_state, to_state FROM history WHERE seq = (SELECT max(seq) FROM events)")
    assert (line["from_state"], line["to_state"]) == (before, after)


def test_history_leaves_states_open_where_none_changes(db: Database) -> None:
    """An event that moves no task shows none, and a new task has only the state that it begins in."""
    acts.submit(db)
    moving = {type_ for _, _, type_ in TRANSITIONS} | {EventType.TASK_SUBMITTED}
    for type_ in set(EventType) - moving:
        append(db, type_)
    lines = ask(db, "SELECT type, from_state, to_state FROM history ORDER BY seq")
    assert lines[0] == {"type": "task.submitted", "from_state": None, "to_state": "pending"}
    assert {(line["from_state"], line["to_state"]) for line in lines[1:]} == {(None, None)}


@pytest.mark.parametrize(
    ("kind", "payload", "what"),
    [
        ("command", '{"command":"echo a\\r\\nb"}', "echo a  b"),
        ("command", '{"argv":["git","log","-1"]}', "git log -1"),
        ("command", '{"command":"\\u001b]0;x\\u0007\\u009b31m"}', "^[]0;x\x07^[31m"),
        ("command", f'{{"command":"{"é" * 300}"}}', "é" * 200),
        ("file-write", '{"path":"/a b","content":"command"}', "/a b"),
        ("claude-cli", '{"prompt":"say hi"}', "say hi"),
        ("measure", '{"of":"length"}', '{"of":"length"}'),
        ("command", None, "(redacted)"),
    ],
)
def test_what_a_task_does_is_one_line(db: Database, kind: str, payload: str | None, what: str) -> None:
    """Each kind is told in one line of at most 200 characters that steers no terminal."""
    task_id = acts.submit(db, kind, payload=payload or '{"command":"secret"}')
    if payload is None:
        db.write(lambda conn: conn.exec_driver_sql("UPDATE tasks SET payload = NULL, payload_salt = NULL"))
    for query in ("SELECT task, what FROM history", "SELECT task, what FROM task_list"):
        assert ask(db, query) == [{"task": task_id, "what": what}]


def test_a_line_without_a_task_says_what_it_is_about(db: Database) -> None:
    """Denied accesses show the request, tokens and workers their names."""
    append(db, EventType.ACCESS_DENIED, method="GET", path="/tasks", status=401)
    append(db, EventType.TOKEN_CREATED, name="ada", role="client")
    append(db, EventType.WORKER_DRAINED, worker="wim/1")
    whats = [line["what"] for line in ask(db, "SELECT what FROM history ORDER BY seq")]
    assert whats == ["GET /tasks", "ada", "wim/1"]


def test_times_are_utc_to_the_millisecond(db: Database) -> None:
    """Every instant is ISO 8601 with milliseconds and a Z, every duration seconds."""
    acts.submit(db, on_behalf_of="grandmother")
    db.pass_time(1_501)
    claimed = acts.started(db)
    db.pass_time(2_034)
    acts.result(db, claimed, acts.BROKEN)
    [task] = ask(db, "SELECT * FROM task_list")
    assert (task["created"], task["started"]) == ("2027-01-15T08:00:00.000Z", "2027-01-15T08:00:01.501Z")
    assert (task["finished"], task["waited_s"], task["ran_s"]) == ("2027-01-15T08:00:03.535Z", 1.501, 2.034)
    assert (task["submitted_by"], task["on_behalf_of"], task["worker"]) == (acts.ADA, "grandmother", "wim")
    assert (task["state"], task["exit_code"], task["error"]) == ("failed", 1, "it broke")
    assert ask(db, "SELECT max(time) AS last FROM history") == [{"last": "2027-01-15T08:00:03.535Z"}]


def test_refusals_have_one_line_each(db: Database) -> None:
    """Denied accesses, late outcomes and what the policy refused are told once, with the reason."""
    append(db, EventType.ACCESS_DENIED, actor="address:::1", method="GET", path="/x", status=403)
    acts.submit(db, payload='{"command":"rm -rf /"}')
    acts.submit(db, payload='{"command":"reboot"}')
    [denied, failed] = acts.claim(db, free=2)
    acts.judge(db, denied, "deny", rule="seat belt")
    refused = Outcome(126, "policy", "Refused by policy: no reboot", 0, None, 0, 0, truncated=False)
    acts.result(db, failed, refused)
    acts.submit(db)
    late = acts.started(db)
    append(db, EventType.OUTCOME_REFUSED, task_id=late.task_id, attempt=1, exit_code=0)
    acts.submit(db, payload='{"command":"sudo true"}')
    acts.decide(db, acts.asked(db)[1], yes=False, comment="not today")
    lines = ask(db, "SELECT refused, what, why, actor, submitted_by FROM refusals ORDER BY seq")
    assert [tuple(line.values()) for line in lines] == [
        ("access", "GET /x", "status 403", "address:::1", None),
        ("task", "rm -rf /", "deny: seat belt", "worker:wim", acts.ADA),
        ("task", "reboot", "Refused by policy: no reboot", "worker:wim", acts.ADA),
        ("outcome", "true", "the lease was over", "worker:wim", acts.ADA),
        ("task", "sudo true", "denied: not today", "approver:ann", acts.ADA),
    ]


def test_what_was_allowed_or_only_failed_is_no_refusal(db: Database) -> None:
    """A verdict that allows and a run that fails by itself are not among the refusals."""
    acts.submit(db)
    [claimed] = acts.claim(db)
    acts.judge(db, claimed, "allow", rule="all")
    acts.start(db, claimed)
    acts.result(db, claimed, acts.BROKEN)
    assert ask(db, "SELECT * FROM refusals") == []


def test_sums_by_actor_and_by_day(db: Database) -> None:
    """Who asked, who worked and what each day saw add up to what happened."""
    for actor in (acts.ADA, acts.ADA, acts.BEN):
        acts.submit(db, actor=actor)
    claimed = acts.started(db)
    db.pass_time(1500)
    acts.result(db, claimed)
    db.pass_time(DAY_MS)
    acts.result(db, acts.started(db), acts.BROKEN)
    actors = {line["actor"]: line for line in ask(db, "SELECT * FROM by_actor")}
    assert set(actors) == {acts.ADA, acts.BEN, "worker:wim"}
    ada, wim = actors[acts.ADA], actors["worker:wim"]
    assert (ada["submitted"], ada["completed"], ada["failed"], ada["unfinished"]) == (2, 1, 1, 0)
    assert (actors[acts.BEN]["submitted"], actors[acts.BEN]["unfinished"]) == (1, 1)
    assert (wim["events"], wim["ran"], wim["ran_s"]) == (6, 2, 1.5)
    days = ask(db, "SELECT day, events, submitted, completed, failed FROM by_day ORDER BY day")
    assert [tuple(day.values()) for day in days] == [("2027-01-15", 6, 3, 1, 0), ("2027-01-16", 3, 0, 0, 1)]


def test_days_tell_where_a_day_begins(db: Database) -> None:
    """The first event of a day or later stands at its first_seq, on days without events too."""
    for hours in (1, 30, 0, 20, 60, 1):
        db.pass_time(hours * 3_600_000)
        acts.submit(db)
    days = {line["day"]: line["first_seq"] for line in ask(db, "SELECT * FROM days")}
    assert list(days) == [f"2027-01-{number}" for number in range(15, 21)]
    for day, first in days.items():
        [found] = ask(db, f"SELECT min(seq) AS seq FROM history WHERE time >= '{day}'")
        assert found["seq"] == first, day


def test_ids_follow_the_days(db: Database) -> None:
    """first_task parts the ids of the tasks made on that day or later from the ids made before it."""
    append(db, EventType.SERVER_STARTED)
    [day] = ask(db, "SELECT first_task FROM days")
    midnight = BEGINNING - BEGINNING % DAY_MS
    digits = f"{midnight:012x}"
    assert day["first_task"] == f"{digits[:8]}-{digits[8:]}"


def test_a_record_without_events_has_no_days(db: Database) -> None:
    """Every view of a new database is empty, and none is an error."""
    for view in VIEWS:
        assert ask(db, f"SELECT * FROM {view}") == []


@pytest.mark.parametrize(
    "query",
    [
        "SELECT * FROM history ORDER BY seq DESC LIMIT 50",
        "SELECT * FROM history WHERE task = 'x' ORDER BY seq",
        "SELECT * FROM history WHERE seq >= (SELECT first_seq FROM days WHERE day = '2027-01-16')",
        "SELECT * FROM task_list ORDER BY task DESC LIMIT 50",
        "SELECT * FROM task_list WHERE task = 'x'",
        "SELECT * FROM task_list WHERE task >= (SELECT first_task FROM days WHERE day = '2027-01-16')",
        "SELECT * FROM refusals ORDER BY seq DESC LIMIT 50",
    ],
)
def test_a_page_of_a_view_reads_no_more_than_it_shows(db: Database, query: str) -> None:
    """With a LIMIT, a task or a bound, the old SQLite too walks an index in order and sorts nothing."""
    acts.submit(db)
    lines = plan(db, query)
    assert not [line for line in lines if "TEMP B-TREE" in line or "AUTOMATIC" in line], lines
    walks = [line for line in lines if line[0] in "|`" and line[3:].startswith("SCAN ")]
    in_order = ("SCAN e", "SCAN e USING INDEX events_refused", "SCAN t USING INDEX sqlite_autoindex_tasks_1")
    bounded = "LIMIT" in query
    assert all(bounded and walk[3:] in in_order for walk in walks), lines


def test_going_back_drops_the_views(db: Database) -> None:
    """The migration that makes the views takes them away again and leaves the tables alone."""
    assert set(db.read(lambda conn: inspect(conn).get_view_names())) == VIEWS
    acts.submit(db)
    migrating.downgrade(db.writing, "0001")
    assert db.read(lambda conn: inspect(conn).get_view_names()) == []
    assert ask(db, "SELECT state FROM tasks") == [{"state": "pending"}]
    indexes = "SELECT name FROM sqlite_schema WHERE name = 'events_refused'"
    assert ask(db, indexes) == []
