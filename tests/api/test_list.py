"""GET /tasks: filters, and pages by a cursor; GET /tasks/stats."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests.support import cast
from tests.support.asking import submit
from tests.support.machine import Machine, result
from tests.support.service import NOON, Caller, RunningService


def listed(caller: Caller, **query: object) -> list[str]:
    """Return the ids of the listed tasks."""
    response = caller.get("/tasks", query_string=query)
    assert response.status_code == 200, response.text
    return [task["taskId"] for task in response.get_json()["tasks"]]


def test_a_summary_tells_what_a_task_is_about(service: RunningService, ada: Caller, wim: Machine) -> None:
    """Each line has what a list needs, in exactly these fields."""
    task_id = submit(ada, "make\ntest", tags=["t"])
    service.clock.move(100)
    claimed = wim.start()
    service.clock.move(2000)
    wim.report(result(claimed, 2, durationMs=1990))
    (told,) = ada.get("/tasks").get_json()["tasks"]
    assert told == {
        "taskId": task_id,
        "kind": "command",
        "state": "failed",
        "status": "failed",
        "reason": "exit",
        "summary": "make test",
        "actor": "client:ada",
        "worker": "wim",
        "attempt": 1,
        "exitCode": 2,
        "createdAt": NOON,
        "startedAt": NOON + 100,
        "finishedAt": NOON + 2100,
        "durationMs": 1990,
        "tags": ["t"],
    }


def test_filters_narrow_the_list(service: RunningService, ada: Caller, ben: Caller, wim: Machine) -> None:
    """Each filter shows the tasks that pass it, the newest first."""
    done = submit(ada, "echo 100%_sure", tags=["nightly", 'a "quoted" tag'])
    wim.run()
    service.clock.move(1000)
    held = submit(ben, 'say "hello" \\ é')
    wim.claim()
    service.clock.move(1000)
    read = ada.post("/files/read", {"path": "/srv/Notes.txt"}).get_json()["taskId"]
    assert listed(ada) == [read, held, done]
    cases: list[tuple[dict[str, object], list[str]]] = [
        ({"state": "completed"}, [done]),
        ({"state": "pending,claimed"}, [read, held]),
        ({"state": " pending , completed "}, [read, done]),
        ({"state": ["pending", "completed"]}, [read, done]),
        ({"state": "running"}, []),
        ({"kind": "file-read"}, [read]),
        ({"actor": "client:ben"}, [held]),
        ({"worker": "wim"}, [held, done]),
        ({"q": "100%_sure"}, [done]),
        ({"q": "100%sure"}, []),
        ({"q": 'say "hello"'}, [held]),
        ({"q": "\\ é"}, [held]),
        ({"q": "Notes"}, [read]),
        ({"tag": "nightly"}, [done]),
        ({"tag": "night"}, []),
        ({"tag": 'a "quoted" tag'}, [done]),
        ({"since": NOON + 1000}, [read, held]),
        ({"until": NOON + 1000}, [done]),
        ({"since": NOON + 1, "until": NOON + 2000}, [held]),
        ({"actor": "client:ada", "state": "pending"}, [read]),
        ({"limit": 2}, [read, held]),
    ]
    for query, ids in cases:
        assert listed(ada, **query) == ids, query


def test_a_cursor_walks_through_all(ada: Caller) -> None:
    """Page after page every task comes once, also while new ones arrive."""
    ids = [submit(ada) for _ in range(7)]
    seen: list[str] = []
    cursor: str | None = None
    while True:
        query: dict[str, Any] = {"limit": 3} if cursor is None else {"limit": 3, "cursor": cursor}
        page = ada.get("/tasks", query_string=query).get_json()
        seen += [task["taskId"] for task in page["tasks"]]
        submit(ada)
        cursor = page["nextCursor"]
        if cursor is None:
            break
    assert seen == ids[::-1]


BAD = [
    {"state": "done"},
    {"state": "pending;running"},
    {"limit": 0},
    {"limit": 501},
    {"limit": "many"},
    {"since": -1},
    {"since": "yesterday"},
    {"until": 2**53},
    {"until": "9" * 400},
    {"cursor": "x"},
    {"cursor": "'; DROP TABLE tasks; --"},
    {"q": "x" * 201},
    {"q": "a\0b"},
    {"kind": ["a"] * 300},
    {"color": "green"},
]


@pytest.mark.parametrize("query", BAD, ids=lambda query: json.dumps(query)[:40])
def test_a_filter_that_makes_no_sense_is_refused(house: RunningService, query: dict[str, object]) -> None:
    """It is 400 with a sentence that names the filter."""
    response = house.as_(cast.ADA).get("/tasks", query_string=query)
    assert (response.status_code, response.get_json()["code"]) == (400, "invalid_request")
    assert response.get_json()["error"]


def test_statistics_count_by_state(ada: Caller, wim: Machine) -> None:
    """The numbers have the shape that old clients know, and their path wins over a task's."""
    for _ in range(3):
        submit(ada)
    wim.run()
    wim.claim()
    assert ada.get("/tasks/stats").get_json() == {
        "queue": {
            "total": 3,
            "byStatus": {"completed": 1, "claimed": 1, "pending": 1},
            "unconsumedResults": 0,
        },
    }
