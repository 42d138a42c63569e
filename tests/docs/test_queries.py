"""Every question of docs/queries.md has the answer that it promises, on a service that runs."""

from __future__ import annotations

import json
import re
import subprocess
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import pytest

from tests.support.processes import REPOSITORY
from tests.support.varied_past import Past, lived_through

Rows = list[dict[str, Any]]
DOCUMENT = (REPOSITORY / "docs" / "queries.md").read_text(encoding="utf-8")
_SECTION = re.compile(
    r"^## ([^\n]+\?)\n\n```sql (ask|scan)\n(.*?)^```\n\n(.*?)(?=^## |\Z)", re.MULTILINE | re.DOTALL
)
_TASK = "01a20609-e085-7000-b7af-b722b73087be"
_READS_ALL = "This reads the whole record"
# Walks that end at the LIMIT, or that go through an index of few: what is refused, pending or held.
_WALK = re.compile(r"SCAN (e|t|o|v|events|tasks|outcomes|output)\b|SEARCH e .*\(rowid<\?\)")
_FEW = ("events_refused", "tasks_claimable", "tasks_held", "tasks_leased", "tasks_expiring", "tasks_delayed")


@dataclass(frozen=True)
class Question:
    """One section of the document."""

    title: str
    mark: str
    sql: str
    prose: str


QUESTIONS = {found[0]: Question(*found) for found in _SECTION.findall(DOCUMENT)}


@pytest.fixture(scope="module")
def past(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Past]:
    """A service that has seen everything and still runs."""
    with lived_through(tmp_path_factory.mktemp("past")) as past:
        yield past


def shell(past: Past, *words: str) -> str:
    """Run the ``sqlite3`` program on the database of the running service and return what it prints."""
    done = subprocess.run(
        ["sqlite3", "-readonly", "-batch", "-bail", *words[:-1], str(past.database), words[-1]],
        capture_output=True,
        text=True,
        timeout=30,
        check=False,
    )
    assert (done.returncode, done.stderr) == (0, ""), words[-1]
    return done.stdout


def ask(past: Past, sql: str) -> Rows:
    """Return the rows of a query."""
    answer = shell(past, "-json", sql)
    rows: Rows = json.loads(answer) if answer else []
    return rows


def fitted(past: Past, sql: str) -> str:
    """Put this past's own day, folder and ids in the places where the document has made-up ones."""
    [days] = ask(past, "SELECT min(day) AS first, date(max(day), '+1 day') AS after FROM days")
    words = {
        "date('now', '-1 day')": f"'{days['first']}'",
        "date('now')": f"'{days['after']}'",
        "'2026-11-24'": f"'{days['first']}'",
        "2026-11-24T15:00": f"{days['first']}T00:00",
        "2026-11-24T16:00": days["after"],
        "/home/ada/notes": str(past.notes),
        _TASK: past.ids["hello"],
    }
    pattern = re.compile("|".join(re.escape(word) for word in words))
    return pattern.sub(lambda found: words[found[0]], sql)


def only(rows: Rows, **wanted: object) -> dict[str, Any]:
    """Return the one row with these values."""
    found = [row for row in rows if all(row[name] == value for name, value in wanted.items())]
    assert len(found) == 1, (wanted, rows)
    return found[0]


def tasks_of(rows: Rows) -> set[str]:
    """Return the ids of tasks in the rows."""
    return {row["task"] for row in rows}


def ids(past: Past, *names: str) -> set[str]:
    """Return the ids of the tasks that the past knows by these names."""
    return {past.ids[name] for name in names}


