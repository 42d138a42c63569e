"""GET /openapi.json and GET /docs."""

from __future__ import annotations

import html
from typing import Any

import jsonschema_rs
import pytest

from app.api.routing import all_endpoints
from app.factory import SUBJECTS
from tests.support import cast
from tests.support.service import RunningService

ENDPOINTS = all_endpoints(SUBJECTS)


@pytest.fixture(scope="module")
def document(house: RunningService) -> dict[str, Any]:
    """The OpenAPI document, as a stranger reads it."""
    response = house.as_(cast.NOBODY).get("/openapi.json")
    assert response.status_code == 200
    told: dict[str, Any] = response.get_json()
    return told


def test_it_is_openapi_3_1(document: dict[str, Any]) -> None:
    """The document says what it is and has a title and a version."""
    assert document["openapi"].startswith("3.1")
    assert document["info"]["title"]
    assert document["info"]["version"]


def test_every_reference_leads_somewhere(document: dict[str, Any]) -> None:
    """No ``$ref`` of the document points at nothing."""
    for reference in _references(document):
        found: Any = document
        for part in reference.removeprefix("#/").split("/"):
            assert part in found, reference
            found = found[part]


def test_every_schema_is_a_json_schema(document: dict[str, Any]) -> None:
    """Each schema in the document is valid by JSON Schema 2020-12, which OpenAPI 3.1 uses."""
    for name, schema in document["components"]["schemas"].items():
        assert jsonschema_rs.meta.is_valid(schema), name


def test_operations_are_named_once(document: dict[str, Any]) -> None:
    """No two operations share an ``operationId``."""
    names = [operation["operationId"] for operation in _operations(document)]
    assert len(names) == len(set(names))


@pytest.mark.parametrize("endpoint", ENDPOINTS, ids=lambda e: f"{e.method} {e.path}")
def test_each_route_stands_in_both(house: RunningService, document: dict[str, Any], endpoint: Any) -> None:  # noqa: ANN401
    """Each route stands in the document with its summary, and on the page with path and roles."""
    operation = document["paths"][endpoint.path][endpoint.method.lower()]
    assert operation["summary"]
    page = house.as_(cast.NOBODY).get("/docs")
    assert page.mimetype == "text/html"
    assert f"<code>{html.escape(endpoint.path)}</code>" in page.text
    assert html.escape(operation["summary"]) in page.text


def test_the_document_lists_no_route_that_is_not_there(document: dict[str, Any]) -> None:
    """The document has exactly the routes of the service."""
    listed = {(method.upper(), path) for path, methods in document["paths"].items() for method in methods}
    assert listed == {(endpoint.method, endpoint.path) for endpoint in ENDPOINTS}


def _operations(document: dict[str, Any]) -> list[dict[str, Any]]:
    return [operation for methods in document["paths"].values() for operation in methods.values()]


def _references(value: object) -> list[str]:
    if isinstance(value, dict):
        own = [value["$ref"]] if isinstance(value.get("$ref"), str) else []
        return own + [found for inner in value.values() for found in _references(inner)]
    if isinstance(value, list):
        return [found for inner in value for found in _references(inner)]
    return []
