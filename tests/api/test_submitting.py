"""POST /tasks without waiting."""

from __future__ import annotations

import re
from typing import Any

import pytest

from tests.support import cast
from tests.support.asking import submit
from tests.support.machine import Machine
from tests.support.service import NOON, Caller, RunningService


def detail(caller: Caller, task_id: str) -> dict[str, Any]:
    """Return what is known of a task."""
    return dict(caller.get(f"/tasks/{task_id}/detail").get_json()["task"])


def test_a_command_is_taken_as_old_clients_send_it(service: RunningService, ada: Caller) -> None:
    """The answer is 200 with id, message and status, and the task is on the record under Ada's name."""
    response = ada.post("/tasks", {"command": "uname -a"})
    assert response.status_code == 200
    told = response.get_json()
    assert set(told) == {"taskId", "message", "status"}
    assert told["status"] == "pending"
    assert re.fullmatch(r"[\w-]+", told["taskId"])
    (event,) = ada.get(f"/tasks/{told['taskId']}/events").get_json()["events"]
    assert (event["type"], event["actor"], event["at"]) == ("task.submitted", "client:ada", NOON)


def test_ids_sort_by_age(ada: Caller) -> None:
    """A later task has a greater id."""
    ids = [submit(ada) for _ in range(20)]
    assert ids == sorted(ids)


@pytest.mark.parametrize("body", [{}, {"command": ""}, {"command": None}, {"cmd": "ls"}], ids=str)
def test_without_a_command_it_says_the_words_that_old_clients_know(ada: Caller, body: object) -> None:
    """A body without a command is 400 with exactly the old sentence, and a code."""
    response = ada.post("/tasks", body)
    assert response.status_code == 400
    assert response.get_json() == {"error": "command is required", "code": "invalid_request"}


def test_unknown_fields_are_ignored(ada: Caller) -> None:
    """Fields that the old interface ignored are ignored still."""
    assert submit(ada, color="green", nested={"a": [1]})


def test_every_option_reaches_the_task_and_the_worker(ada: Caller, wim: Machine) -> None:
    """What a submitter may say of a task stands in its detail, and what the worker needs in the claim."""
    body = {
        "argv": ["git", "status"],
        "cwd": "/srv",
        "env": {"LANG": "C"},
        "stdin": "yes\n",
        "timeout": 5000,
        "effect": "read",
        "priority": 7,
        "labels": ["os=linux", "arch=arm"],
        "ttl": 60_000,
        "maxAttempts": 2,
        "notBefore": NOON - 1,
        "tags": ["nightly", 'a "quoted" one'],
        "onBehalfOf": "somebody",
        "sessionId": "s-1",
    }
    task_id = ada.post("/tasks", body).get_json()["taskId"]
    told = detail(ada, task_id)
    expected = {
        "payload": {key: body[key] for key in ("argv", "cwd", "env", "stdin")},
        "timeout": 5000,
        "effect": "read",
        "priority": 7,
        "labels": ["arch=arm", "os=linux"],
        "expiresAt": NOON + 60_000,
        "maxAttempts": 2,
        "notBefore": NOON - 1,
        "tags": ["nightly", 'a "quoted" one'],
        "onBehalfOf": "somebody",
        "sessionKey": "command:s-1",
        "summary": "git status",
        "actor": "client:ada",
    }
    assert {key: told[key] for key in expected} == expected
    wim.labels = ("os=linux", "arch=arm", "disk=big")
    claimed = wim.claim()
    assert claimed["payload"] == expected["payload"]
    assert (claimed["timeout"], claimed["submittedBy"]) == (5000, "client:ada")
    assert claimed["sessionKey"] == "command:s-1"


@pytest.mark.parametrize(
    ("asked", "kept"),
    [
        ("1", 1000),
        ("-5", 1000),
        ("0", 1000),
        ("1500.7", 1500),
        ('"5000"', 5000),
        ("9007199254740991", 86_400_000),
        (f'"{"9" * 90}"', 86_400_000),
        ("1e300", 86_400_000),
    ],
)
def test_absurd_timeouts_are_brought_into_bounds(house: RunningService, asked: str, kept: int) -> None:
    """A timeout is kept between one second and one day, whatever was asked for."""
    ada = house.as_(cast.ADA)
    body = f'{{"command": "true", "timeout": {asked}}}'
    response = ada.send("POST", "/tasks", data=body, content_type="application/json")
    assert detail(ada, response.get_json()["taskId"])["timeout"] == kept


def test_the_default_timeout_is_thirty_seconds(ada: Caller) -> None:
    """Without a timeout a task has 30 seconds, as ever."""
    assert detail(ada, submit(ada))["timeout"] == 30_000