FACTS: dict[str, Callable[[Rows, Past], bool]] = {
    "What has happened last?": lambda rows, past: (
        len(rows) == 20
        and (rows[0]["type"], rows[0]["what"]) == ("task.started", "echo now; sleep 600")
        and rows[0]["to_state"] == "running"
    ),
    "What ran on this machine yesterday, and who asked?": lambda rows, past: (
        only(rows, what="echo hello")
        == {
            "time": rows[0]["time"],
            "submitted_by": "client:ada",
            "on_behalf_of": "grandmother",
            "what": "echo hello",
            "state": "completed",
            "exit_code": 0,
        }
        and only(rows, what="ls /nowhere/at/all")["exit_code"] == 2
        and "echo late" not in {row["what"] for row in rows}
    ),
    "What ran between two instants?": lambda rows, past: (
        tasks_of(rows) == set(past.ids.values()) - ids(past, "expired", "withdrawn", "waits", "refused")
        and [row["attempt"] for row in rows if row["task"] == past.ids["twice"]] == [1, 2]
    ),
    "What touched this path?": lambda rows, past: (
        tasks_of(rows) == ids(past, "write", "edit", "read", "touch", "flaky", "rerun", "twice", "unknown")
        and only(rows, kind="file-edit")["what"] == f"{past.notes}/todo.txt"
    ),
    "Which tasks of the bot failed this week?": lambda rows, past: (
        [row["task"] for row in rows] == [past.ids["flaky"], past.ids["fails"]]
        and (rows[1]["exit_code"], rows[1]["reason"]) == (2, "exit")
    ),
    "Which tasks waited longest this week?": lambda rows, past: (
        len(rows) == 10
        and rows == sorted(rows, key=lambda row: -row["waited_s"])
        and only(rows, task=past.ids["waits"])["state"] == "pending"
    ),
    "What did the policy refuse?": lambda rows, past: (
        [(row["what"], row["why"], row["submitted_by"], row["actor"]) for row in rows]
        == [("rm -rf /", "deny: seat belt", "client:ada", "worker:wes")]
    ),
    "Who was denied access?": lambda rows, past: (
        only(rows, actor="token:wes")["asked_for"] == "POST /tasks"
        and only(rows, actor="address:127.0.0.1")["times"] >= 1
    ),
    "Which tasks may have run twice?": lambda rows, past: (
        [(row["task"], row["attempt"], row["state"]) for row in rows] == [(past.ids["twice"], 2, "completed")]
    ),
    "Of which tasks does nobody know the end?": lambda rows, past: (
        tasks_of(rows) == ids(past, "unknown") and rows[0]["worker"] == "macbook/wim"
    ),
    "What came too late?": lambda rows, past: (
        [(row["task"], row["exit_code"], row["error"]) for row in rows]
        == [(past.ids["late"], 4, "from another life")]
    ),
    "Which worker did how much this week?": lambda rows, past: (
        only(rows, worker="macbook/wim")["tasks"] == 16
        and only(rows, worker="macbook/wim")["failed"] == 3
        and (only(rows, worker="wes")["tasks"], only(rows, worker="wes")["completed"]) == (1, 1)
    ),
    "Which hours are the busiest?": lambda rows, past: (
        sum(row["started"] for row in rows) == 18 and all(re.fullmatch(r"\d\d", row["hour"]) for row in rows)
    ),
    "Which commands are run most?": lambda rows, past: (
        rows[0]["what"].startswith("test -e ")
        and (rows[0]["times"], rows[0]["failed"]) == (2, 1)
        and only(rows, what="printf %s one two")["times"] == 1
    ),
    "Which tasks wrote the most?": lambda rows, past: (
        (rows[0]["task"], rows[0]["bytes"]) == (past.ids["large"], 200_000)
    ),
    "What did this token do before it was revoked?": lambda rows, past: (
        [(row["type"], row["what"], row["task"]) for row in rows]
        == [("task.submitted", "echo rex was here", past.ids["rex"])]
    ),
    "What is the whole story of one task?": lambda rows, past: (
        [(row["type"], row["from_state"], row["to_state"]) for row in rows]
        == [
            ("task.submitted", None, "pending"),
            ("task.claimed", "pending", "claimed"),
            ("task.started", "claimed", "running"),
            ("task.completed", "running", "completed"),
        ]
        and rows[-1]["exit_code"] == 0
    ),
    "What did a task print?": lambda rows, past: (
        rows == [{"attempt": 1, "stream": "stdout", "offset": 0, "text": "hello\n"}]
    ),
    "What waits now?": lambda rows, past: (
        [(row["task"], row["labels"]) for row in rows] == [(past.ids["waits"], '["who=nobody"]')]
    ),
    "What runs now?": lambda rows, past: (
        [(row["task"], row["state"], row["worker"]) for row in rows]
        == [(past.ids["running"], "running", "macbook/wim")]
    ),
    "Which tasks were never claimed?": lambda rows, past: (
        {(row["task"], row["state"], row["reason"]) for row in rows}
        == {
            (past.ids["expired"], "expired", None),
            (past.ids["withdrawn"], "cancelled", "changed my mind"),
        }
    ),
    "What was cancelled, and by whom?": lambda rows, past: (
        [(row["task"], row["type"], row["actor"], row["from_state"]) for row in rows]
        == [
            (past.ids["withdrawn"], "task.cancelled", "client:discord-bot", "pending"),
            (past.ids["stopped"], "task.cancelled", "worker:macbook/wim", "running"),
            (past.ids["stopped"], "cancel.requested", "client:discord-bot", None),
        ]
        and rows[2]["reason"] == "no bread needed"
    ),
    "By which rules did things run?": lambda rows, past: (
        [(row["rule"], row["starts"], row["approved"]) for row in rows]
        == [("shell", 13, 0), ("default", 4, 0), (None, 1, 0)]
    ),
    "What was run again, and did it help?": lambda rows, past: (
        [(row["task"], row["before"], row["after"]) for row in rows]
        == [(past.ids["rerun"], "failed", "completed")]
    ),
    "Who asked on behalf of whom?": lambda rows, past: (
        {(row["submitted_by"], row["on_behalf_of"], row["tasks"]) for row in rows}
        == {("client:ada", "grandmother", 1), ("client:discord-bot", "tom", 1)}
    ),
    "Who uses it, and how does it end for them?": lambda rows, past: (
        only(rows, actor="client:discord-bot")["submitted"] == 7
        and only(rows, actor="client:discord-bot")["failed"] == 2
        and only(rows, actor="client:ada")["unfinished"] == 2
        and only(rows, actor="worker:macbook/wim")["ran"] == 16
    ),
    "What did each day see?": lambda rows, past: (
        sum(row["submitted"] for row in rows) == len(past.ids)
        and sum(row["unknown"] for row in rows) == sum(row["expired"] for row in rows) == 1
        and sum(row["denied"] for row in rows) >= 2
    ),
    "How much does it grow in a day?": lambda rows, past: (
        sum(row["tasks"] for row in rows) == len(past.ids)
        and sum(row["output_bytes"] for row in rows) > 200_000
        and all(row["payload_characters"] > 0 for row in rows)
    ),
    "When was the server started, and did it crash?": lambda rows, past: (
        [(row["type"], row["crashed"]) for row in rows] == [("server.started", None), ("server.started", 1)]
    ),
}


