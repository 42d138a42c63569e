"""POST /worker/report: items, each answered by itself and repeatable."""

from __future__ import annotations

from typing import Any

import pytest

from app.domain.timing import LEASE_MS
from tests.support import cast
from tests.support.asking import submit
from tests.support.machine import Machine, output, result, start
from tests.support.service import NOON, Caller, RunningService


def test_each_item_is_answered_by_itself_and_in_order(ada: Caller, wim: Machine) -> None:
    """A bad item is refused alone: those around it are applied."""
    submit(ada)
    claimed = wim.claim()
    stale = {**claimed, "lease": claimed["lease"][:-1] + "X"}
    answers = wim.report(
        start(stale),
        start(claimed),
        output(claimed, 0, b"abc"),
        {**output(claimed, 3, b""), "data": "*"},
        output(claimed, 3, b"def"),
        result(claimed, stdoutBytes=6),
    )
    assert [answer["ok"] for answer in answers] == [False, True, True, False, True, True]
    assert [answer.get("code") for answer in answers if not answer["ok"]] == ["lease_lost", "invalid_request"]
    assert all(answer["error"] for answer in answers if not answer["ok"])
    assert answers[1]["leaseExpiresAt"] == NOON + LEASE_MS
    assert ada.get(f"/tasks/{claimed['taskId']}").get_json()["stdout"] == "abcdef"


def test_the_same_report_again_gets_the_same_answers(
    service: RunningService, ada: Caller, wim: Machine
) -> None:
    """A worker that lost the answer sends all again: nothing is written twice."""
    submit(ada)
    claimed = wim.claim()
    assert wim.report(start(claimed)) == wim.report(start(claimed))
    items = (
        output(claimed, 0, b"abc"),
        output(claimed, 0, b"err", "stderr"),
        output(claimed, 3, b"def"),
        result(claimed, stdoutBytes=6, stderrBytes=3),
    )
    first = wim.report(*items)
    assert [answer["ok"] for answer in first] == [True] * 4
    events = service.count_events()
    assert wim.report(*items) == first
    assert service.count_events() == events
    assert ada.get(f"/tasks/{claimed['taskId']}").get_json()["stdout"] == "abcdef"


def test_output_that_was_never_kept_is_not_taken_after_the_end(ada: Caller, wim: Machine) -> None:
    """Once the outcome is there, nobody adds to what was output."""
    submit(ada)
    claimed = wim.start()
    wim.report(output(claimed, 0, b"abc"), result(claimed, stdoutBytes=3))
    (answer,) = wim.report(output(claimed, 3, b"more"))
    assert (answer["ok"], answer["code"]) == (False, "lease_lost")
    assert ada.get(f"/tasks/{claimed['taskId']}").get_json()["stdout"] == "abc"


def test_a_start_after_the_end_is_refused(ada: Caller, wim: Machine) -> None:
    """A finished attempt is not started again, whatever is asked."""
    submit(ada)
    claimed = wim.run()
    (answer,) = wim.report(start(claimed))
    assert (answer["ok"], answer["code"]) == (False, "lease_lost")


def test_a_result_without_a_start_is_refused(service: RunningService, ada: Caller, wim: Machine) -> None:
    """What ran without being on the record first has no outcome."""
    task_id = submit(ada)
    (answer,) = wim.report(result(wim.claim(), 0))
    assert (answer["ok"], answer["code"]) == (False, "illegal_transition")
    assert service.state_of(task_id) == "claimed"


@pytest.mark.parametrize("reason", ["failed", "policy"])
def test_what_could_not_run_fails_without_a_start(ada: Caller, wim: Machine, reason: str) -> None:
    """A task that the worker cannot or may not run ends as failed, with its error."""
    task_id = submit(ada)
    (answer,) = wim.report(result(wim.claim(), 126, error="Not here", reason=reason))
    assert answer["ok"]
    told = ada.get(f"/tasks/{task_id}").get_json()
    assert (told["state"], told["reason"], told["error"]) == ("failed", reason, "Not here")


