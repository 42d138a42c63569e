"""GET /worker/poll, POST /worker/result and POST /worker/event: the calls of old workers."""

from __future__ import annotations

from typing import Any

import pytest

from tests.support import cast
from tests.support.asking import submit
from tests.support.machine import Machine
from tests.support.service import NOON, Caller, RunningService


@pytest.fixture
def old(service: RunningService) -> Caller:
    """An old worker with the shared token."""
    return service.as_(cast.OLD)


def poll(old: Caller) -> Any:  # noqa: ANN401 - a task or None
    """Poll without waiting."""
    response = old.get("/worker/poll?wait=0")
    assert response.status_code == 200
    return response.get_json()


def report(old: Caller, task_id: str, **more: object) -> Any:  # noqa: ANN401 - a response
    """Report the end of a task as old workers do."""
    body = {"taskId": task_id, "stdout": "", "stderr": "", "exitCode": 0, "error": None, "duration": 5}
    return old.post("/worker/result", {**body, **more})


def test_one_task_from_submission_to_result(ada: Caller, old: Caller) -> None:
    """An old worker takes a task, runs it, and the client gets the result."""
    task_id = submit(ada, "uname", timeout=9000)
    assert poll(old) == {
        "id": task_id,
        "status": "running",
        "createdAt": NOON,
        "timeout": 9000,
        "command": "uname",
    }
    assert ada.get(f"/tasks/{task_id}").get_json()["status"] == "running"
    assert report(old, task_id, stdout="Linux\n", metadata={"a": 1}).get_json() == {"success": True}
    told = ada.get(f"/tasks/{task_id}").get_json()
    assert (told["stdout"], told["exitCode"], told["metadata"]) == ("Linux\n", 0, {"a": 1})
    assert (told["state"], told["durationMs"]) == ("completed", 5)


def test_the_actors_name_tells_an_old_worker(ada: Caller, old: Caller) -> None:
    """On the record an old worker is the shared token's machine."""
    task_id = submit(ada)
    poll(old)
    report(old, task_id)
    events = ada.get(f"/tasks/{task_id}/events").get_json()["events"]
    assert [(event["type"], event["actor"]) for event in events] == [
        ("task.submitted", "client:ada"),
        ("task.claimed", "worker:shared/v1"),
        ("task.started", "worker:shared/v1"),
        ("task.completed", "worker:shared/v1"),
    ]


def test_a_poll_is_held_until_there_is_a_task(service: RunningService, ada: Caller, old: Caller) -> None:
    """A parked old worker is woken by a submission."""
    parked = service.parked(lambda: old.get("/worker/poll?wait=60000"), workers=1)
    task_id = submit(ada)
    assert parked.result(5).get_json()["id"] == task_id


def test_a_poll_that_finds_nothing_is_null(old: Caller) -> None:
    """When the wait is over the answer is JSON null with status 200."""
    response = old.get("/worker/poll?wait=20")
    assert (response.status_code, response.mimetype, response.text) == (200, "application/json", "null")


def test_the_error_of_an_old_worker_fails_its_task(ada: Caller, old: Caller) -> None:
    """An error with exit code 0 is no success: such a task has failed."""
    task_id = submit(ada)
    poll(old)
    report(old, task_id, error="spawn failed")
    told = ada.get(f"/tasks/{task_id}").get_json()
    assert (told["state"], told["error"]) == ("failed", "spawn failed")


def test_a_result_sent_twice_is_one_result(service: RunningService, ada: Caller, old: Caller) -> None:
    """An old worker that tries again is told yes again."""
    task_id = submit(ada)
    poll(old)
    report(old, task_id, stdout="once")
    events = service.count_events()
    assert report(old, task_id, stdout="once").get_json() == {"success": True}
    assert service.count_events() == events
    assert ada.get(f"/tasks/{task_id}").get_json()["stdout"] == "once"


def test_a_result_of_what_it_does_not_hold_is_evidence(
    service: RunningService, ada: Caller, old: Caller, wim: Machine
) -> None:
    """An old worker cannot end what another worker runs; what it says is kept."""
    task_id = submit(ada)
    wim.start()
    response = report(old, task_id, exitCode=9)
    assert (response.status_code, response.get_json()["code"]) == (409, "lease_lost")
    assert service.state_of(task_id) == "running"
    (kept,) = ada.get(f"/tasks/{task_id}/detail").get_json()["outcomes"]
    assert (kept["accepted"], kept["exitCode"]) == (False, 9)


