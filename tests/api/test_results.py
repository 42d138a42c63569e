"""GET /tasks/:id, and the waits for it."""

from __future__ import annotations

import time
from pathlib import Path

import pytest

from tests.support import cast
from tests.support.asking import submit
from tests.support.machine import Machine, output, result
from tests.support.service import NOON, Caller, RunningService, running_service

LONG = 60_000
"""Milliseconds that no test waits for: an answer that comes was woken."""


def test_a_finished_task_is_shown_as_old_clients_know_it(ada: Caller, wim: Machine) -> None:
    """The result has output, exit code, error and the instant of its end, and more beside."""
    task_id = submit(ada)
    claimed = wim.start()
    answers = wim.report(
        output(claimed, 0, "grüße\n".encode()),
        output(claimed, 0, b"oh\n", "stderr"),
        result(
            claimed, 3, error="it broke", durationMs=12, metadata={"a": [1.5]}, stdoutBytes=8, stderrBytes=3
        ),
    )
    assert [answer["ok"] for answer in answers] == [True, True, True]
    assert ada.get(f"/tasks/{task_id}").get_json() == {
        "taskId": task_id,
        "status": "failed",
        "state": "failed",
        "stdout": "grüße\n",
        "stderr": "oh\n",
        "exitCode": 3,
        "error": "it broke",
        "completedAt": NOON,
        "reason": "exit",
        "durationMs": 12,
        "truncated": False,
        "metadata": {"a": [1.5]},
    }


def test_a_good_end_has_no_error(ada: Caller, wim: Machine) -> None:
    """With exit code 0 the error is null, which old clients take for success."""
    task_id = submit(ada)
    wim.run(stdout="hello\n")
    told = ada.get(f"/tasks/{task_id}").get_json()
    assert (told["stdout"], told["exitCode"], told["error"], told["state"]) == (
        "hello\n",
        0,
        None,
        "completed",
    )


def test_a_task_that_is_not_there_is_said_so_in_the_old_words(ada: Caller) -> None:
    """An unknown id is 404 with the sentence that old clients know, at once even with a wait."""
    for path in ("/tasks/none", f"/tasks/none?wait={LONG}"):
        response = ada.get(path)
        assert response.status_code == 404
        assert response.get_json() == {"error": "Task not found", "code": "task_not_found"}


def test_a_wait_is_answered_when_the_outcome_comes(
    service: RunningService, ada: Caller, wim: Machine
) -> None:
    """A parked result wait is woken by the commit of the outcome."""
    task_id = submit(ada)
    parked = service.parked(lambda: ada.get(f"/tasks/{task_id}?wait={LONG}"), results=1)
    wim.run(stdout="done\n")
    assert parked.result(5).get_json()["stdout"] == "done\n"


def test_all_who_wait_for_one_task_are_woken(
    service: RunningService, ada: Caller, ben: Caller, wim: Machine
) -> None:
    """Several waits for the same task end together."""
    task_id = submit(ada)
    waits = [
        service.parked(lambda who=who: who.get(f"/tasks/{task_id}?wait={LONG}"), results=1)  # type: ignore[misc]
        for who in (ada, ben, ada)
    ]
    wim.run()
    assert {wait.result(5).get_json()["state"] for wait in waits} == {"completed"}


def test_submitting_with_a_wait_answers_with_the_result(
    service: RunningService, ada: Caller, wim: Machine
) -> None:
    """One round trip: the submission itself is held until the result is there."""
    parked = service.parked(lambda: ada.post(f"/tasks?wait={LONG}", {"command": "true"}), results=1)
    claimed = wim.run(stdout="quick\n")
    told = parked.result(5).get_json()
    assert (told["taskId"], told["stdout"], told["exitCode"]) == (claimed["taskId"], "quick\n", 0)


@pytest.mark.parametrize("path", ["/files/read", "/files/write", "/files/edit"])
def test_files_can_be_waited_for_too(service: RunningService, ada: Caller, wim: Machine, path: str) -> None:
    """``wait`` is taken on every submitting route."""
    body = {"path": "/x", "content": "", "old_string": "a", "new_string": "b"}
    parked = service.parked(lambda: ada.post(f"{path}?wait={LONG}", body), results=1)
    wim.run()
    assert parked.result(5).get_json()["state"] == "completed"


