"""The nine traps on which old programs would stumble, one test or more for each."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest

from app.domain.timing import LEASE_MS
from tests.support import cast
from tests.support.asking import submit
from tests.support.machine import Machine, result
from tests.support.service import Caller, RunningService, running_service

UNFINISHED = {"pending", "running"}


def looks_finished_to_old_clients(told: dict[str, Any]) -> bool:
    """Return what an old client takes an answer for."""
    return "stdout" in told or bool(told.get("error")) or told["status"] not in UNFINISHED


def test_trap_1_an_unfinished_task_never_looks_finished(
    service: RunningService, ada: Caller, wim: Machine
) -> None:
    """Before the end ``status`` is one of two words and neither ``stdout`` nor ``error`` is told."""
    task_id = submit(ada)

    def told() -> dict[str, Any]:
        return dict(ada.get(f"/tasks/{task_id}").get_json())

    assert (told()["status"], told()["state"]) == ("pending", "pending")
    assert not looks_finished_to_old_clients(told())
    claimed = wim.claim()
    assert (told()["status"], told()["state"]) == ("running", "claimed")
    assert not looks_finished_to_old_clients(told())
    wim.report({"type": "start", "lease": claimed["lease"]})
    assert (told()["status"], told()["state"]) == ("running", "running")
    ada.post(f"/tasks/{task_id}/cancel")
    assert not looks_finished_to_old_clients(told())
    assert set(told()) == {"taskId", "status", "state", "message"}


@pytest.mark.parametrize("end", ["cancelled", "expired", "unknown"])
def test_trap_1_an_end_without_a_run_looks_like_a_result(
    service: RunningService, ada: Caller, wim: Machine, end: str
) -> None:
    """What ended without a run has exit code -1, empty output and an error in words."""
    task_id = submit(ada, ttl=1000)
    at = service.clock() + (0 if end == "cancelled" else LEASE_MS)
    if end == "cancelled":
        ada.post(f"/tasks/{task_id}/cancel")
    elif end == "unknown":
        wim.start()
    service.pass_time(LEASE_MS)
    told = ada.get(f"/tasks/{task_id}").get_json()
    assert told["state"] == end
    assert looks_finished_to_old_clients(told)
    assert (told["exitCode"], told["stdout"], told["stderr"]) == (-1, "", "")
    assert len(told["error"]) > 5
    assert told["completedAt"] == at


def survives(response: Any) -> bool:  # noqa: ANN401 - a response
    """Say whether an old worker survives this answer to its poll: a task, null or 401."""
    told = response.get_json()
    if response.status_code == 401:
        return bool(told["error"] == "Unauthorized")
    return response.status_code == 200 and (told is None or "id" in told)


@pytest.mark.parametrize("query", ["", "wait=0", "wait=-1", "wait=abc", "wait=1&wait=2", "wait=%ff", "x=y"])
def test_trap_2_a_poll_brings_a_task_null_or_401(tmp_path: Path, query: str) -> None:
    """Whatever an old worker asks and whoever it is, the answer does not end it."""
    with running_service(tmp_path / "data", max_waiting=1) as service, service.inside.doorway.admission():
        for person in cast.EVERYBODY:
            assert survives(service.as_(person).get(f"/worker/poll?{query}")), person.name


def test_trap_2_a_poll_survives_the_end_of_the_server(tmp_path: Path) -> None:
    """A server that takes no more acts answers null, where another caller hears that it stops."""
    with running_service(tmp_path / "data") as service:
        service.inside.room.close()
        stopped = service.app
    response = Caller(stopped, cast.OLD).get("/worker/poll?wait=60000")
    assert (response.status_code, response.get_json()) == (200, None)
    response = Caller(stopped, cast.OLD).post("/tasks", {"command": "true"})
    assert (response.status_code, response.get_json()["code"]) == (503, "shutting_down")
    assert response.headers["Retry-After"]


def test_trap_3_an_old_worker_gets_only_what_it_knows(service: RunningService, ada: Caller) -> None:
    """Tasks come oldest first, commands without a ``type``, unknown kinds not at all."""
    old = service.as_(cast.OLD)
    ada.post("/codex", {"prompt": "x"})
    ada.post("/tasks", {"kind": "my-kind", "payload": {"command": "rm -r /"}})
    ada.post("/tasks", {"command": "one"})
    ada.post("/files/read", {"path": "/x"})
    ada.post("/files/write", {"path": "/x", "content": "y"})
    ada.post("/files/edit", {"path": "/x", "old_string": "a", "new_string": "b"})
    ada.post("/claude", {"prompt": "hello", "sessionId": "s"})
    got = [old.get("/worker/poll?wait=0").get_json() for _ in range(6)]
    assert [task and task.get("type") for task in got] == [
        None,
        "file-read",
        "file-write",
        "file-edit",
        "claude-cli",
        None,
    ]
    assert "type" not in got[0]
    assert got[-1] is None
    assert got[0]["command"] == "one"
    assert (got[3]["oldString"], got[3]["newString"], got[3]["replaceAll"]) == ("a", "b", False)
    assert got[4]["prompt"] == "hello"
    for task in got[:-1]:
        assert task["status"] == "running"
        assert {"id", "createdAt", "timeout"} <= set(task)


@pytest.mark.parametrize(
    "code", ["ERR_CHILD_PROCESS_STDIO_MAXBUFFER", None, 1.5, True, "0", [1], {"a": 1}, 10**15 * 10]
)
def test_trap_4_an_exit_code_that_is_no_number_is_kept_beside(
    service: RunningService, ada: Caller, code: object
) -> None:
    """What Node gave as exit code becomes -1, and stands in the metadata as it was."""
    old = service.as_(cast.OLD)
    task_id = submit(ada)
    old.get("/worker/poll?wait=0")
    body = {"taskId": task_id, "stdout": "part", "stderr": "", "exitCode": code, "error": "too much"}
    response = old.post("/worker/result", body)
    if code == 10**16:
        assert response.get_json()["code"] == "invalid_json"
        return
    assert response.get_json() == {"success": True}
    told = ada.get(f"/tasks/{task_id}").get_json()
    assert (told["exitCode"], told["state"], told["stdout"]) == (-1, "failed", "part")
    assert told["metadata"]["exitCode"] == code


SUBMITTING: dict[str, Any] = {
    "/tasks": {"command": "true"},
    "/tasks/batch": {"tasks": [{"command": "true"}]},
    "/files/read": {"path": "/x"},
    "/files/write": {"path": "/x", "content": ""},
    "/files/edit": {"path": "/x", "old_string": "a", "new_string": "b"},
    "/claude": {"prompt": "x"},
    "/codex": {"prompt": "x"},
    "/gemini": {"prompt": "x"},
}


@pytest.mark.parametrize(("path", "body"), SUBMITTING.items(), ids=SUBMITTING)
def test_trap_5_posts_are_answered_with_200_and_plain_ids(ada: Caller, path: str, body: object) -> None:
    """Old clients take anything but 200 for an error, and know the form of ids."""
    response = ada.post(path, body)
    assert response.status_code == 200
    told = response.get_json()
    for task_id in told.get("taskIds") or [told["taskId"]]:
        assert re.fullmatch(r"[\w-]+", task_id, re.ASCII)


def test_trap_5_other_posts_are_200_too(service: RunningService, ada: Caller, wim: Machine) -> None:
    """Cancel, rerun and the workers' calls answer 200 as well."""
    task_id = submit(ada)
    statuses = [
        ada.post(f"/tasks/{task_id}/rerun").status_code,
        ada.post(f"/tasks/{task_id}/cancel").status_code,
        wim.ask().status_code,
        wim.tell().status_code,
        service.as_(cast.MAX).post("/workers/wim/drain").status_code,
        service.as_(cast.OLD).post("/worker/event", {"type": "x"}).status_code,
    ]
    assert statuses == [200] * 6


