"""The documents leave out no role, field, effect or command of the code."""

from __future__ import annotations

import re

import pytest

from app.api.routing import Endpoint, all_endpoints
from app.domain.kinds import Effect
from app.domain.roles import TOKEN_PREFIXES, Role
from app.factory import SUBJECTS
from clawtrail.cli import ENTRIES
from tests.docs.markdown import table_rows, text_of

API = text_of("docs/api.md")
ENDPOINTS = all_endpoints(SUBJECTS)


def _route(endpoint: Endpoint) -> str:
    return f"{endpoint.method} {endpoint.path}"


@pytest.mark.parametrize("endpoint", [one for one in ENDPOINTS if one.roles], ids=_route)
def test_roles_are_as_the_table_says(endpoint: Endpoint) -> None:
    """The table of roles in docs/api.md allows a route to those whom the code allows it."""
    header = next(row for row in table_rows(API) if row[0] == "route")
    row = next(
        row for row in table_rows(API) if f"`{_route(endpoint)}`" in row[0] and len(row) == len(header)
    )
    allowed = {name for name, cell in zip(header, row, strict=True) if cell == "yes"}
    assert allowed == {role.value for role in endpoint.roles}


@pytest.mark.parametrize("role", Role)
def test_every_role_is_documented(role: Role) -> None:
    """Each role stands in docs/api.md with the prefix of its tokens."""
    assert f"| `{role}` | `{TOKEN_PREFIXES[role]}` |" in API


@pytest.mark.parametrize("endpoint", ENDPOINTS, ids=_route)
def test_every_field_of_a_request_is_documented(endpoint: Endpoint) -> None:
    """Each field that a route takes in its body or its query stands in docs/api.md."""
    models = (endpoint.body, endpoint.query)
    fields = {str(field.alias or name) for model in models for name, field in model.model_fields.items()}
    assert {field for field in fields if not re.search(rf"[`?&{{ ]{field}[`=,}} ]", API)} == set()


@pytest.mark.parametrize("effect", Effect)
def test_every_effect_is_documented(effect: Effect) -> None:
    """Each effect has a line in docs/states.md."""
    assert any(row[0] == f"`{effect}`" for row in table_rows(text_of("docs/states.md")))


@pytest.mark.parametrize("command", ENTRIES)
def test_every_command_is_documented(command: str) -> None:
    """Each command of the command line stands in a list of CHANGELOG.md or is shown in a document."""
    shown = text_of(
        "docs/quickstart.md",
        "docs/audit.md",
        "docs/receipts.md",
        "docs/operations.md",
        "docs/approvals.md",
        "docs/policy.md",
        "docs/schedules.md",
        "docs/secrets.md",
        "docs/signing.md",
    )
    assert f"`{command}`" in text_of("CHANGELOG.md") or f"clawtrail {command}" in shown
