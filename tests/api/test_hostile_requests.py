"""Paths, methods, queries and headers that no program sends on purpose."""

from __future__ import annotations

from typing import Any
from urllib.parse import quote

import pytest

from app.api.routing import all_endpoints
from app.factory import SUBJECTS
from tests.support import cast
from tests.support.asking import submit
from tests.support.refusals import code_of
from tests.support.service import RunningService

IDS = [
    "x" * 5000,
    "%00",
    "%ff%fe",
    "%ed%a0%80",
    "..",
    "..%2f..%2fetc%2fpasswd",
    "%2e%2e",
    "' OR 1=1 --",
    "%27%20OR%201=1",
    "%25s",
    "$(id)",
    "null",
    "-1",
    "0",
    "9" * 400,
    "%F0%9F%98%80",
    "\u202e",
    "%0d%0aX-Evil:%201",
    "*",
]
PATHS = [
    "/nowhere",
    "/tasks//x",
    "/tasks/x/y/z",
    "/TASKS",
    "/tasks;x=1",
    "/worker",
    "/.git/config",
    "/workers//drain",
]


@pytest.mark.parametrize("task_id", IDS, ids=lambda task_id: task_id[:20])
@pytest.mark.parametrize("part", ["", "/detail", "/events", "/output"])
def test_a_strange_id_is_a_task_that_is_not_there(house: RunningService, task_id: str, part: str) -> None:
    """Whatever stands in the place of an id, the answer is 404 with a code."""
    response = house.as_(cast.ADA).get(f"/tasks/{quote(task_id, safe='%')}{part}")
    assert response.status_code == 404
    assert response.get_json()["code"] in ("task_not_found", "not_found")


@pytest.mark.parametrize("task_id", IDS, ids=lambda task_id: task_id[:20])
def test_a_strange_id_cannot_be_acted_on(house: RunningService, task_id: str) -> None:
    """Cancelling, running again and draining what is not there writes nothing."""
    before = house.count_events()
    for person, path in (
        (cast.ADA, f"/tasks/{quote(task_id, safe='%')}/cancel"),
        (cast.ADA, f"/tasks/{quote(task_id, safe='%')}/rerun"),
        (cast.MAX, f"/workers/{quote(task_id, safe='%')}/drain"),
    ):
        response = house.as_(person).post(path)
        assert response.status_code == 404
        assert response.get_json()["code"] in ("task_not_found", "worker_not_found", "not_found")
    assert house.count_events() == before


@pytest.mark.parametrize("path", PATHS)
def test_an_address_that_is_not_there_is_404(house: RunningService, path: str) -> None:
    """No redirects, no files: a sentence and a code."""
    response = house.as_(cast.ADA).get("/", environ_overrides={"PATH_INFO": path})
    assert (response.status_code, response.get_json()["code"]) == (404, "not_found")
    assert response.get_json()["error"]


@pytest.mark.parametrize("method", ["PUT", "PATCH", "DELETE", "TRACE", "PROPFIND", "get", "X" * 50])
def test_another_method_is_405_and_says_which_are_taken(house: RunningService, method: str) -> None:
    """The answer is JSON with a code, and the header that the standard asks for."""
    response = house.as_(cast.ADA).send(method, "/tasks/none/cancel")
    assert (response.status_code, response.get_json()["code"]) == (405, "method_not_allowed")
    assert "POST" in response.headers["Allow"]


@pytest.mark.parametrize("endpoint", all_endpoints(SUBJECTS), ids=lambda e: f"{e.method} {e.path}")
def test_every_route_refuses_the_other_method(house: RunningService, endpoint: Any) -> None:  # noqa: ANN401
    """A GET route takes no DELETE, a POST route neither, and nothing is written."""
    path = endpoint.path.replace("{task_id}", "none").replace("{worker_id}", "none")
    before = house.count_events()
    assert code_of(house.as_(cast.MAX).send("DELETE", path)) == "method_not_allowed"
    assert house.count_events() == before


QUERIES = [
    "wait=abc",
    "wait=",
    "wait=1e9",
    "wait=NaN",
    "wait=null",
    "wait=1&wait=2",
    "wait=%00",
    "wait=%ff",
    "wait=%2B-5",
    "wait=0x10",
    "wait=" + "x" * 5000,
    "wait[]=1",
    "wait=1.5",
    "wait=%E2%82%AC",
    "wait=true",
]


@pytest.mark.parametrize("query", QUERIES, ids=lambda query: query[:20])
def test_a_strange_wait_is_refused_or_ignored(house: RunningService, query: str) -> None:
    """A wait that is no number is 400 on reading and on submitting, and submits nothing."""
    ada = house.as_(cast.ADA)
    task_id = submit(ada)
    before = house.count_events()
    responses = [ada.get(f"/tasks/{task_id}?{query}"), ada.post(f"/tasks?{query}", {"command": "true"})]
    if query == "wait[]=1":  # an unknown name, which old routes ignore
        assert [response.status_code for response in responses] == [200, 200]
        return
    for response in responses:
        assert (response.status_code, response.get_json()["code"]) == (400, "invalid_request")
    assert house.count_events() == before


HEADERS: list[dict[str, str]] = [
    {"Authorization": "Bearer " + "x" * 100_000},
    {"Authorization": "\x80\xff"},
    {"Authorization": "Bearer \xe9"},
    {"Authorization": "Digest username=x"},
    {"Authorization": ""},
]


@pytest.mark.parametrize("headers", HEADERS, ids=lambda headers: repr(headers["Authorization"][:20]))
def test_a_strange_token_is_nobodys(house: RunningService, headers: dict[str, str]) -> None:
    """It is 401, never an error of the server."""
    assert house.as_(cast.NOBODY).get("/tasks", headers=headers).status_code == 401


def test_strange_headers_change_nothing(house: RunningService) -> None:
    """Headers that other servers believe are of no effect here."""
    response = house.as_(cast.ADA).get(
        "/tasks",
        headers={
            "Host": "evil.example:99999",
            "X-HTTP-Method-Override": "DELETE",
            "X-Forwarded-For": "not an address, '; --",
            "X-Forwarded-Host": "evil.example",
            "X-Original-URL": "/workers/wim/drain",
            "Range": "bytes=0-1",
            "If-None-Match": "*",
            "Accept": "application/xml",
            "Accept-Encoding": "br;q=x",
            "Expect": "the unexpected",
            "Cookie": "a=b; " * 1000,
        },
    )
    assert response.status_code == 200
    assert "evil" not in str(response.headers)


def test_a_body_on_a_get_is_not_read(house: RunningService) -> None:
    """What a GET brings as a body is ignored, whatever it is."""
    response = house.as_(cast.ADA).send("GET", "/tasks", data=b"{", content_type="application/json")
    assert response.status_code == 200


def test_options_and_head_write_nothing(house: RunningService) -> None:
    """The methods that only ask are answered without an act."""
    before = house.count_events() - house.count_events("access.denied")
    for endpoint in all_endpoints(SUBJECTS):
        path = endpoint.path.replace("{task_id}", "none").replace("{worker_id}", "none")
        for person in (cast.MAX, cast.OLD):
            assert house.as_(person).send("OPTIONS", path).status_code == 200
            if endpoint.method == "GET":
                assert house.as_(person).send("HEAD", path).status_code < 500
    assert house.count_events() - house.count_events("access.denied") == before
