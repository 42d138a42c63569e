"""Outcomes that come when their lease has ended: kept as evidence, never applied."""

from __future__ import annotations

from typing import Any

from app.domain.timing import LEASE_MS
from tests.support.asking import submit
from tests.support.machine import Machine, output, result, start
from tests.support.service import Caller, RunningService


def outcomes(caller: Caller, task_id: str) -> list[dict[str, Any]]:
    """Return the outcomes of a task as its detail lists them."""
    return list(caller.get(f"/tasks/{task_id}/detail").get_json()["outcomes"])


def test_a_late_outcome_is_kept_and_changes_nothing(
    service: RunningService, ada: Caller, wim: Machine
) -> None:
    """The worker is told that it was kept; the task stays unknown; the detail shows what it said."""
    task_id = submit(ada)
    claimed = wim.start()
    service.pass_time(LEASE_MS)
    (answer,) = wim.report(result(claimed, 0, durationMs=70_000))
    assert (answer["ok"], answer["code"], answer["kept"]) == (False, "lease_lost", True)
    assert service.state_of(task_id) == "unknown"
    (kept,) = outcomes(ada, task_id)
    assert (kept["accepted"], kept["exitCode"], kept["durationMs"]) == (False, 0, 70_000)
    assert ada.get(f"/tasks/{task_id}").get_json()["exitCode"] == -1


def test_a_late_outcome_sent_again_is_kept_once(service: RunningService, ada: Caller, wim: Machine) -> None:
    """The same late outcome gets the same answer and is not written twice."""
    task_id = submit(ada)
    claimed = wim.start()
    service.pass_time(LEASE_MS)
    first = wim.report(result(claimed))
    events = service.count_events()
    assert wim.report(result(claimed)) == first
    assert service.count_events() == events
    assert len(outcomes(ada, task_id)) == 1


def test_late_output_of_the_last_attempt_is_evidence_too(
    service: RunningService, ada: Caller, wim: Machine
) -> None:
    """What a worker that was given up for lost still had to say can be read."""
    task_id = submit(ada)
    claimed = wim.start()
    service.pass_time(LEASE_MS)
    (answer,) = wim.report(output(claimed, 0, b"almost done"))
    assert answer["ok"]
    assert ada.get(f"/tasks/{task_id}/output").get_json()["text"] == "almost done"


def test_a_stale_lease_does_not_touch_the_next_attempt(
    service: RunningService, ada: Caller, wim: Machine, wes: Machine
) -> None:
    """While Wes runs the second attempt, Wim's late outcome of the first is evidence of the first."""
    task_id = ada.post("/files/read", {"path": "/x"}).get_json()["taskId"]
    stale = wim.start()
    service.pass_time(LEASE_MS)
    fresh = wes.claim()
    answers = wim.report(start(stale), output(stale, 0, b"late"), result(stale, 7))
    assert [answer["code"] for answer in answers] == ["lease_lost"] * 3
    wes.report(start(fresh), result(fresh, 0, stdout="good"))
    told = ada.get(f"/tasks/{task_id}").get_json()
    assert (told["state"], told["stdout"]) == ("completed", "good")
    assert [(one["attempt"], one["accepted"], one["exitCode"]) for one in outcomes(ada, task_id)] == [
        (1, False, 7),
        (2, True, 0),
    ]


def test_evidence_has_a_bound(service: RunningService, ada: Caller, wim: Machine) -> None:
    """A worker that invents leases fills nothing: after twenty, late outcomes are no longer kept."""
    task_id = submit(ada)
    claimed = wim.run()
    kept = []
    for number in range(25):
        forged = {"lease": claimed["lease"][:-2] + f"{number:02}"}
        (answer,) = wim.report(result(forged, 1))
        kept.append(answer["kept"])
    assert kept.count(True) <= 20
    assert kept[-1] is False
    assert service.state_of(task_id) == "completed"


def test_a_late_outcome_of_a_cancelled_claim_is_refused(
    service: RunningService, ada: Caller, wim: Machine
) -> None:
    """A task cancelled before its start stays cancelled, whatever its worker did."""
    task_id = submit(ada)
    claimed = wim.claim()
    ada.post(f"/tasks/{task_id}/cancel")
    (answer,) = wim.report(result(claimed, 0))
    assert (answer["ok"], answer["code"]) == (False, "lease_lost")
    assert service.state_of(task_id) == "cancelled"
