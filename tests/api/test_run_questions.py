"""Questions from inside a run over HTTP: told by a report, answered as others, heard by a parked sync."""

from __future__ import annotations

from typing import Any

import pytest

from tests.support import cast
from tests.support.machine import Machine, start
from tests.support.service import Caller, RunningService

HELD = 20_000
Json = dict[str, Any]


@pytest.fixture
def ann(service: RunningService) -> Caller:
    """Ann, who approves."""
    return service.as_(cast.ANN)


@pytest.fixture
def agent(service: RunningService) -> Machine:
    """Wim's machine, which has Claude Code."""
    return Machine(service.as_(cast.WIM), kinds=("command", "claude-cli"))


def question(claimed: Json, digest: str = "d1", **more: object) -> Json:
    """Return the item with which a run asks."""
    item = {
        "type": "question",
        "lease": claimed["lease"],
        "rule": "agents.claude: ask_tools",
        "digest": digest,
    }
    return {**item, "policyHash": "p", "describe": "Bash: rm notes", **more}


def running(ada: Caller, agent: Machine) -> Json:
    """Let Ada's prompt run on Wim's machine."""
    assert ada.post("/claude", {"prompt": "tidy"}).status_code == 200
    claimed = agent.claim()
    agent.report(start(claimed))
    return claimed


def test_answer_wakes_the_parked_worker(
    service: RunningService, ada: Caller, ann: Caller, agent: Machine
) -> None:
    """The worker hears yes or no within its parked sync, and is not woken for the same again."""
    claimed = running(ada, agent)
    [told] = agent.report(question(claimed))
    assert told["ok"]
    [asked] = ann.get("/approvals").get_json()["approvals"]
    assert (asked["approvalId"], asked["describe"], asked["state"]) == (
        told["approval"],
        "Bash: rm notes",
        "pending",
    )
    parked = service.parked(lambda: agent.sync(free=1, wait=HELD), workers=1)
    answered = ann.post(f"/approvals/{told['approval']}", {"decision": "deny", "comment": "keep them"})
    assert answered.get_json()["state"] == "denied"
    expected = [{"approval": told["approval"], "decision": "deny", "comment": "keep them"}]
    assert parked.result(5)["answers"] == expected
    assert ada.get(f"/tasks/{claimed['taskId']}").get_json()["state"] == "running"
    assert agent.sync(wait=HELD)["answers"] == expected
    again = service.parked(lambda: agent.sync(wait=HELD, heard=[told["approval"]]), workers=1)
    assert not again.done()
    agent.report({"type": "result", "lease": claimed["lease"], "exitCode": 0})
    service.inside.room.close()
    assert "answers" not in again.result(5)


def test_what_cannot_be_asked_says_why(ada: Caller, agent: Machine, wim: Machine) -> None:
    """Before the start, under another lease and without a text or digest nothing is asked."""
    ada.post("/claude", {"prompt": "tidy"})
    claimed = agent.claim()
    [early] = agent.report(question(claimed))
    assert early["code"] == "illegal_transition"
    agent.report(start(claimed))
    [lost, empty] = agent.report(question({"lease": "x.1.y"}), question(claimed, ""))
    assert (lost["code"], empty["code"]) == ("lease_lost", "invalid_request")
    assert agent.tell(question(claimed, describe="x" * 4001)).status_code == 400
    assert ada.get("/approvals").get_json()["approvals"] == []


def test_nobody_answers_for_himself(ada: Caller, agent: Machine, service: RunningService) -> None:
    """Who submitted the task cannot answer what its run asks, nor can a client."""
    claimed = running(ada, agent)
    [told] = agent.report(question(claimed))
    assert ada.post(f"/approvals/{told['approval']}", {"decision": "approve"}).status_code == 403
