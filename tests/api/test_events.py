"""GET /events, /events/stats and /tasks/:id/events: the record over HTTP."""

from __future__ import annotations

import pytest

from tests.support import cast
from tests.support.asking import submit
from tests.support.machine import Machine
from tests.support.service import NOON, Caller, RunningService


def test_the_life_of_a_task_stands_on_the_record(ada: Caller, wim: Machine) -> None:
    """Its events come oldest first, numbered, each with its actor."""
    task_id = submit(ada)
    wim.run()
    events = ada.get(f"/tasks/{task_id}/events").get_json()["events"]
    assert [(event["type"], event["actor"], event["attempt"]) for event in events] == [
        ("task.submitted", "client:ada", None),
        ("task.claimed", "worker:wim", 1),
        ("task.started", "worker:wim", 1),
        ("task.completed", "worker:wim", 1),
    ]
    numbers = [event["seq"] for event in events]
    assert numbers == sorted(numbers)
    assert all(event["id"] == event["seq"] and event["at"] == NOON for event in events)


def test_old_programs_find_their_fields(ada: Caller) -> None:
    """Each event of the list has all the fields that old programs look for."""
    task_id = submit(ada, sessionId="s-1")
    (event,) = ada.get(f"/events?taskId={task_id}").get_json()["events"]
    expected = {
        "type": "task.submitted",
        "createdAt": NOON,
        "taskId": task_id,
        "taskType": "command",
        "taskStatus": "pending",
        "sessionId": "s-1",
        "origin": None,
        "dispatchMode": None,
        "responseMode": None,
        "entrypoint": None,
    }
    assert {key: event[key] for key in expected} == expected
    assert event["details"]["kind"] == "command"


def test_the_newest_come_first_and_pages_follow(ada: Caller) -> None:
    """With the cursor every event down to the first, number 0, comes once."""
    for _ in range(5):
        submit(ada)
    seen: list[int] = []
    cursor = ""
    while True:
        page = ada.get(f"/events?limit=4{cursor}").get_json()
        seen += [event["seq"] for event in page["events"]]
        if page["nextCursor"] is None:
            break
        cursor = f"&cursor={page['nextCursor']}"
    assert seen == list(range(seen[0], -1, -1))


def test_types_narrow_the_list(ada: Caller, wim: Machine) -> None:
    """A type shows only its events; one that does not exist shows none."""
    submit(ada)
    wim.run()
    types = {event["type"] for event in ada.get("/events?type=task.started").get_json()["events"]}
    assert types == {"task.started"}
    assert ada.get("/events?type=task.flown").get_json()["events"] == []


@pytest.mark.parametrize(
    "query", ["limit=0", "limit=501", "limit=x", "cursor=-1", "cursor=x", f"cursor={2**53}"]
)
def test_a_bad_page_is_refused(house: RunningService, query: str) -> None:
    """Limits are 1 to 500, cursors are numbers of events."""
    response = house.as_(cast.ODO).get(f"/events?{query}")
    assert (response.status_code, response.get_json()["code"]) == (400, "invalid_request")


def test_statistics_count_by_type(service: RunningService, ada: Caller, wim: Machine) -> None:
    """The numbers add up to the record."""
    submit(ada)
    wim.run()
    told = ada.get("/events/stats").get_json()
    assert told["byType"]["task.completed"] == 1
    assert told["total"] == sum(told["byType"].values()) == service.count_events()


def test_the_record_never_holds_a_payload(ada: Caller) -> None:
    """Commands may be secret or large: the record has their digest only."""
    task_id = submit(ada, "echo top-secret-word")
    assert "top-secret-word" not in ada.get(f"/tasks/{task_id}/events").text
