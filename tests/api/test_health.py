"""GET /health."""

from __future__ import annotations

from tests.support import cast
from tests.support.asking import submit
from tests.support.machine import Machine
from tests.support.service import Caller, RunningService


def test_anybody_is_told_that_the_server_is_up(service: RunningService) -> None:
    """No token is needed, and the answer has the words that old clients look for."""
    response = service.as_(cast.NOBODY).get("/health")
    assert response.status_code == 200
    told = response.get_json()
    assert {key: told[key] for key in ("status", "tasks", "results", "activeSessions")} == {
        "status": "ok",
        "tasks": 0,
        "results": 0,
        "activeSessions": 0,
    }
    assert told["version"]


def test_the_numbers_follow_the_tasks(ada: Caller, wim: Machine) -> None:
    """Unfinished tasks are counted as tasks, ended ones as results, however they ended."""
    submit(ada)
    withdrawn = submit(ada)
    submit(ada)
    wim.run()
    ada.post(f"/tasks/{withdrawn}/cancel")
    told = ada.get("/health").get_json()
    assert (told["tasks"], told["results"]) == (1, 2)


def test_the_numbers_survive_a_restart_of_claims(service: RunningService, ada: Caller, wim: Machine) -> None:
    """A claim that goes back to pending is still one task."""
    submit(ada)
    wim.claim()
    service.pass_time(15_001)
    assert ada.get("/health").get_json()["tasks"] == 1
    assert service.inside.backlog.pending == 1
