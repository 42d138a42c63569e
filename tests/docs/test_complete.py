"""The documents leave out no default, role, field, effect or command of the code."""

from __future__ import annotations

import re

import pytest

from app.api.routing import Endpoint, all_endpoints
from app.domain.kinds import Effect
from app.domain.roles import TOKEN_PREFIXES, Role
from app.factory import SUBJECTS
from clawtrail.cli import ENTRIES
from config.server import ServerSettings
from config.sources import names_of
from config.worker import WorkerSettings
from tests.docs.markdown import text_of

API = text_of("docs/api.md")
ENDPOINTS = all_endpoints(SUBJECTS)
SETTINGS, _, _ = text_of("docs/configuration.md").partition("## The client")


def _route(endpoint: Endpoint) -> str:
    return f"{endpoint.method} {endpoint.path}"


def _rows(text: str) -> list[list[str]]:
    rows = re.findall(r"^\|(.*)\|$", text, re.MULTILINE)
    return [[cell.strip() for cell in row.split("|")] for row in rows]


@pytest.mark.parametrize("settings", [ServerSettings, WorkerSettings])
def test_defaults_are_those_of_the_code(settings: type[ServerSettings | WorkerSettings]) -> None:
    """The default that docs/configuration.md gives for a setting is the one in the code."""
    rows = [row for row in _rows(SETTINGS) if row[0].startswith("`")]
    shown = {row[0].split("`")[1]: row[1].strip("`") for row in rows}
    wrong = []
    for key, field in settings.model_fields.items():
        name = names_of(field, key)[0]
        if isinstance(field.default, str | int | float):
            default = str(field.default).removesuffix(".0")
            if shown[name].lower() != default.lower():
                wrong.append(f"{name} is {default}, the document says {shown[name]}")
    assert not wrong


@pytest.mark.parametrize("endpoint", [one for one in ENDPOINTS if one.roles], ids=_route)
def test_roles_are_as_the_table_says(endpoint: Endpoint) -> None:
    """The table of roles in docs/api.md allows a route to those whom the code allows it."""
    header = next(row for row in _rows(API) if row[0] == "route")
    row = next(row for row in _rows(API) if f"`{_route(endpoint)}`" in row[0] and len(row) == len(header))
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
    assert any(row[0] == f"`{effect}`" for row in _rows(text_of("docs/states.md")))


@pytest.mark.parametrize("command", ENTRIES)
def test_every_command_is_documented(command: str) -> None:
    """Each command of the command line stands in CHANGELOG.md, which lists them."""
    assert f"`{command}`" in text_of("CHANGELOG.md") or f"clawtrail {command}" in text_of(
        "docs/quickstart.md"
    )
