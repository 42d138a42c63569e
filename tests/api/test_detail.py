"""GET /tasks/:id/detail: everything that is known, and what happens next."""

from __future__ import annotations

from typing import Any

import pytest

from app.domain.timing import LEASE_MS
from tests.support.asking import submit
from tests.support.machine import Machine, result
from tests.support.service import NOON, Caller, RunningService


def detail(caller: Caller, task_id: str) -> dict[str, Any]:
    """Return the whole answer."""
    response = caller.get(f"/tasks/{task_id}/detail")
    assert response.status_code == 200
    return dict(response.get_json())


def explained(caller: Caller, task_id: str) -> tuple[str, bool]:
    """Return the state and whether the task may safely be sent again; both texts are sentences."""
    told = detail(caller, task_id)
    explain = told["explain"]
    assert set(explain) == {"why", "next", "safeToResend"}
    assert all(explain[key].endswith(".") for key in ("why", "next"))
    return told["task"]["state"], explain["safeToResend"]


def test_each_state_of_a_task_is_explained(service: RunningService, ada: Caller, wim: Machine) -> None:
    """From pending to its end, a task says why it stands there, what is next, and if it may be sent again."""
    task_id = submit(ada)
    assert explained(ada, task_id) == ("pending", False)
    claimed = wim.claim()
    assert explained(ada, task_id) == ("claimed", False)
    wim.report({"type": "start", "lease": claimed["lease"]})
    assert explained(ada, task_id) == ("running", False)
    before = detail(ada, task_id)["explain"]
    ada.post(f"/tasks/{task_id}/cancel")
    assert detail(ada, task_id)["explain"] != before
    wim.report(result(claimed, -1, reason="cancelled"))
    assert explained(ada, task_id) == ("cancelled", False)


@pytest.mark.parametrize(("code", "state"), [(0, "completed"), (1, "failed")])
def test_a_run_that_ended_is_explained(ada: Caller, wim: Machine, code: int, state: str) -> None:
    """A finished task's state is final."""
    task_id = submit(ada)
    wim.run(exit_code=code)
    assert explained(ada, task_id) == (state, False)
    assert "final" in detail(ada, task_id)["explain"]["next"]


def test_an_unknown_end_warns_of_sending_again(service: RunningService, ada: Caller, wim: Machine) -> None:
    """A mutating task whose worker was lost is not safe to send again, a reading is."""
    task_id = submit(ada)
    wim.start()
    service.pass_time(LEASE_MS)
    assert explained(ada, task_id) == ("unknown", False)
    assert "look" in detail(ada, task_id)["explain"]["next"].lower()


def test_what_never_ran_is_safe_to_send_again(service: RunningService, ada: Caller) -> None:
    """An expired task was not started, so it may be sent again; so may what only reads."""
    task_id = submit(ada, ttl=1)
    service.pass_time(1)
    assert explained(ada, task_id) == ("expired", True)
    assert explained(ada, submit(ada, effect="read")) == ("pending", True)


def test_a_task_for_later_says_when(ada: Caller) -> None:
    """A task with ``notBefore`` tells how long it still has to wait."""
    told = detail(ada, submit(ada, notBefore=NOON + 5000))
    assert "5000 ms" in told["explain"]["next"]


def test_the_lease_of_a_held_task_is_shown(ada: Caller, wim: Machine) -> None:
    """Who holds it, since when and until when."""
    task_id = submit(ada)
    assert detail(ada, task_id)["task"]["leaseExpiresAt"] is None
    wim.start()
    task = detail(ada, task_id)["task"]
    assert (task["worker"], task["attempt"]) == ("wim", 1)
    assert (task["claimedAt"], task["startedAt"], task["leaseExpiresAt"]) == (NOON, NOON, NOON + LEASE_MS)


def test_the_outcome_is_shown_whole(ada: Caller, wim: Machine) -> None:
    """The accepted outcome stands in the list with its sizes and metadata."""
    task_id = submit(ada)
    wim.report(
        result(
            wim.start(),
            1,
            error="oops",
            durationMs=4,
            metadata={"a": None},
            stdoutBytes=9,
            stderrBytes=2,
            truncated=True,
        )
    )
    assert detail(ada, task_id)["outcomes"] == [
        {
            "attempt": 1,
            "accepted": True,
            "exitCode": 1,
            "reason": "exit",
            "error": "oops",
            "durationMs": 4,
            "metadata": {"a": None},
            "stdoutBytes": 9,
            "stderrBytes": 2,
            "truncated": True,
            "reportedAt": NOON,
        },
    ]


def test_a_lease_is_never_shown(ada: Caller, wim: Machine) -> None:
    """Neither detail nor events nor result give away what proves a lease."""
    task_id = submit(ada)
    grant = wim.start()["lease"].rsplit(".", 1)[1]
    for path in ("", "/detail", "/events", "/output"):
        assert grant not in ada.get(f"/tasks/{task_id}{path}").text


@pytest.mark.parametrize("part", ["detail", "events", "output"])
def test_a_task_that_is_not_there_has_no_parts(ada: Caller, part: str) -> None:
    """It is 404 in the old words."""
    response = ada.get(f"/tasks/none/{part}")
    assert response.status_code == 404
    assert response.get_json() == {"error": "Task not found", "code": "task_not_found"}
