"""POST /tasks/:id/cancel, and what it means to the worker."""

from __future__ import annotations

from tests.support.asking import submit
from tests.support.machine import Machine, result, start
from tests.support.service import Caller, RunningService


def test_a_pending_task_is_cancelled_at_once(ada: Caller, wim: Machine) -> None:
    """It ends without a run: shaped like a result, with the reason, and no worker gets it."""
    task_id = submit(ada)
    told = ada.post(f"/tasks/{task_id}/cancel", {"reason": "changed my mind"}).get_json()
    assert (told["taskId"], told["state"], told["status"]) == (task_id, "cancelled", "cancelled")
    assert told["message"]
    shown = ada.get(f"/tasks/{task_id}").get_json()
    assert (shown["exitCode"], shown["stdout"], shown["stderr"]) == (-1, "", "")
    assert "changed my mind" in shown["error"]
    assert wim.sync(free=1)["tasks"] == []


def test_no_body_is_needed(ada: Caller) -> None:
    """The reason is optional, and so is the whole body."""
    task_id = submit(ada)
    assert ada.send("POST", f"/tasks/{task_id}/cancel").status_code == 200


def test_a_claimed_task_is_cancelled_before_its_start(ada: Caller, wim: Machine) -> None:
    """A worker that has not started it is told not to, by its start and by its sync."""
    task_id = submit(ada)
    claimed = wim.claim()
    assert ada.post(f"/tasks/{task_id}/cancel").get_json()["state"] == "cancelled"
    (answer,) = wim.report(start(claimed))
    assert (answer["ok"], answer["code"]) == (False, "cancelled")
    assert wim.sync()["lost"] == [claimed["lease"]]


def test_cancelling_wakes_the_sync_of_the_holder(service: RunningService, ada: Caller, wim: Machine) -> None:
    """The worker that runs the task hears of it at once, in every answer until the task has ended."""
    task_id = submit(ada)
    claimed = wim.start()
    parked = service.parked(lambda: wim.sync(wait=25_000), workers=1)
    told = ada.post(f"/tasks/{task_id}/cancel", {"reason": "too slow"}).get_json()
    assert (told["state"], told["status"]) == ("running", "running")
    assert parked.result(5)["cancel"] == [task_id]
    assert wim.sync()["cancel"] == [task_id]
    (answer,) = wim.report(result(claimed, -1, error="Cancelled", reason="cancelled"))
    assert answer["ok"]
    shown = ada.get(f"/tasks/{task_id}").get_json()
    assert (shown["state"], shown["exitCode"]) == ("cancelled", -1)
    assert shown["error"]


def test_a_sync_that_knows_of_it_is_not_answered_for_it(
    service: RunningService, ada: Caller, wim: Machine
) -> None:
    """A worker that is stopping the task already may park again meanwhile."""
    task_id = submit(ada)
    wim.start()
    ada.post(f"/tasks/{task_id}/cancel")
    parked = service.parked(lambda: wim.sync(wait=25_000, cancelling=[task_id]), workers=1)
    service.inside.room.close()
    assert parked.result(5)["cancel"] == [task_id]


def test_another_workers_sync_sleeps_on(
    service: RunningService, ada: Caller, wim: Machine, wes: Machine
) -> None:
    """Only the holder is woken by a cancellation."""
    task_id = submit(ada)
    wim.start()
    parked = service.parked(lambda: wes.sync(wait=25_000), workers=1)
    ada.post(f"/tasks/{task_id}/cancel")
    assert not parked.done()
    assert service.inside.room.parked() == (1, 0)
    service.inside.room.close()
    assert parked.result(5)["cancel"] == []


def test_asking_twice_is_one_event(service: RunningService, ada: Caller, wim: Machine) -> None:
    """A running task's cancellation is on the record once."""
    task_id = submit(ada)
    wim.start()
    for _ in range(2):
        assert ada.post(f"/tasks/{task_id}/cancel").status_code == 200
    assert service.count_events("cancel.requested") == 1


def test_a_run_that_ends_by_itself_keeps_its_end(ada: Caller, wim: Machine) -> None:
    """Whoever finishes before the stop reached it has completed, not been cancelled."""
    task_id = submit(ada)
    claimed = wim.start()
    ada.post(f"/tasks/{task_id}/cancel")
    wim.report(result(claimed, 0))
    assert ada.get(f"/tasks/{task_id}").get_json()["state"] == "completed"


def test_a_finished_task_cannot_be_cancelled(service: RunningService, ada: Caller, wim: Machine) -> None:
    """It is 409 with a code, and nothing is written."""
    task_id = submit(ada)
    wim.run()
    before = service.count_events()
    response = ada.post(f"/tasks/{task_id}/cancel")
    assert (response.status_code, response.get_json()["code"]) == (409, "illegal_transition")
    assert service.count_events() == before


def test_an_unknown_task_cannot_be_cancelled(ada: Caller) -> None:
    """It is 404 in the old words."""
    response = ada.post("/tasks/none/cancel")
    assert (response.status_code, response.get_json()["error"]) == (404, "Task not found")


def test_a_wait_is_answered_by_the_cancellation(service: RunningService, ada: Caller) -> None:
    """Whoever waits for the result hears that there will be none."""
    task_id = submit(ada)
    parked = service.parked(lambda: ada.get(f"/tasks/{task_id}?wait=60000"), results=1)
    ada.post(f"/tasks/{task_id}/cancel")
    assert parked.result(5).get_json()["state"] == "cancelled"


def test_an_unknown_field_is_refused(ada: Caller) -> None:
    """This is a new route: what it does not know, it refuses."""
    response = ada.post(f"/tasks/{submit(ada)}/cancel", {"why": "no"})
    assert (response.status_code, response.get_json()["code"]) == (400, "invalid_request")
