"""Schedules over HTTP: what is taken, what is answered, and what is refused with a sentence."""

from __future__ import annotations

from typing import Any

import pytest

from tests.support import cast
from tests.support.machine import Machine
from tests.support.service import NOON, Caller, RunningService

HOURLY: dict[str, Any] = {"name": "report", "cron": "0 * * * *", "task": {"command": "date"}}
HOUR_MS = 3_600_000


def add(caller: Caller, **said: Any) -> Any:  # noqa: ANN401 - JSON
    """Add a schedule and return how it is shown."""
    response = caller.post("/schedules", {**HOURLY, **said})
    assert response.status_code == 200, response.text
    return response.get_json()


def test_a_schedule_is_shown_as_it_was_sent(service: RunningService, ada: Caller) -> None:
    """Its task can be sent again as it is shown, and its next five times have their offset."""
    task = {"kind": "command", "argv": ["date", "-u"], "cwd": "/", "env": {"A": "b"}, "timeout": 5000}
    task |= {
        "labels": ["gpu=1"],
        "tags": ["t"],
        "priority": 2,
        "ttl": 7000,
        "maxAttempts": 2,
        "effect": "read",
    }
    shown = add(ada, tz="Europe/Berlin", misfire="once", overlap="queue", task=task)
    assert shown["task"] == task
    assert (shown["misfire"], shown["overlap"], shown["tz"]) == ("once", "queue", "Europe/Berlin")
    assert (shown["state"], shown["createdBy"], shown["nextAt"]) == ("active", "client:ada", NOON + HOUR_MS)
    assert shown["next"][0] == "2027-01-15T10:00:00+01:00"
    assert len(shown["next"]) == 5
    assert add(ada, tz="Europe/Berlin", misfire="once", overlap="queue", task=shown["task"]) == shown
    listed = ada.get("/schedules").get_json()["schedules"]
    assert [{**one, "next": shown["next"]} for one in listed] == [shown]
    assert service.count_events("schedule.added") == 1


def test_a_prompt_and_a_kind_of_ones_own_are_shown_too(ada: Caller) -> None:
    """Every sort of task comes back in the words of its route."""
    prompt = {"kind": "claude-cli", "prompt": "hi", "sessionId": "s", "maxCostUsd": 0.5, "timeout": 60_000}
    assert add(ada, name="ask", task=prompt)["task"] == {**prompt, "priority": 0}
    own = {"kind": "greet", "payload": {"whom": "Ben"}, "timeout": 1000, "priority": 0}
    assert add(ada, name="greet", task=own)["task"] == own


def test_its_time_wakes_a_parked_worker(service: RunningService, ada: Caller, wim: Machine) -> None:
    """The task is handed out as soon as the janitor finds the time come."""
    add(ada)
    waiting = service.parked(lambda: wim.sync(free=1, wait=20_000), workers=1)
    service.pass_time(HOUR_MS)
    [claim] = waiting.result(timeout=20)["tasks"]
    assert (claim["submittedBy"], claim["payload"]) == ("schedule:report", {"command": "date"})
    shown = ada.get("/schedules/report").get_json()
    assert (shown["lastAt"], shown["lastTaskId"]) == (NOON + HOUR_MS, claim["taskId"])
    assert (shown["lastState"], shown["nextAt"]) == ("claimed", NOON + 2 * HOUR_MS)


def test_a_broken_schedule_holds_up_no_other(
    service: RunningService, ada: Caller, caplog: pytest.LogCaptureFixture
) -> None:
    """What one schedule breaks is logged, and the others are fired in the same round."""
    add(ada)
    add(ada, name="sound")
    broken = "UPDATE schedules SET kind = 'claude-cli', payload = 'no JSON' WHERE name = 'report'"
    service.write(lambda conn: conn.exec_driver_sql(broken))
    service.pass_time(HOUR_MS)
    assert "the schedule report could not be fired" in caplog.text
    assert service.count_events("schedule.fired") == 1
    assert ada.get("/schedules/sound").get_json()["lastAt"] == NOON + HOUR_MS


def test_steering(service: RunningService, ada: Caller) -> None:
    """Pausing, resuming, changing, running and removing answer with how it stands then."""
    add(ada)
    paused = ada.post("/schedules/report/pause").get_json()
    assert (paused["state"], paused["nextAt"], paused["next"]) == ("paused", None, [])
    ran = ada.post("/schedules/report/run").get_json()
    assert ran["status"] == "pending"
    again = ada.post("/schedules/report/run")
    assert (again.status_code, again.get_json()["code"]) == (409, "schedule_busy")
    assert ada.post("/schedules/report/resume").get_json()["state"] == "active"
    changed = ada.post("/schedules/report/change", {"cron": "@daily", "task": {"argv": ["true"]}}).get_json()
    assert (changed["cron"], changed["task"]["argv"], changed["nextAt"]) == (
        "@daily",
        ["true"],
        NOON + 16 * HOUR_MS,
    )
    assert ada.post("/schedules/report/remove").get_json() == {"success": True, "name": "report"}
    gone = ada.get("/schedules/report")
    assert (gone.status_code, gone.get_json()["code"]) == (404, "schedule_not_found")
    assert ada.get(f"/tasks/{ran['taskId']}").status_code == 200