def test_every_question_has_its_facts() -> None:
    """There are at least fifteen questions, each in the form that is tested, each with its facts here."""
    assert set(QUESTIONS) == set(FACTS)
    assert len(QUESTIONS) == DOCUMENT.count("```sql") >= 15


@pytest.mark.parametrize("title", FACTS)
def test_the_answer_is_as_promised(past: Past, title: str) -> None:
    """Asked with the sqlite3 program while the service runs, the question gets the answer of this past."""
    rows = ask(past, fitted(past, QUESTIONS[title].sql))
    assert FACTS[title](rows, past), rows


@pytest.mark.parametrize("title", FACTS)
def test_questions_that_need_not_read_everything_do_not(past: Past, title: str) -> None:
    """A question walks through no table unless it says so, or its walk ends at the LIMIT without sorting."""
    question = QUESTIONS[title]
    plan = shell(past, f"EXPLAIN QUERY PLAN {question.sql}").splitlines()
    walks = [line for line in plan if _WALK.search(line)]
    walks = [line for line in walks if not any(f"INDEX {few}" in line for few in _FEW)]
    ends_early = "LIMIT" in question.sql and "WHERE" not in question.sql
    sorts = any("TEMP B-TREE" in line for line in plan)
    reads_all = bool(walks) and not (ends_early and not sorts)
    assert reads_all == (question.mark == "scan") == (_READS_ALL in question.prose), plan


def test_the_views_are_told_with_their_columns(past: Past) -> None:
    """The table of views names each view, and the columns of those that are asked line by line."""
    told = dict(re.findall(r"^\| `(\w+)` \| [^:|]+: `([\w, ]+)`", DOCUMENT, re.MULTILINE))
    for view, columns in told.items():
        there = [row["name"] for row in ask(past, f"SELECT name FROM pragma_table_info('{view}')")]
        assert columns.split(", ") == there
    views = {row["name"] for row in ask(past, "SELECT name FROM sqlite_schema WHERE type = 'view'")}
    assert views == set(re.findall(r"^\| `(\w+)` \|", DOCUMENT, re.MULTILINE))
    assert set(told) >= {"history", "task_list", "refusals", "days"}


def test_asking_does_not_stop_the_service(past: Past) -> None:
    """While somebody reads, tasks are taken in and run as before."""
    with subprocess.Popen(
        ["sqlite3", "-readonly", "-batch", str(past.database)], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as reading:
        assert reading.stdin is not None
        assert reading.stdout is not None
        reading.stdin.write(b"BEGIN;\nSELECT count(*) FROM history;\n")
        reading.stdin.flush()
        before = reading.stdout.readline()
        with past.server.client() as client:
            assert client.run("echo meanwhile").stdout == "meanwhile\n"
        reading.stdin.write(b"SELECT count(*) FROM history;\nCOMMIT;\nSELECT count(*) FROM history;\n")
        reading.stdin.close()
        meanwhile, after = reading.stdout.readlines()
    assert int(before) == int(meanwhile) == int(after) - 4