def test_another_kind_carries_its_payload(ada: Caller, wim: Machine) -> None:
    """A task of a custom kind reaches a worker of that kind with the payload as it was."""
    payload = {"prompt": "hello", "deep": {"list": [1, 2.5, None, "é"]}}
    response = ada.post("/tasks", {"kind": "house-made", "payload": payload})
    assert response.status_code == 200
    assert wim.sync(free=1)["tasks"] == []
    wim.kinds = ("house-made",)
    assert wim.claim()["payload"] == payload


BAD = {
    "both command and argv": {"command": "ls", "argv": ["ls"]},
    "no argv": {"argv": []},
    "an empty program": {"argv": ["", "x"]},
    "argv of numbers": {"argv": [1]},
    "a number as command": {"command": 5},
    "a list as command": {"command": ["ls"]},
    "a bad kind": {"kind": "Command!", "command": "ls"},
    "a file kind": {"kind": "file-read", "payload": {"path": "/etc/hosts"}},
    "an agent's kind": {"kind": "claude-cli", "payload": {"prompt": "x"}},
    "an unknown effect": {"command": "ls", "effect": "harmless"},
    "a high priority": {"command": "ls", "priority": 101},
    "a true priority": {"command": "ls", "priority": True},
    "a bad label": {"command": "ls", "labels": ["linux"]},
    "too many labels": {"command": "ls", "labels": ["a=b"] * 33},
    "no time to live": {"command": "ls", "ttl": 0},
    "no attempts": {"command": "ls", "maxAttempts": 0},
    "an instant before time": {"command": "ls", "notBefore": -1},
    "a text as tags": {"command": "ls", "tags": "nightly"},
    "a long tag": {"command": "ls", "tags": ["x" * 201]},
    "a name with an equals sign": {"command": "ls", "env": {"A=B": "c"}},
    "no name": {"command": "ls", "env": {"": "c"}},
    "numbers in env": {"command": "ls", "env": {"A": 1}},
    "an empty session": {"command": "ls", "sessionId": ""},
    "a long session": {"command": "ls", "sessionId": "x" * 201},
    "a text as timeout": {"command": "ls", "timeout": "soon"},
    "no timeout": {"command": "ls", "timeout": None},
    "a true timeout": {"command": "ls", "timeout": True},
}


@pytest.mark.parametrize("body", BAD.values(), ids=BAD)
def test_what_makes_no_sense_is_refused(house: RunningService, body: object) -> None:
    """A request that cannot be meant is 400 with a sentence and a code, and leaves no trace."""
    before = house.count_events()
    response = house.as_(cast.ADA).post("/tasks", body)
    assert response.status_code == 400, response.text
    assert response.get_json()["code"] == "invalid_request"
    assert len(response.get_json()["error"]) > 5
    assert house.count_events() == before


def test_a_session_id_may_be_any_text_of_200_characters(ada: Caller) -> None:
    """Session ids are arbitrary strings, as old clients make them."""
    assert detail(ada, submit(ada, sessionId="é:/ \t" * 40))["sessionKey"] == "command:" + "é:/ \t" * 40


def test_not_before_holds_a_task_back(service: RunningService, ada: Caller, wim: Machine) -> None:
    """A task with ``notBefore`` is claimed when that instant has come, and not earlier."""
    submit(ada, notBefore=NOON + 1000)
    assert wim.sync(free=1)["tasks"] == []
    service.pass_time(1000)
    assert wim.claim()


def test_a_parked_worker_gets_what_has_become_due(service: RunningService, ada: Caller, wim: Machine) -> None:
    """The janitor wakes a parked worker when a task's ``notBefore`` comes."""
    task_id = submit(ada, notBefore=NOON + 1000)
    parked = service.parked(lambda: wim.sync(free=1, wait=10_000), workers=1)
    service.pass_time(1000)
    assert [claim["taskId"] for claim in parked.result(5)["tasks"]] == [task_id]


def test_a_task_not_started_in_its_time_expires(service: RunningService, ada: Caller, wim: Machine) -> None:
    """After its ``ttl`` a pending task is expired, is claimed by nobody, and its result says why."""
    task_id = submit(ada, ttl=5000)
    service.clock.move(5000)
    assert wim.sync(free=1)["tasks"] == []
    service.tidy()
    told = ada.get(f"/tasks/{task_id}").get_json()
    assert (told["state"], told["exitCode"], told["stdout"]) == ("expired", -1, "")
    assert "not started" in told["error"]


def test_the_highest_priority_goes_first_and_the_oldest_within_it(ada: Caller, wim: Machine) -> None:
    """Claims come by priority, then by age."""
    low, first, second, high = (submit(ada, priority=p) for p in (-1, 0, 0, 5))
    assert [claim["taskId"] for claim in wim.sync(free=4)["tasks"]] == [high, first, second, low]
