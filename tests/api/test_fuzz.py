"""Requests made up from the OpenAPI document, right and wrong ones, by everybody: never a 5xx."""

from __future__ import annotations

from typing import Any

import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, given, settings
from schemathesis import GenerationMode
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import response_schema_conformance

from app.api.routing import Endpoint, Nothing, all_endpoints
from app.factory import SUBJECTS
from tests.support import cast
from tests.support.refusals import code_of
from tests.support.service import RunningService

EXAMPLES = 200 if settings.get_current_profile_name() == "long" else 5
ENDPOINTS = all_endpoints(SUBJECTS)
RIGHT = [(endpoint, GenerationMode.POSITIVE) for endpoint in ENDPOINTS]
WRONG = [
    (endpoint, GenerationMode.NEGATIVE)
    for endpoint in ENDPOINTS
    if "{" in endpoint.path or {endpoint.body, endpoint.query} != {Nothing}
]


@pytest.fixture(scope="module")
def document(house: RunningService) -> Any:  # noqa: ANN401 - schemathesis has no types
    """The service's own description, and a waiting room in which nobody waits."""
    house.inside.room.close()
    told = house.as_(cast.NOBODY).get("/openapi.json").get_json()
    document = schemathesis.openapi.from_dict(told)
    document.app = house.app
    return document


@pytest.mark.parametrize(
    ("endpoint", "mode"),
    RIGHT + WRONG,
    ids=lambda value: f"{value.method} {value.path}" if isinstance(value, Endpoint) else value.name.lower(),
)
def test_no_request_is_too_much_for_the_server(
    document: Any,  # noqa: ANN401 - schemathesis has no types
    endpoint: Endpoint,
    mode: GenerationMode,
) -> None:
    """Every answer to anybody is what the document promises, or an error with a sentence and a code."""
    operation = document[endpoint.path][endpoint.method]

    @settings(
        max_examples=EXAMPLES,
        deadline=None,
        database=None,
        derandomize=True,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    @given(case=operation.as_strategy(generation_mode=mode))
    def holds(case: Any) -> None:  # noqa: ANN401 - the same
        for person in cast.EVERYBODY:
            response = case.call(headers=person.headers)
            checks = [response_schema_conformance]
            if not _has_no_bot(response):
                checks.append(not_a_server_error)
            case.validate_response(response, checks=checks)
            if response.status_code >= 400:
                told = response.json()
                assert told["error"], told
                assert code_of(response), told

    holds()


def _has_no_bot(response: Any) -> bool:  # noqa: ANN401 - the same
    """Say whether it is the 500 that old programs know from a server without a bot's token."""
    return bool(response.status_code == 500 and response.json()["code"] == "no_bot_token")
