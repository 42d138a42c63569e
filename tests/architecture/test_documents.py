"""The documents are complete: what programs and people can rely on stands in docs/, and nothing else does."""

import re

import pytest
from pydantic import AliasChoices, BaseModel
from pydantic.fields import FieldInfo

from app.api.errors import HTTP_CODES, STATUS
from app.api.routing import all_endpoints
from app.domain.event_types import EventType
from app.domain.states import TRANSITIONS, State
from app.factory import SUBJECTS
from config.server import ServerSettings
from config.worker import WorkerSettings
from tests.support.processes import REPOSITORY
from tests.support.sources import PROGRAMS, sources


def _document(name: str) -> str:
    return (REPOSITORY / name).read_text(encoding="utf-8")


def _names(field: FieldInfo) -> set[str]:
    assert isinstance(field.validation_alias, AliasChoices)
    return {str(choice) for choice in field.validation_alias.choices}


def _own_names(settings: type[BaseModel]) -> set[str]:
    """The names of ours, without those of old deployments and without what is meant for several programs."""
    prefix = "CLAWTRAIL_WORKER_" if settings is WorkerSettings else "CLAWTRAIL_"
    names = {name for field in settings.model_fields.values() for name in _names(field)}
    return {name for name in names if name.startswith(prefix)}


def _table(document: str, *, columns: int) -> list[list[str]]:
    """The cells of every table row with so many columns, without backticks."""
    rows = [line.split("|")[1:-1] for line in document.splitlines() if line.startswith("|")]
    return [[cell.strip(" `") for cell in row] for row in rows if len(row) == columns]


@pytest.mark.parametrize("settings", [ServerSettings, WorkerSettings])
def test_every_setting_is_documented(settings: type[BaseModel]) -> None:
    """Each name under which something can be set, old ones too, stands in docs/configuration.md."""
    names = {name for field in settings.model_fields.values() for name in _names(field)}
    documented = set(re.findall(r"`([A-Z][A-Z_]+)`", _document("docs/configuration.md")))
    assert not names - documented


@pytest.mark.parametrize(
    ("settings", "example"),
    [(ServerSettings, "config/server.example.env"), (WorkerSettings, "config/worker.example.env")],
)
def test_examples_hold_every_setting(settings: type[BaseModel], example: str) -> None:
    """The example files name every setting of ours and no other; those for secrets may be NAME_FILE."""
    named = set(re.findall(r"^#?([A-Z_]+)=", _document(example), re.MULTILINE))
    own = _own_names(settings)
    assert not own - named
    assert not named - own - {f"{name}_FILE" for name in own}


def test_every_route_is_documented() -> None:
    """Each route that is served stands in docs/api.md with its method, and no other does."""
    served = {f"{endpoint.method} {endpoint.path}" for endpoint in all_endpoints(SUBJECTS)}
    headings = [line for line in _document("docs/api.md").splitlines() if line.startswith("### ")]
    documented = {route for line in headings for route in re.findall(r"(?:GET|POST) /[\w/.{}-]*", line)}
    assert documented == served


def test_every_error_code_is_documented() -> None:
    """Each code that an answer can carry stands with its status in docs/api.md, and no other does."""
    codes = {(str(status), error.code) for error, status in STATUS.items()}
    codes |= {(str(status), code) for status, code in HTTP_CODES.items()}
    # Those that the parsing of bodies says by itself, and the answer to what nobody foresaw.
    for source in sources("app/api"):
        codes |= {("400", code) for code in re.findall(r'code="(invalid_\w+)"', source.text)}
    codes.add(("500", "internal_error"))
    table = _table(_document("docs/api.md"), columns=4)
    documented = {
        (row[0], code.strip(" `"))
        for row in table
        if re.fullmatch(r"[45]\d\d", row[0])
        for code in row[1].split(",")
    }
    assert documented == codes


def test_every_event_type_is_documented() -> None:
    """Each type of event stands in the table of docs/api.md, and no other does."""
    first = [row[0] for row in _table(_document("docs/api.md"), columns=3)]
    documented = {word for cell in first for word in re.findall(r"[a-z]+\.[a-z_]+", cell)}
    assert documented == {type_.value for type_ in EventType}


def test_every_state_is_documented() -> None:
    """docs/states.md explains each state, and no other."""
    explained = {row[0] for row in _table(_document("docs/states.md"), columns=3)}
    assert {state.value for state in State} <= explained


def test_table_of_transitions_is_the_one_in_the_code() -> None:
    """The table of transitions in docs/states.md is exactly the one that the service obeys."""
    states = {state.value for state in State}
    rows = [row for row in _table(_document("docs/states.md"), columns=3) if "." in row[1]]
    documented = {(row[0], row[2], row[1]) for row in rows if row[0] in states}
    obeyed = {(from_.value, to.value, type_.value) for from_, to, type_ in TRANSITIONS}
    assert documented == obeyed


def test_names_in_the_environment_are_documented() -> None:
    """No program reads or sets a variable CLAWTRAIL_... that the documents do not name."""
    text = "".join(source.text for source in sources(*PROGRAMS))
    used = set(re.findall(r"\bCLAWTRAIL_[A-Z_]+[A-Z]\b", text))
    documents = _document("docs/configuration.md") + _document("docs/worker.md")
    documented = set(re.findall(r"CLAWTRAIL_[A-Z_]+[A-Z]", documents))
    assert not sorted(name for name in used if not {name, name.removesuffix("_FILE")} & documented)


def test_links_lead_somewhere() -> None:
    """Every link from one of our documents to a file of ours finds it."""
    pages = [*REPOSITORY.glob("*.md"), *(REPOSITORY / "docs").rglob("*.md")]
    broken = [
        f"{page.relative_to(REPOSITORY)}: {target}"
        for page in pages
        for target in re.findall(r"\]\(([^)#\s]+)", page.read_text(encoding="utf-8"))
        if "://" not in target and not (page.parent / target).exists()
    ]
    assert not broken