def test_a_wait_ends_with_its_time(ada: Caller) -> None:
    """When nothing came in time, the answer tells where the task stands."""
    task_id = submit(ada)
    began = time.monotonic()
    told = ada.get(f"/tasks/{task_id}?wait=50").get_json()
    assert 0.04 < time.monotonic() - began < 5
    assert told == {
        "taskId": task_id,
        "status": "pending",
        "state": "pending",
        "message": "Result not ready yet",
    }
    late = ada.post("/tasks?wait=1", {"command": "true"}).get_json()
    assert (late["status"], late["state"]) == ("pending", "pending")


@pytest.mark.parametrize("wait", ["-1", "0", "-99999999999999999999", "+0"])
def test_no_time_to_wait_is_no_wait(ada: Caller, wait: str) -> None:
    """A wait of nothing or less is answered at once."""
    assert ada.get(f"/tasks/{submit(ada)}", query_string={"wait": wait}).status_code == 200


def test_an_absurd_wait_is_brought_into_bounds(tmp_path: Path) -> None:
    """The longest wait is the server's setting, whatever is asked for."""
    with running_service(tmp_path / "data", max_wait_ms=20) as service:
        ada = service.as_(cast.ADA)
        response = ada.get(f"/tasks/{submit(ada)}?wait=9{'0' * 60}")
        assert response.get_json()["state"] == "pending"


def test_beyond_the_limit_a_wait_is_answered_at_once(tmp_path: Path) -> None:
    """A wait that finds no room gets the present state and a Retry-After; the others go on."""
    with running_service(tmp_path / "data", max_waiting=1) as service:
        ada, wim = service.as_(cast.ADA), Machine(service.as_(cast.WIM))
        task_id = submit(ada, labels=["none=here"])
        parked = service.parked(lambda: ada.get(f"/tasks/{task_id}?wait={LONG}"), results=1)
        for response in (
            ada.get(f"/tasks/{task_id}?wait={LONG}"),
            ada.post(f"/tasks?wait={LONG}", {"command": "true"}),
        ):
            assert response.status_code == 200
            assert response.get_json()["state"] == "pending"
            assert response.headers["Retry-After"]
        assert wim.sync(free=0, wait=25_000)["tasks"] == []
        assert ada.get(f"/tasks/{task_id}/output?wait={LONG}").get_json()["done"] is False
        assert service.as_(cast.OLD).get("/worker/poll?wait=60000").status_code == 200
        assert not parked.done()
        ada.post(f"/tasks/{task_id}/cancel")
        assert parked.result(5).get_json()["state"] == "cancelled"
        later = service.parked(lambda: wim.sync(free=0, wait=25_000), workers=1)
        service.inside.room.close()
        later.result(5)


def test_a_closed_room_answers_all_and_takes_nobody(
    service: RunningService, ada: Caller, wim: Machine
) -> None:
    """When the server stops, parked requests are answered where they stand, and new ones at once."""
    task_id = submit(ada, labels=["none=here"])
    waits = [
        service.parked(lambda: ada.get(f"/tasks/{task_id}?wait={LONG}"), results=1),
        service.parked(lambda: ada.get(f"/tasks/{task_id}/output?wait={LONG}"), results=1),
        service.parked(lambda: wim.ask(free=1, wait=25_000), workers=1),
        service.parked(lambda: service.as_(cast.OLD).get("/worker/poll?wait=60000"), workers=1),
    ]
    service.inside.room.close()
    assert [wait.result(5).status_code for wait in waits] == [200] * 4
    assert ada.get(f"/tasks/{task_id}?wait={LONG}").get_json()["state"] == "pending"
    assert wim.sync(free=1, wait=25_000)["tasks"] == []


def test_a_result_can_be_asked_for_by_readers(service: RunningService, ada: Caller) -> None:
    """Another client, the auditor and the approver may read Ada's result."""
    task_id = submit(ada)
    for person in (cast.BEN, cast.ODO, cast.ANN, cast.MAX):
        assert service.as_(person).get(f"/tasks/{task_id}").status_code == 200