def test_a_refusal_by_policy_is_a_result(service: RunningService, ada: Caller, wim: Machine) -> None:
    """A *deny* ends the task with exit code 126 and names the rule."""
    task_id = submit(ada)
    verdict = {
        "type": "verdict",
        "lease": wim.claim()["lease"],
        "verdict": "deny",
        "rule": "no rm",
        "digest": "d",
    }
    (answer,) = wim.report(verdict)
    assert answer["ok"]
    told = ada.get(f"/tasks/{task_id}").get_json()
    assert (told["exitCode"], told["error"], told["reason"]) == (126, "Refused by policy: no rm", "policy")
    assert service.count_events("verdict.given") == 1


def test_an_allowing_verdict_changes_nothing(service: RunningService, ada: Caller, wim: Machine) -> None:
    """An *allow* is on the record, and the task still waits for its start."""
    task_id = submit(ada)
    claimed = wim.claim()
    (answer,) = wim.report({"type": "verdict", "lease": claimed["lease"], "verdict": "allow", "rule": "git"})
    assert answer["ok"]
    assert service.state_of(task_id) == "claimed"
    assert wim.report(start(claimed))[0]["ok"]


def test_an_interrupted_run_is_unknown(ada: Caller, wim: Machine) -> None:
    """When the worker cannot know how a run ended, neither does the record."""
    task_id = submit(ada)
    wim.report(result(wim.start(), -1, reason="interrupted", error="The worker was restarted"))
    told = ada.get(f"/tasks/{task_id}").get_json()
    assert (told["state"], told["exitCode"]) == ("unknown", -1)
    assert told["error"]


def test_an_interrupted_reading_runs_again(service: RunningService, ada: Caller, wim: Machine) -> None:
    """What is harmless to repeat goes back to pending."""
    task_id = ada.post("/files/read", {"path": "/x"}).get_json()["taskId"]
    wim.report(result(wim.start(), -1, reason="interrupted"))
    assert service.state_of(task_id) == "pending"


def test_another_workers_lease_is_of_no_use(
    service: RunningService, ada: Caller, wim: Machine, wes: Machine
) -> None:
    """Wes can neither start, feed nor end what Wim holds, even with its lease."""
    task_id = submit(ada)
    claimed = wim.claim()
    (answer,) = wes.report(start(claimed))
    assert answer["code"] == "lease_lost"
    wim.report(start(claimed))
    answers = wes.report(output(claimed, 0, b"x"), result(claimed, 0))
    assert [answer["code"] for answer in answers] == ["lease_lost", "lease_lost"]
    assert service.state_of(task_id) == "running"


def test_text_in_the_result_is_taken_too(ada: Caller, wim: Machine) -> None:
    """A result may bring its output as text instead of pieces."""
    task_id = submit(ada)
    wim.report(result(wim.start(), 1, stdout="é\n", stderr="oh"))
    told = ada.get(f"/tasks/{task_id}").get_json()
    assert (told["stdout"], told["stderr"], told["exitCode"]) == ("é\n", "oh", 1)


def test_free_slots_bring_claims_with_the_answer(ada: Caller, wim: Machine) -> None:
    """A report that tells of free slots may bring the next tasks, saving a round trip."""
    first, second, third = submit(ada), submit(ada), submit(ada)
    claimed = wim.start()
    assert claimed["taskId"] == first
    told = wim.tell(result(claimed), free=1).get_json()
    assert [claim["taskId"] for claim in told["tasks"]] == [second]
    assert wim.tell().get_json()["tasks"] == []
    told = wim.tell(free=5, kinds=["file-read"]).get_json()
    assert told["tasks"] == []
    assert [claim["taskId"] for claim in wim.tell(free=5).get_json()["tasks"]] == [third]


