"""GET /approvals and POST /approvals/:id: what waits for people, and what their answers do."""

from __future__ import annotations

from base64 import b64encode

import pytest

from app.domain.timing import APPROVAL_MS
from tests.support import cast
from tests.support.asking import submit
from tests.support.machine import Machine, start
from tests.support.service import NOON, Caller, RunningService

Asked = dict[str, object]


@pytest.fixture
def ann(service: RunningService) -> Caller:
    """Ann, who approves."""
    return service.as_(cast.ANN)


def verdict(claimed: Asked, given: str = "ask", digest: str = "d1", **more: object) -> Asked:
    """Return the item that tells what the policy says."""
    item = {"type": "verdict", "lease": claimed["lease"], "verdict": given, "rule": "ask first"}
    return {**item, "digest": digest, "policyHash": "p", **more}


def ask(ada: Caller, wim: Machine) -> tuple[str, str]:
    """Submit a task and let Wim's machine ask about it; return the ids of both."""
    task_id = submit(ada)
    (answer,) = wim.report(verdict(wim.claim(), describe="true, in /home/wim"))
    assert answer == {"ok": True}
    [asked] = ada.get("/approvals").get_json()["approvals"]
    return task_id, str(asked["approvalId"])


def test_what_waits_is_listed_with_all_that_is_needed_to_decide(ada: Caller, wim: Machine) -> None:
    """Who wants what, where, by which rule, until when."""
    task_id, asked = ask(ada, wim)
    [told] = ada.get("/approvals").get_json()["approvals"]
    assert told == {
        "approvalId": asked,
        "taskId": task_id,
        "attempt": 1,
        "state": "pending",
        "kind": "command",
        "rule": "ask first",
        "digest": "d1",
        "policyHash": "p",
        "describe": "true, in /home/wim",
        "worker": "wim",
        "submittedBy": "client:ada",
        "onBehalfOf": None,
        "requestedAt": NOON,
        "expiresAt": NOON + APPROVAL_MS,
        "decidedBy": None,
        "decidedAt": None,
        "comment": None,
        "usedAt": None,
        "signature": None,
    }


def test_old_clients_see_a_waiting_task_as_pending(ada: Caller, wim: Machine, ann: Caller) -> None:
    """Exactly that word, and neither stdout nor error, before the answer and after it."""
    task_id, asked = ask(ada, wim)
    for state in ("awaiting_approval", "pending"):
        shown = ada.get(f"/tasks/{task_id}").get_json()
        assert (shown["status"], shown["state"]) == ("pending", state)
        assert not shown.keys() & {"stdout", "error"}
        ann.post(f"/approvals/{asked}", {"decision": "approve"})


def test_a_yes_reaches_the_parked_worker_at_once(
    service: RunningService, ada: Caller, wim: Machine, ann: Caller
) -> None:
    """Its sync is answered with the task and the approval, and it runs to its end."""
    task_id, asked = ask(ada, wim)
    parked = service.parked(lambda: wim.sync(free=1, wait=25_000), workers=1)
    told = ann.post(f"/approvals/{asked}", {"decision": "approve", "comment": "go on"}).get_json()
    assert (told["state"], told["decidedBy"], told["comment"]) == ("approved", "approver:ann", "go on")
    [claimed] = parked.result(5)["tasks"]
    assert claimed["approval"] == {"id": asked, "digest": "d1", "by": "approver:ann", "at": NOON}
    first, second = wim.report(verdict(claimed), start(claimed))
    assert (first, second["ok"]) == ({"ok": True}, True)
    assert service.state_of(task_id) == "running"


def test_the_start_tells_by_which_rule_it_is_allowed(ada: Caller, wim: Machine) -> None:
    """Rule, digest and policy stand in the event of the start, hashes in base64; repeated, it stays so."""
    task_id = submit(ada)
    claimed = wim.claim()
    told = {"rule": "all", "digest": "6b" * 32, "policyHash": "00" * 32}
    for _ in range(2):
        (answer,) = wim.report({**start(claimed), **told})
        assert answer["ok"]
    events = ada.get(f"/tasks/{task_id}/events").get_json()["events"]
    assert [event["type"] for event in events[2:]] == ["task.started"]
    digest, policy = b64encode(b"k" * 32).decode(), b64encode(bytes(32)).decode()
    assert events[2]["detail"] == {"rule": "all", "digest": digest, "policy": policy}


def test_an_allow_of_an_older_worker_is_taken(ada: Caller, wim: Machine) -> None:
    """Told by itself before a bare start, it is an event of its own."""
    task_id = submit(ada)
    claimed = wim.claim()
    first, second = wim.report(verdict(claimed, "allow"), start(claimed))
    assert (first["ok"], second["ok"]) == (True, True)
    events = ada.get(f"/tasks/{task_id}/events").get_json()["events"]
    assert [event["type"] for event in events[2:]] == ["verdict.given", "task.started"]
    assert events[2]["detail"] == {"verdict": "allow", "rule": "ask first", "digest": "d1", "policy": "p"}


def test_a_changed_content_is_asked_anew_and_not_started(ada: Caller, wim: Machine, ann: Caller) -> None:
    """The yes was to another digest: the start in the same report is refused."""
    _, asked = ask(ada, wim)
    ann.post(f"/approvals/{asked}", {"decision": "approve"})
    claimed = wim.claim()
    first, second = wim.report(verdict(claimed, digest="d2"), start(claimed))
    assert first == {"ok": True}
    assert (second["ok"], second["code"]) == (False, "illegal_transition")
    [again] = ada.get("/approvals").get_json()["approvals"]
    assert (again["digest"], again["approvalId"] == asked) == ("d2", False)