def test_a_result_for_a_pending_task_is_refused(service: RunningService, ada: Caller, old: Caller) -> None:
    """What was never handed out has no outcome."""
    task_id = submit(ada)
    before = service.count_events()
    assert report(old, task_id).status_code == 409
    assert service.count_events() == before


def test_an_unknown_task_has_no_result(old: Caller) -> None:
    """It is 404, and without an id 400 in the old words."""
    assert report(old, "none").status_code == 404
    response = old.post("/worker/result", {"stdout": ""})
    assert (response.status_code, response.get_json()["error"]) == (400, "taskId is required")


def test_an_event_is_on_the_record(ada: Caller, old: Caller) -> None:
    """What an old worker tells of a task stands beside its other events."""
    task_id = submit(ada)
    body = {"taskId": task_id, "type": "progress", "details": "half", "metadata": {"n": 1}}
    told = old.post("/worker/event", body).get_json()
    assert told["success"] is True
    assert {key: told["event"][key] for key in ("type", "taskId", "details")} == {
        "type": "progress",
        "taskId": task_id,
        "details": "half",
    }
    event = ada.get(f"/tasks/{task_id}/events").get_json()["events"][-1]
    assert event["detail"] == {"name": "progress", "details": {"details": "half", "metadata": {"n": 1}}}


NOT_FOR_OLD = {
    "argv": ("/tasks", {"argv": ["ls"]}),
    "cwd": ("/tasks", {"command": "ls", "cwd": "/srv"}),
    "env": ("/tasks", {"command": "ls", "env": {"A": "b"}}),
    "stdin": ("/tasks", {"command": "cat", "stdin": "x"}),
    "a part of a file": ("/files/read", {"path": "/x", "offset": 5}),
    "base64": ("/files/read", {"path": "/x", "encoding": "base64"}),
    "labels": ("/tasks", {"command": "ls", "labels": ["a=b"]}),
    "codex": ("/codex", {"prompt": "x"}),
    "a model": ("/claude", {"prompt": "x", "model": "opus"}),
    "a folder": ("/claude", {"prompt": "x", "cwd": "~/code"}),
    "a limit of money": ("/claude", {"prompt": "x", "maxCostUsd": 1}),
    "a custom kind": ("/tasks", {"kind": "my-own", "payload": {}}),
}


@pytest.mark.parametrize(("path", "body"), NOT_FOR_OLD.values(), ids=NOT_FOR_OLD)
def test_what_it_does_not_understand_is_not_handed_out(
    ada: Caller, old: Caller, path: str, body: object
) -> None:
    """A task with a field that an old worker would leave out waits for a newer worker."""
    assert ada.post(path, body).status_code == 200
    assert poll(old) is None


def test_a_text_that_looks_like_such_a_field_is_handed_out(ada: Caller, old: Caller) -> None:
    """It is the fields that count, not what a command's text says."""
    command = """echo '{"a":1,"cwd":"/srv"}' ,"""
    task_id = submit(ada, command)
    assert poll(old)["command"] == command
    report(old, task_id)
    content = '{"argv":1,"env":{},"encoding":"base64"}'
    ada.post("/files/write", {"path": "/x", "content": content})
    assert poll(old)["content"] == content


def test_a_head_request_takes_no_task(service: RunningService, ada: Caller, old: Caller) -> None:
    """An answer without a body cannot bring a task, so it must not cost one."""
    task_id = submit(ada)
    assert old.send("HEAD", "/worker/poll?wait=0").status_code == 200
    assert service.state_of(task_id) == "pending"


def test_a_note_with_fractions_is_kept_as_its_text(old: Caller, service: RunningService) -> None:
    """What old workers tell of costs has fractions, which the record keeps as JSON text."""
    told = old.post("/worker/event", {"type": "cost", "details": {"costUsd": 0.25}})
    assert told.status_code == 200
    kept = service.as_(cast.ODO).get("/events?type=worker.noted").get_json()["events"][0]
    assert kept["detail"]["details"] == '{"details":{"costUsd":0.25}}'