def test_only_its_maker_and_admins_change_it(service: RunningService, ada: Caller, ben: Caller) -> None:
    """Ben sees Ada's schedule and is refused every change; an admin may do all, and it stays Ada's."""
    add(ada)
    for act in ("change", "pause", "resume", "run", "remove"):
        refused = ben.post(f"/schedules/report/{act}", {"cron": "@daily"} if act == "change" else None)
        assert (refused.status_code, refused.get_json()["code"]) == (403, "forbidden"), act
    assert ben.get("/schedules/report").status_code == 200
    changed = service.as_(cast.MAX).post("/schedules/report/change", {"cron": "@daily"}).get_json()
    assert changed["createdBy"] == "client:ada"
    taken = ben.post("/schedules", HOURLY)
    assert (taken.status_code, taken.get_json()["code"]) == (409, "schedule_exists")


def test_the_shared_token_makes_schedules(service: RunningService) -> None:
    """An old deployment's one token is there as long as the server has it."""
    add(service.as_(cast.OLD))
    service.pass_time(HOUR_MS)
    assert service.count_events("schedule.fired") == 1


def test_nobody_approves_what_his_schedule_submits(service: RunningService, wim: Machine) -> None:
    """Max's schedule asks; Max may not say yes to it, though the task was submitted by the schedule."""
    max_ = service.as_(cast.MAX)
    add(max_, name="max")
    service.pass_time(HOUR_MS)
    claim = wim.claim()
    judged = {"verdict": "ask", "rule": "r", "digest": "d", "policyHash": "p", "describe": "date"}
    wim.report({"type": "verdict", "lease": claim["lease"], **judged})
    [asked] = max_.get("/approvals").get_json()["approvals"]
    refused = max_.post(f"/approvals/{asked['approvalId']}", {"decision": "approve"})
    assert (refused.status_code, refused.get_json()["code"]) == (403, "own_submission")
    taken = service.as_(cast.ANN).post(f"/approvals/{asked['approvalId']}", {"decision": "approve"})
    assert taken.status_code == 200


@pytest.mark.parametrize(
    ("said", "sentence"),
    [
        ({"cron": "61 * * * *"}, "bad minute"),
        ({"cron": 5}, "cron"),
        ({"cron": None}, "cron"),
        ({"cron": "* " * 101}, "cron"),
        ({"tz": "Europe/Berln"}, "Did you mean Europe/Berlin"),
        ({"tz": "../../../etc/passwd"}, "There is no time zone"),
        ({"name": ""}, "a schedule's name"),
        ({"name": "a/b"}, "a schedule's name"),
        ({"name": "x" * 65}, "a schedule's name"),
        ({"name": "naïve"}, "a schedule's name"),
        ({"misfire": "twice"}, "misfire"),
        ({"overlap": "kill"}, "overlap"),
        ({"task": None}, "task"),
        ({"task": []}, "task"),
        ({"task": {}}, "command is required"),
        ({"task": {"command": "a", "argv": ["b"]}}, "not both"),
        ({"task": {"command": "a", "surely": 1}}, "surely"),
        ({"task": {"command": "a", "notBefore": 5}}, "no notBefore"),
        ({"task": {"command": "a", "onBehalfOf": "client:ben"}}, "no onBehalfOf"),
        ({"task": {"command": "a", "signature": "s"}}, "no signature"),
        ({"task": {"kind": "file-read", "path": "/x"}}, "no file operations"),
        ({"task": {"kind": "claude-cli"}}, "prompt is required"),
        ({"task": {"kind": "claude-cli", "prompt": "a", "callbackBotToken": "s"}}, "no callbackBotToken"),
        ({"task": {"kind": 5}}, "kind"),
        ({"surely": 1}, "surely"),
    ],
    ids=str,
)
def test_what_cannot_be_is_refused(house: RunningService, said: dict[str, Any], sentence: str) -> None:
    """A sentence tells what is wrong, and nothing is written."""
    ada = house.as_(cast.ADA)
    refused = ada.post("/schedules", {**HOURLY, **said})
    assert (refused.status_code, refused.get_json()["code"]) == (400, "invalid_request")
    assert sentence in refused.get_json()["error"]
    assert house.count_events("schedule.added") == 0


def test_a_change_of_nothing_is_refused(ada: Caller) -> None:
    """An empty change says what can be changed; unknown and null fields change nothing either."""
    add(ada)
    for said in ({}, {"surely": 1}):
        assert ada.post("/schedules/report/change", said).status_code == 400
