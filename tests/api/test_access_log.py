"""X-Request-Id on every answer, and denied accesses on the record."""

from __future__ import annotations

import logging

import pytest

from tests.support import cast
from tests.support.service import RunningService

PATHS = ["/health", "/tasks", "/tasks/none", "/nowhere", "/docs", "/openapi.json", "/metrics"]


@pytest.mark.parametrize("path", PATHS)
def test_every_answer_has_a_request_id(house: RunningService, path: str) -> None:
    """Good answers and errors alike carry an id, each its own."""
    ids = {house.as_(cast.ADA).get(path).headers["X-Request-Id"] for _ in range(3)}
    assert len(ids) == 3


def test_a_callers_own_id_is_kept(house: RunningService) -> None:
    """Whoever sends an id finds it on the answer."""
    response = house.as_(cast.ADA).get("/tasks", headers={"X-Request-Id": "my-request.0001"})
    assert response.headers["X-Request-Id"] == "my-request.0001"


@pytest.mark.parametrize(
    "given", ["short", "x" * 65, "with blank in it", "caf\xe9-\xe9\xe9\xe9\xe9", "a;b;c;d;e;f"]
)
def test_an_id_of_another_form_is_replaced(house: RunningService, given: str) -> None:
    """What could confuse a log is not taken over."""
    response = house.as_(cast.ADA).get("/tasks", headers={"X-Request-Id": given})
    assert response.headers["X-Request-Id"] != given


def test_the_log_line_tells_who_and_what_without_secrets(
    house: RunningService, caplog: pytest.LogCaptureFixture
) -> None:
    """One line a request, with name, path and status, and never the token or the query."""
    with caplog.at_level(logging.INFO, logger="clawtrail.access"):
        house.as_(cast.ADA).get("/tasks?q=secret-word")
    (line,) = [record for record in caplog.records if record.name == "clawtrail.access"]
    fields = vars(line)["fields"]
    assert (fields["who"], fields["status"]) == ("ada", 200)
    assert (fields["method"], fields["path"]) == ("GET", "/tasks")
    assert "secret-word" not in str(vars(line))
    assert str(cast.ADA.token) not in str(vars(line))


def test_a_denied_access_is_an_event_at_most_once_a_minute(service: RunningService) -> None:
    """The first denial of a source is on the record with what was tried; more of them after a minute."""
    stranger = service.as_(cast.NOBODY)
    for _ in range(5):
        stranger.get("/tasks")
    assert service.count_events("access.denied") == 1
    service.clock.move(59_999)
    stranger.post("/tasks", {"command": "true"})
    assert service.count_events("access.denied") == 1
    service.clock.move(1)
    stranger.post("/worker/sync", {})
    assert service.count_events("access.denied") == 2
    events = service.as_(cast.ODO).get("/events?type=access.denied").get_json()["events"]
    assert events[0]["detail"] == {"method": "POST", "path": "/worker/sync", "status": 401}
    assert events[0]["actor"] == "address:127.0.0.1"


def test_each_source_counts_for_itself(service: RunningService) -> None:
    """A token of the wrong role is told by its name, a stranger by the address."""
    for _ in range(2):
        for address in ("203.0.113.1", "203.0.113.2"):
            service.as_(cast.NOBODY).get("/tasks", environ_overrides={"REMOTE_ADDR": address})
        service.as_(cast.WIM).get("/tasks")
        service.as_(cast.ADA).post("/worker/sync")
    events = service.as_(cast.ODO).get("/events?type=access.denied").get_json()["events"]
    assert {(event["actor"], event["detail"]["status"]) for event in events} == {
        ("address:203.0.113.1", 401),
        ("address:203.0.113.2", 401),
        ("token:wim", 403),
        ("token:ada", 403),
    }
    assert len(events) == 4


def test_what_a_stranger_sends_is_cut_before_it_is_kept(service: RunningService) -> None:
    """An endless path does not grow the record."""
    service.as_(cast.NOBODY).get("/tasks/" + "x" * 5000)
    (event,) = service.as_(cast.ODO).get("/events?type=access.denied").get_json()["events"]
    assert len(event["detail"]["path"]) == 200