def test_trap_6_tasks_of_one_session_never_run_at_the_same_time(
    service: RunningService, ada: Caller, wim: Machine, wes: Machine
) -> None:
    """While one is claimed or running its siblings wait, for new and for old workers; others go on."""
    wim.kinds = wes.kinds = ("claude-cli",)
    old = service.as_(cast.OLD)

    def ask(session: str) -> str:
        return str(ada.post("/claude", {"prompt": "x", "sessionId": session}).get_json()["taskId"])

    first, second, other = ask("s"), ask("s"), ask("t")
    claimed = wim.claim()
    assert claimed["taskId"] == first
    assert [claim["taskId"] for claim in wes.sync(free=5)["tasks"]] == [other]
    assert old.get("/worker/poll?wait=0").get_json() is None
    wim.report({"type": "start", "lease": claimed["lease"]})
    assert old.get("/worker/poll?wait=0").get_json() is None
    parked = service.parked(lambda: old.get("/worker/poll?wait=60000"), workers=1)
    wim.report(result(claimed))
    assert parked.result(5).get_json()["id"] == second


def test_trap_6_a_session_belongs_to_its_kind(ada: Caller, wim: Machine) -> None:
    """The same session id of another kind is another session."""
    wim.kinds = ("claude-cli", "codex-cli")
    for path in ("/claude", "/codex"):
        ada.post(path, {"prompt": "x", "sessionId": "s"})
    assert [claim["kind"] for claim in wim.sync(free=5)["tasks"]] == list(wim.kinds)


