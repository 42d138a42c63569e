"""The exit statuses: each error has its own, and the manual tells them all."""

from __future__ import annotations

import re

import pytest

from clawtrail import errors, exits
from clawtrail.result import Result
from tests.cli.conftest import Type

REFUSALS = [
    kind for kind in vars(errors).values() if isinstance(kind, type) and issubclass(kind, errors.Refused)
]


def result(state: str, exit_code: int) -> Result:
    """Return a result in that state, with that code."""
    return Result(task_id="t", state=state, stdout="", stderr="", exit_code=exit_code)


@pytest.mark.parametrize("kind", REFUSALS)
def test_every_refusal_has_a_documented_status(typed: Type, kind: type[errors.Refused]) -> None:
    """Whatever the server says no to, its exit status stands in the manual of `run`."""
    status = exits.status_of(kind("no", status=400, code="x"))
    assert re.search(rf"(?m)(^ +|  ){status}  ", typed("run", "--help").text)


@pytest.mark.parametrize(
    ("kind", "status"),
    [(errors.NotConfigured, 2), (errors.Unreachable, 69), (errors.BadAnswer, 76), (errors.ClawtrailError, 1)],
)
def test_other_errors_have_theirs(kind: type[errors.ClawtrailError], status: int) -> None:
    """Errors without an answer of the server are told apart too."""
    assert exits.status_of(kind("what happened")) == status


@pytest.mark.parametrize(
    ("state", "code", "status"),
    [
        ("completed", 0, 0),
        ("failed", 1, 1),
        ("failed", 255, 255),
        ("failed", 256, 125),
        ("failed", -1, 125),
        ("failed", 3221225786, 125),
        ("cancelled", 143, 125),
        ("unknown", 0, 125),
    ],
)
def test_an_exit_code_is_passed_on_where_it_is_one(state: str, code: int, status: int) -> None:
    """Only tasks that ran to their end pass on their code, and only one that a shell can take."""
    ended = result(state, code)
    assert exits.status_of_task(ended) == status
    assert exits.status_of(errors.TaskFailed(ended)) == status


def test_a_code_that_no_shell_can_take_is_told() -> None:
    """What is lost in the exit status is said in a sentence."""
    assert "3221225786" in (exits.sentence_of_task(result("failed", 3221225786)) or "")
    assert exits.sentence_of_task(result("failed", 3)) is None


def test_sentences_end_once_and_say_what_next() -> None:
    """An error is one sentence with one full stop, and advice where there is some."""
    assert exits.sentence_of(errors.NotFound("Task not found", status=404, code="x")) == (
        "Task not found. `clawtrail tasks` lists the tasks there are."
    )
    assert exits.sentence_of(errors.ClawtrailError("Done?")) == "Done?"