@pytest.mark.parametrize(
    ("comment", "error"),
    [("not on a Friday", "Denied: not on a Friday"), (None, "Denied: the question whether")],
)
def test_a_no_looks_like_a_result(
    ada: Caller, wim: Machine, ann: Caller, comment: str | None, error: str
) -> None:
    """Exit code -1, no output, and a sentence with the reason, for whoever waits for it."""
    task_id, asked = ask(ada, wim)
    ann.post(f"/approvals/{asked}", {"decision": "deny"} | ({"comment": comment} if comment else {}))
    shown = ada.get(f"/tasks/{task_id}").get_json()
    assert (shown["status"], shown["exitCode"], shown["stdout"]) == ("denied", -1, "")
    assert shown["error"].startswith(error)


def test_a_no_answers_those_who_wait_for_the_result(
    service: RunningService, ada: Caller, wim: Machine, ann: Caller
) -> None:
    """They do not sleep on until their time is over."""
    task_id, asked = ask(ada, wim)
    waiting = service.parked(lambda: ada.get(f"/tasks/{task_id}?wait=60000").get_json(), results=1)
    ann.post(f"/approvals/{asked}", {"decision": "deny"})
    assert waiting.result(5)["state"] == "denied"


def test_without_an_answer_it_is_denied(service: RunningService, ada: Caller, wim: Machine) -> None:
    """Half an hour later, by the janitor, with a sentence that says why."""
    task_id, _ = ask(ada, wim)
    service.pass_time(APPROVAL_MS)
    assert ada.get(f"/tasks/{task_id}").get_json()["error"] == (
        "Denied: nobody answered in time whether this may run"
    )
    assert service.inside.backlog.held == 0


def test_nobody_answers_twice_or_for_himself(
    service: RunningService, ada: Caller, wim: Machine, ann: Caller
) -> None:
    """409 for a second answer, 403 for the submitter, 404 for no question at all."""
    own = submit(service.as_(cast.MAX))
    wim.report(verdict(wim.claim()))
    [mine] = ada.get("/approvals").get_json()["approvals"]
    refused = service.as_(cast.MAX).post(f"/approvals/{mine['approvalId']}", {"decision": "approve"})
    assert (refused.status_code, refused.get_json()["code"]) == (403, "own_submission")
    assert service.state_of(own) == "awaiting_approval"
    assert ann.post(f"/approvals/{mine['approvalId']}", {"decision": "approve"}).status_code == 200
    second = service.as_(cast.MAX).post(f"/approvals/{mine['approvalId']}", {"decision": "deny"})
    assert second.status_code == 403
    late = ann.post(f"/approvals/{mine['approvalId']}", {"decision": "deny"})
    assert (late.status_code, late.get_json()["code"]) == (409, "already_decided")
    unknown = ann.post("/approvals/3f2c", {"decision": "deny"})
    assert (unknown.status_code, unknown.get_json()["code"]) == (404, "approval_not_found")


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"decision": "yes"},
        {"decision": None},
        {"decision": "approve", "extra": 1},
        {"decision": "deny", "comment": "x" * 1001},
    ],
)
def test_what_is_no_answer_is_refused(ada: Caller, wim: Machine, ann: Caller, body: Asked) -> None:
    """400, and the question stays open."""
    _, asked = ask(ada, wim)
    assert ann.post(f"/approvals/{asked}", body).status_code == 400
    assert ada.get("/approvals").get_json()["approvals"][0]["state"] == "pending"


def test_a_text_that_is_too_long_is_refused(ada: Caller, wim: Machine) -> None:
    """More than 4,000 characters nobody reads; the claim stays as it is."""
    submit(ada)
    claimed = wim.claim()
    response = wim.caller.post(
        "/worker/report",
        {"workerId": "wim", "session": "s", "items": [verdict(claimed, describe="x" * 4001)]},
    )
    assert response.status_code == 400


def test_a_look_is_held_until_there_is_another_list(
    service: RunningService, ada: Caller, wim: Machine, ann: Caller
) -> None:
    """Asked, answered, withdrawn: whoever watches hears of each at once, and of nothing that he knows."""
    version = ann.get("/approvals?state=all").get_json()["version"]

    def watch() -> dict[str, object]:
        found: dict[str, object] = ann.get(f"/approvals?state=all&version={version}&wait=60000").get_json()
        return found

    watching = service.parked(watch, results=1)
    task_id, asked = ask(ada, wim)
    version = watching.result(5)["version"]
    watching = service.parked(watch, results=1)
    ann.post(f"/approvals/{asked}", {"decision": "approve"})
    version = watching.result(5)["version"]
    wim.report(verdict(wim.claim(), digest="d2"))
    version = ann.get("/approvals?state=all").get_json()["version"]
    watching = service.parked(watch, results=1)
    ada.post(f"/tasks/{task_id}/cancel")
    states = [one["state"] for one in watching.result(5)["approvals"]]  # type: ignore[attr-defined]
    assert sorted(states) == ["approved", "withdrawn"]
    assert ann.get(f"/approvals?state=all&version={version}&wait=0").status_code == 200


def test_the_detail_of_a_task_has_its_questions(ada: Caller, wim: Machine, ann: Caller) -> None:
    """With why it waits, and who has to do what."""
    task_id, asked = ask(ada, wim)
    detail = ada.get(f"/tasks/{task_id}/detail").get_json()
    assert [one["approvalId"] for one in detail["approvals"]] == [asked]
    assert "asks" in detail["explain"]["why"]
    ann.post(f"/approvals/{asked}", {"decision": "approve"})
    assert "approved" in ada.get(f"/tasks/{task_id}/detail").get_json()["explain"]["why"]
