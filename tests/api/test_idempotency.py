"""The header Idempotency-Key on every submitting route."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from tests.support import cast
from tests.support.asking import submit
from tests.support.machine import Machine
from tests.support.service import Caller, RunningService, running_service

KEY = {"Idempotency-Key": "order-66"}
ROUTES = {
    "/tasks": {"command": "true"},
    "/tasks/batch": {"tasks": [{"command": "true"}, {"command": "false"}]},
    "/files/read": {"path": "/x"},
    "/files/write": {"path": "/x", "content": "y"},
    "/files/edit": {"path": "/x", "old_string": "a", "new_string": "b"},
}


@pytest.mark.parametrize(("path", "body"), ROUTES.items(), ids=ROUTES)
def test_the_same_request_again_is_the_same_task(
    service: RunningService, ada: Caller, path: str, body: object
) -> None:
    """Key and body again give the first answer again, and nothing new is on the record."""
    first = ada.post(path, body, headers=KEY)
    assert first.status_code == 200
    events = service.count_events()
    again = ada.post(path, body, headers=KEY)
    assert (again.status_code, again.get_json()) == (200, first.get_json())
    assert service.count_events() == events


@pytest.mark.parametrize(("path", "body"), ROUTES.items(), ids=ROUTES)
def test_the_same_key_with_another_body_is_a_conflict(
    service: RunningService, ada: Caller, path: str, body: object
) -> None:
    """A key stands for one request: another body with it is 409, and nothing is written."""
    ada.post(path, body, headers=KEY)
    events = service.count_events()
    other = {"tasks": [{"command": "other"}]} if "tasks" in dict(body) else {**body, "timeout": 77_000}  # type: ignore[call-overload, dict-item]
    again = ada.post(path, other, headers=KEY)
    assert (again.status_code, again.get_json()["code"]) == (409, "idempotency_conflict")
    assert service.count_events() == events


def test_the_order_of_fields_does_not_matter(ada: Caller) -> None:
    """The same request with its fields in another order, or a default spelled out, is the same."""
    first = ada.post("/tasks", {"command": "true", "priority": 0}, headers=KEY).get_json()
    assert ada.post("/tasks", {"timeout": 30_000, "command": "true"}, headers=KEY).get_json() == first


def test_keys_are_each_submitters_own(ada: Caller, ben: Caller) -> None:
    """Ada and Ben may use the same key for different tasks."""
    first = ada.post("/tasks", {"command": "true"}, headers=KEY).get_json()
    other = ben.post("/tasks", {"command": "false"}, headers=KEY)
    assert other.status_code == 200
    assert other.get_json()["taskId"] != first["taskId"]


def test_the_path_belongs_to_the_request(ada: Caller) -> None:
    """A key of a reading does not stand for another route."""
    ada.post("/files/read", {"path": "/x"}, headers=KEY)
    assert ada.post("/tasks", {"command": "true"}, headers=KEY).status_code == 409


def test_a_key_repeated_after_the_end_waits_for_nothing(ada: Caller, wim: Machine) -> None:
    """With ``wait``, a repeated request gets the result of the first task at once."""
    first = ada.post("/tasks", {"command": "true"}, headers=KEY).get_json()
    wim.run(stdout="done\n")
    again = ada.post("/tasks?wait=60000", {"command": "true"}, headers=KEY).get_json()
    assert (again["taskId"], again["stdout"]) == (first["taskId"], "done\n")


def test_a_repeated_rerun_is_one_task(ada: Caller) -> None:
    """Running again is submitting too: with a key it happens once."""
    task_id = submit(ada)
    first = ada.post(f"/tasks/{task_id}/rerun", headers=KEY).get_json()
    assert ada.post(f"/tasks/{task_id}/rerun", headers=KEY).get_json() == first
    other = ada.post(f"/tasks/{submit(ada)}/rerun", headers=KEY)
    assert (other.status_code, other.get_json()["code"]) == (409, "idempotency_conflict")


def test_of_many_at_once_one_is_taken(service: RunningService, ada: Caller) -> None:
    """The same request from ten threads at once makes one task, and all ten hear of it."""
    with ThreadPoolExecutor(10) as pool:
        answers = list(
            pool.map(lambda _: ada.post("/tasks", {"command": "true"}, headers=KEY).get_json(), range(10))
        )
    assert len({answer["taskId"] for answer in answers}) == 1
    assert service.count_events("task.submitted") == 1


def test_a_retry_finds_its_task_when_the_queue_is_full(tmp_path: Path) -> None:
    """Whoever lost the answer to an accepted task is not told that the queue is full."""
    with running_service(tmp_path / "data", max_pending=1) as service:
        ada = service.as_(cast.ADA)
        first = ada.post("/tasks", {"command": "true"}, headers=KEY).get_json()
        assert ada.post("/tasks", {"command": "true"}, headers=KEY).get_json() == first
        assert ada.post("/tasks", {"command": "true"}).status_code == 429
        other = ada.post("/tasks", {"command": "other"}, headers=KEY)
        assert other.get_json()["code"] == "idempotency_conflict"


def test_keys_survive_a_restart(tmp_path: Path) -> None:
    """A key is remembered for good: also by the next life of the server."""
    with running_service(tmp_path / "data") as service:
        first = service.as_(cast.ADA).post("/tasks", {"command": "true"}, headers=KEY).get_json()
    with running_service(tmp_path / "data") as service:
        assert service.as_(cast.ADA).post("/tasks", {"command": "true"}, headers=KEY).get_json() == first


@pytest.mark.parametrize("key", ["", "x" * 256, "tab\there", "caf\xe9\x85"], ids=repr)
def test_a_key_is_up_to_255_printable_characters(house: RunningService, key: str) -> None:
    """Other keys are refused, not cut or ignored."""
    before = house.count_events()
    response = house.as_(cast.ADA).post("/tasks", {"command": "true"}, headers={"Idempotency-Key": key})
    assert (response.status_code, response.get_json()["code"]) == (400, "invalid_request")
    assert house.count_events() == before
