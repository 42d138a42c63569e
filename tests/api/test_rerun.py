"""POST /tasks/:id/rerun."""

from __future__ import annotations

from tests.support.asking import submit
from tests.support.machine import Machine
from tests.support.service import NOON, Caller


def test_it_is_a_new_task_that_names_the_old_one(ada: Caller, ben: Caller, wim: Machine) -> None:
    """Content and options are those of the old task, the submitter is who asked, the dates are not kept."""
    old = submit(
        ada,
        "make test",
        cwd="/srv",
        timeout=9000,
        priority=3,
        tags=["t"],
        labels=["a=b"],
        ttl=9000,
        notBefore=NOON - 5,
        effect="read",
        maxAttempts=2,
        sessionId="s",
        onBehalfOf="x",
    )
    response = ben.post(f"/tasks/{old}/rerun")
    assert response.status_code == 200
    new = response.get_json()["taskId"]
    assert new != old
    assert response.get_json()["rerunOf"] == old
    first, again = (ada.get(f"/tasks/{one}/detail").get_json()["task"] for one in (old, new))
    same = (
        "payload",
        "timeout",
        "priority",
        "tags",
        "labels",
        "effect",
        "maxAttempts",
        "sessionKey",
        "onBehalfOf",
    )
    assert {key: again[key] for key in same} == {key: first[key] for key in same}
    assert (again["rerunOf"], again["actor"]) == (old, "client:ben")
    assert (again["expiresAt"], again["notBefore"]) == (None, None)


def test_a_finished_task_runs_again(ada: Caller, wim: Machine) -> None:
    """The old result stays, and the new task gets one of its own."""
    old = submit(ada)
    wim.run(stdout="one\n")
    new = ada.post(f"/tasks/{old}/rerun").get_json()["taskId"]
    wim.run(stdout="two\n")
    assert ada.get(f"/tasks/{old}").get_json()["stdout"] == "one\n"
    assert ada.get(f"/tasks/{new}").get_json()["stdout"] == "two\n"


def test_an_unknown_task_cannot_be_run_again(ada: Caller) -> None:
    """It is 404 in the old words."""
    response = ada.post("/tasks/none/rerun")
    assert (response.status_code, response.get_json()["code"]) == (404, "task_not_found")
