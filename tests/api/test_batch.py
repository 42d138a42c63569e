"""POST /tasks/batch: all or nothing."""

from __future__ import annotations

import pytest

from tests.support import cast
from tests.support.machine import Machine
from tests.support.service import Caller, RunningService


def test_a_thousand_tasks_are_taken_in_order(ada: Caller, wim: Machine) -> None:
    """A batch is answered with one id per task, in the order in which workers get them."""
    tasks = [{"command": f"echo {number}"} for number in range(1000)]
    response = ada.post("/tasks/batch", {"tasks": tasks})
    assert response.status_code == 200
    told = response.get_json()
    assert told["count"] == len(set(told["taskIds"])) == 1000
    claimed = wim.sync(free=64)["tasks"]
    assert [claim["taskId"] for claim in claimed] == told["taskIds"][:64]
    assert claimed[5]["payload"] == {"command": "echo 5"}


REFUSED = {
    "no tasks": {},
    "an empty list": {"tasks": []},
    "too many": {"tasks": [{"command": "true"}] * 1001},
    "not a list": {"tasks": {"command": "true"}},
    "one without command": {"tasks": [{"command": "true"}, {}]},
    "an unknown field": {"tasks": [{"command": "true"}], "dry": True},
}


@pytest.mark.parametrize("body", REFUSED.values(), ids=REFUSED)
def test_one_bad_task_refuses_the_whole_batch(house: RunningService, body: object) -> None:
    """A batch with any fault is 400, and none of its tasks is taken."""
    before = house.count_events()
    response = house.as_(cast.ADA).post("/tasks/batch", body)
    assert (response.status_code, response.get_json()["code"]) == (400, "invalid_request")
    assert house.count_events() == before


def test_the_fault_is_named_by_its_place(ada: Caller) -> None:
    """The sentence says which task of the batch is wrong."""
    body = {"tasks": [{"command": "true"}, {"command": "true", "priority": 1000}]}
    assert "tasks.1.priority" in ada.post("/tasks/batch", body).get_json()["error"]
