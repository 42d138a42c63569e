"""Every route and every role: who is let in, and who is turned away with which answer."""

from __future__ import annotations

import itertools

import pytest

from app.api.routing import Endpoint, all_endpoints
from app.domain.roles import Role
from app.factory import SUBJECTS
from tests.support import cast
from tests.support.cast import Person
from tests.support.refusals import code_of
from tests.support.service import RunningService

ENDPOINTS = all_endpoints(SUBJECTS)
C, W, V, R, A = Role.CLIENT, Role.WORKER, Role.APPROVER, Role.AUDITOR, Role.ADMIN
ANYBODY: set[Role] = set()
SUBMITS = {C, A}
READS = {C, V, R, A}
AUDITS = {R, A}
WITNESSES = {C, W, V, R, A}

MATRIX: dict[tuple[str, str], set[Role]] = {
    ("GET", "/health"): ANYBODY,
    ("GET", "/metrics"): ANYBODY,
    ("GET", "/openapi.json"): ANYBODY,
    ("GET", "/docs"): ANYBODY,
    ("POST", "/tasks"): SUBMITS,
    ("POST", "/tasks/batch"): SUBMITS,
    ("POST", "/tasks/{task_id}/cancel"): SUBMITS,
    ("POST", "/tasks/{task_id}/rerun"): SUBMITS,
    ("POST", "/files/read"): SUBMITS,
    ("POST", "/files/write"): SUBMITS,
    ("POST", "/files/edit"): SUBMITS,
    ("POST", "/mcp"): SUBMITS,
    ("POST", "/claude"): SUBMITS,
    ("POST", "/codex"): SUBMITS,
    ("POST", "/gemini"): SUBMITS,
    ("POST", "/notify"): SUBMITS,
    ("POST", "/schedules"): SUBMITS,
    ("GET", "/schedules"): READS,
    ("GET", "/schedules/{name}"): READS,
    ("POST", "/schedules/{name}/change"): SUBMITS,
    ("POST", "/schedules/{name}/pause"): SUBMITS,
    ("POST", "/schedules/{name}/resume"): SUBMITS,
    ("POST", "/schedules/{name}/run"): SUBMITS,
    ("POST", "/schedules/{name}/remove"): SUBMITS,
    ("GET", "/claude/sessions"): READS,
    ("GET", "/claude/recent"): READS,
    ("GET", "/codex/recent"): READS,
    ("GET", "/sessions/stats"): READS,
    ("GET", "/sessions/state"): READS,
    ("GET", "/tasks"): READS,
    ("GET", "/tasks/stats"): READS,
    ("GET", "/tasks/{task_id}"): READS,
    ("GET", "/tasks/{task_id}/detail"): READS,
    ("GET", "/tasks/{task_id}/events"): READS,
    ("GET", "/tasks/{task_id}/output"): READS,
    ("GET", "/tasks/{task_id}/receipt"): READS,
    ("GET", "/log/checkpoint"): WITNESSES,
    ("GET", "/log/key"): WITNESSES,
    ("GET", "/log/proof/inclusion"): WITNESSES,
    ("GET", "/log/proof/consistency"): WITNESSES,
    ("GET", "/log/tile/{tile}"): AUDITS,
    ("GET", "/log/tile/entries/{bundle}"): AUDITS,
    ("GET", "/log/entries/{bundle}"): AUDITS,
    ("GET", "/events"): READS,
    ("GET", "/events/stats"): READS,
    ("GET", "/approvals"): READS,
    ("POST", "/approvals/{approval_id}"): {V, A},
    ("GET", "/workers"): READS,
    ("POST", "/workers/{worker_id}/drain"): {A},
    ("POST", "/workers/{worker_id}/resume"): {A},
    ("GET", "/worker/poll"): {W},
    ("POST", "/worker/sync"): {W},
    ("POST", "/worker/report"): {W},
    ("POST", "/worker/result"): {W},
    ("POST", "/worker/event"): {W},
}
"""Written down once more on purpose: a change of a right has to be said twice."""


def test_every_route_stands_in_the_matrix() -> None:
    """No route is without a line here, and no line is without its route."""
    assert {(endpoint.method, endpoint.path) for endpoint in ENDPOINTS} == set(MATRIX)


@pytest.mark.parametrize("endpoint", ENDPOINTS, ids=lambda endpoint: f"{endpoint.method} {endpoint.path}")
def test_each_person_gets_what_the_matrix_says(house: RunningService, endpoint: Endpoint) -> None:
    """Let in means any answer but 401 and 403; turned away leaves no trace but the denial itself."""
    allowed = MATRIX[endpoint.method, endpoint.path]
    path = endpoint.path.replace("{task_id}", "none").replace("{worker_id}", "nobody")
    for person in cast.EVERYBODY:
        house.clock.move(60_001)
        before = house.count_events(), house.count_events("access.denied")
        response = house.as_(person).send(
            endpoint.method, path, json=_body(endpoint), query_string=_query(endpoint)
        )
        after = house.count_events(), house.count_events("access.denied")
        expected = _expected(endpoint, person, allowed)
        if expected is None:
            assert response.status_code not in (401, 403, 500), person.name
            assert after[1] == before[1]
        else:
            assert (response.status_code, code_of(response)) == expected, person.name
            assert (after[0] - before[0], after[1] - before[1]) == (1, 1), person.name


def test_a_valid_request_of_the_wrong_role_does_nothing(house: RunningService) -> None:
    """A client cannot claim and a worker cannot submit, with requests that are right in all else."""
    sync = {"workerId": "ada", "session": "s", "kinds": ["command"], "free": 1}
    for person, path, body in (
        (cast.ADA, "/worker/sync", sync),
        (cast.MAX, "/worker/sync", sync),
        (cast.WIM, "/tasks", {"command": "true"}),
        (cast.ODO, "/tasks", {"command": "true"}),
        (cast.ANN, "/files/read", {"path": "/x"}),
        (cast.ADA, "/workers/wim/drain", {}),
    ):
        response = house.as_(person).post(path, body)
        assert (response.status_code, response.get_json()["code"]) == (403, "forbidden")
        assert "role" in response.get_json()["error"]
    assert house.count_events("task.submitted") == house.count_events("worker.registered") == 0


def test_the_actor_is_the_role_in_which_one_acts(house: RunningService) -> None:
    """The shared token submits as a client, an admin as an admin."""
    actors = set()
    for person in (cast.ADA, cast.OLD, cast.MAX):
        task_id = house.as_(person).post("/tasks", {"command": "true"}).get_json()["taskId"]
        actors.add(house.as_(cast.ODO).get(f"/tasks/{task_id}/detail").get_json()["task"]["actor"])
    assert actors == {"client:ada", "client:shared", "admin:max"}


def test_the_cast_has_every_role() -> None:
    """The matrix is walked with all roles that there are."""
    assert set(itertools.chain.from_iterable(person.roles for person in cast.STAFF)) == set(Role)


def _expected(endpoint: Endpoint, person: Person, allowed: set[Role]) -> tuple[int, str] | None:
    if not allowed or person.roles & allowed:
        return None
    if not person.roles or endpoint.path == "/worker/poll":  # an old worker survives no 403
        return 401, "unauthorized"
    return 403, "forbidden"


def _body(endpoint: Endpoint) -> object:
    return None if endpoint.method == "GET" else {"surely": "not valid"}


def _query(endpoint: Endpoint) -> dict[str, str]:
    return {"wait": "0"} if endpoint.path == "/worker/poll" else {}