def test_trap_7_a_second_read_gives_the_same_answer(ada: Caller, ben: Caller, wim: Machine) -> None:
    """A result is never deleted by reading it."""
    task_id = submit(ada)
    wim.run(stdout="keep me\n")
    first = ada.get(f"/tasks/{task_id}").get_json()
    assert first["stdout"] == "keep me\n"
    assert ada.get(f"/tasks/{task_id}").get_json() == first
    assert ben.get(f"/tasks/{task_id}?wait=1000").get_json() == first


def test_trap_8_an_old_workers_lease_lasts_the_timeout_and_a_minute(
    service: RunningService, ada: Caller
) -> None:
    """An old worker holds its task without renewing, until its timeout and 60 seconds are over."""
    task_id = submit(ada, timeout=600_000)
    service.as_(cast.OLD).get("/worker/poll?wait=0")
    service.pass_time(600_000 + 60_000 - 1)
    assert service.state_of(task_id) == "running"
    service.pass_time(1)
    assert service.state_of(task_id) == "unknown"


def test_trap_8_a_result_in_that_time_is_taken(service: RunningService, ada: Caller) -> None:
    """A result that comes at the very end of the lease is applied."""
    old = service.as_(cast.OLD)
    task_id = submit(ada, timeout=600_000)
    old.get("/worker/poll?wait=0")
    service.pass_time(650_000)
    assert old.post("/worker/result", {"taskId": task_id, "exitCode": 0, "stdout": "x"}).status_code == 200
    assert service.state_of(task_id) == "completed"


def test_trap_9_a_body_beyond_the_limit_is_413(tmp_path: Path) -> None:
    """The limit of bodies is 5 MiB and can be set; above it the answer is 413 with an error."""
    with running_service(tmp_path / "data") as service:
        ada = service.as_(cast.ADA)
        body = {"path": "/x", "content": "x" * (4 * 1024 * 1024)}
        assert ada.post("/files/write", body).status_code == 200
        before = service.count_events()
        response = ada.post("/files/write", {"path": "/x", "content": "x" * (5 * 1024 * 1024)})
        assert (response.status_code, response.get_json()["code"]) == (413, "body_too_large")
        assert response.get_json()["error"]
        assert service.count_events() == before


def test_trap_9_the_limit_is_a_setting(tmp_path: Path) -> None:
    """A smaller limit is in force for every route, also for bodies of unknown length."""
    with running_service(tmp_path / "data", max_body_bytes=2000) as service:
        ada = service.as_(cast.ADA)
        assert ada.post("/tasks", {"command": "x" * 1000}).status_code == 200
        for path in ("/tasks", "/tasks/batch", "/files/read", "/tasks/x/cancel"):
            assert ada.post(path, {"command": "x" * 3000}).status_code == 413, path
