"""People's yes, signed: to one question, with the text that the worker wrote, and once."""

from __future__ import annotations

from typing import Any

import pytest

from tests.signatures.conftest import ADA, ASKED, MAL, Desk, wanting

REFUSED = "Refused: the yes to it is not signed as it must be: "


@pytest.fixture
def asking(desk: Desk) -> Desk:
    """A worker whose policy asks, and that takes signed answers only."""
    desk.policy = ASKED
    return wanting(desk, tasks=False, approvals=True)


def test_a_signed_yes_lets_it_run_once(asking: Desk) -> None:
    """The first time it runs; the same yes for the same task again is a replay."""
    claim = asking.yes(asking.signed())
    verdict = asking.ask(claim)
    assert verdict.holds_under(claim)
    again = asking.ask(claim)
    assert (again.answer, "run before" in str(again.refusal)) == ("deny", True)


def test_the_same_yes_for_another_task_with_the_same_content_is_none(asking: Desk) -> None:
    """A server that makes up a task of the same content cannot use the answer of the first."""
    claim = asking.yes(asking.signed())
    other = asking.signed().model_copy(update={"task_id": "t-2", "approval": claim.approval})
    assert "signed for another question" in asking.refused(other)


def test_a_question_is_asked_without_a_signature(asking: Desk) -> None:
    """What waits for an answer needs none yet: the question goes out as always."""
    assert asking.ask(asking.signed()).answer == "ask"
    assert asking.ask(asking.signed().model_copy(update={"signature": None})) == ASKED


def test_an_unsigned_yes_is_none_where_signed_ones_are_wanted(asking: Desk) -> None:
    """The task is refused with the reason, under a rule's name of its own."""
    verdict = asking.ask(asking.yes(asking.signed(), by=None))
    assert (verdict.answer, verdict.rule) == ("deny", "signature of the approval")
    assert str(verdict.refusal).startswith(f"{REFUSED}this worker takes signed ones only")


def test_where_none_is_wanted_an_unsigned_yes_holds_and_a_bad_one_does_not(asking: Desk) -> None:
    """A signature that is there has to be good."""
    wanting(asking, approvals=False)
    plain = asking.yes(asking.signed(), by=None)
    assert asking.ask(plain).holds_under(plain)
    assert asking.ask(asking.yes(asking.signed(), by=MAL)).answer == "deny"


@pytest.mark.parametrize(
    ("other", "why"),
    [
        ({"approvalId": "q-2"}, "signed for another question"),
        ({"taskId": "t-2"}, "signed for another question"),
        ({"digest": "e" * 64}, "signed for other content"),
        ({"describe": "would run: something harmless"}, "under another description"),
        ({"worker": "wes"}, "it was signed for wes"),
    ],
)
def test_a_yes_to_something_else_is_none(asking: Desk, other: dict[str, Any], why: str) -> None:
    """A server that shows an approver one text and has another thing run is found out."""
    assert why in asking.refused(asking.yes(asking.signed(), **other))


def test_a_key_for_tasks_approves_nothing(asking: Desk) -> None:
    """Ada may not say yes to her own task, not even with a good signature."""
    assert "trusted for tasks here, not for approvals" in asking.refused(asking.yes(asking.signed(), by=ADA))


def test_a_yes_expires(asking: Desk) -> None:
    """Half an hour later, give or take the tolerance, it is none any more."""
    claim = asking.yes(asking.signed())
    asking.at += 1_860_001
    assert "it has expired" in asking.refused(claim)


def test_a_signed_task_is_no_yes(asking: Desk) -> None:
    """What was signed as a task cannot be passed off as an answer."""
    claim = asking.yes(asking.signed())
    assert claim.approval is not None
    passed_off = claim.approval.model_copy(update={"signature": claim.signature})
    assert asking.ask(claim.model_copy(update={"approval": passed_off})).answer == "deny"


def test_a_question_about_a_task_that_was_run_is_not_even_asked(asking: Desk) -> None:
    """People are not bothered with a signed task that could not run any more."""
    claim = asking.yes(asking.signed())
    assert asking.ask(claim).answer == "ask"
    bare = claim.model_copy(update={"approval": None})
    assert "run before" in asking.refused(bare)
