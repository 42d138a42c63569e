"""GET /metrics: for loopback and for admins."""

from __future__ import annotations

import pytest

from tests.support import cast
from tests.support.asking import submit
from tests.support.service import Caller, RunningService

FROM_AFAR = {"REMOTE_ADDR": "203.0.113.9"}
FORWARDED = [
    {"X-Forwarded-For": "203.0.113.9"},
    {"Forwarded": "for=203.0.113.9"},
    {"X-Real-IP": "203.0.113.9"},
    {"Via": "1.1 proxy"},
]


def test_loopback_reads_them_without_a_token(service: RunningService, ada: Caller) -> None:
    """Prometheus beside the server needs no token, and finds the numbers in its text format."""
    submit(ada)
    response = service.as_(cast.NOBODY).get("/metrics")
    assert response.status_code == 200
    assert response.mimetype == "text/plain"
    assert 'clawtrail_tasks{is="pending"} 1.0' in response.text
    assert 'clawtrail_parked{of="workers"} 0.0' in response.text


@pytest.mark.parametrize("headers", FORWARDED, ids=lambda headers: next(iter(headers)))
def test_what_a_proxy_forwards_is_not_loopback(service: RunningService, headers: dict[str, str]) -> None:
    """Behind a proxy everybody seems to come from loopback: such a request has to show a token."""
    response = service.as_(cast.NOBODY).get("/metrics", headers=headers)
    assert (response.status_code, response.get_json()["code"]) == (403, "forbidden")


def test_from_afar_it_takes_an_admin(service: RunningService) -> None:
    """Of all people only the admin reads the numbers from another machine."""
    allowed = {
        person.name
        for person in cast.EVERYBODY
        if service.as_(person).get("/metrics", environ_overrides=FROM_AFAR).status_code == 200
    }
    assert allowed == {cast.MAX.name}