def test_an_unknown_or_draining_worker_gets_no_claims_by_reporting(
    service: RunningService, ada: Caller, wim: Machine
) -> None:
    """Claims go to workers that have synced and are in service."""
    submit(ada)
    assert wim.tell(free=1).get_json()["tasks"] == []
    wim.sync()
    service.as_(cast.MAX).post("/workers/wim/drain")
    assert wim.tell(free=1).get_json()["tasks"] == []


def test_a_note_is_on_the_record(ada: Caller, wim: Machine) -> None:
    """A worker may put a named note beside a task."""
    task_id = submit(ada)
    (answer,) = wim.report(
        {"type": "note", "taskId": task_id, "name": "agent.tool_used", "details": {"tool": "Read"}}
    )
    assert answer["ok"]
    event = ada.get(f"/tasks/{task_id}/events").get_json()["events"][-1]
    assert (event["type"], event["actor"]) == ("worker.noted", "worker:wim")
    assert (event["detail"]["name"], event["detail"]["details"]) == ("agent.tool_used", {"tool": "Read"})


def test_a_note_with_fractions_is_kept_as_its_text(service: RunningService, wim: Machine) -> None:
    """Fractions have no canonical form: such details are on the record as their JSON text."""
    (answer,) = wim.report({"type": "note", "name": "n", "details": {"cost": 0.5}})
    assert answer["ok"]
    (event,) = service.as_(cast.ODO).get("/events?type=worker.noted").get_json()["events"]
    assert event["detail"]["details"] == '{"cost":0.5}'


@pytest.mark.parametrize(
    "lease", ["", "x", "a.b.c", "a.1", "..", "a.99999999999.c", "a.\u0661.c", "a.-1.c", "é.1.é"]
)
def test_what_is_no_lease_is_lost(house: RunningService, lease: str) -> None:
    """Any text in the place of a lease is answered as a lost one, and nothing is written."""
    before = house.count_events()
    wim = Machine(house.as_(cast.WIM))
    claimed = {"lease": lease}
    for item in (start(claimed), output(claimed, 0, b"x"), result(claimed)):
        (answer,) = wim.report(item)
        assert (answer["ok"], answer["code"]) == (False, "lease_lost")
    assert house.count_events() == before


BAD: dict[str, Any] = {
    "no type": {"lease": "x"},
    "an unknown type": {"type": "stop", "lease": "x"},
    "a number": 5,
    "null": None,
    "an unknown stream": {"type": "output", "lease": "x", "stream": "stdin", "offset": 0, "data": ""},
    "a negative offset": {"type": "output", "lease": "x", "stream": "stdout", "offset": -1, "data": ""},
    "no exit code": {"type": "result", "lease": "x"},
    "a word as exit code": {"type": "result", "lease": "x", "exitCode": "zero"},
    "a huge exit code": {"type": "result", "lease": "x", "exitCode": "9007199254740992"},
    "a negative duration": {"type": "result", "lease": "x", "exitCode": 0, "durationMs": -1},
    "a list as metadata": {"type": "result", "lease": "x", "exitCode": 0, "metadata": []},
    "an unknown reason": {"type": "result", "lease": "x", "exitCode": 0, "reason": "bored"},
    "an unknown field": {"type": "start", "lease": "x", "force": True},
    "an unknown verdict": {"type": "verdict", "lease": "x", "verdict": "maybe", "rule": "r"},
}


@pytest.mark.parametrize("item", BAD.values(), ids=BAD)
def test_an_item_of_the_wrong_shape_refuses_the_report(house: RunningService, item: object) -> None:
    """A report that no correct worker sends is 400 as a whole, before anything is applied."""
    before = house.count_events()
    note = {"type": "note", "name": "n"}
    response = Machine(house.as_(cast.WIM)).caller.post(
        "/worker/report", {"workerId": "wim", "session": "s", "items": [note, item]}
    )
    assert (response.status_code, response.get_json()["code"]) == (400, "invalid_request")
    assert house.count_events() == before
