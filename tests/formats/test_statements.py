"""Statements of tasks and of answers: what was signed is read again as it was meant, or not at all."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from clawtrail.formats import statements
from clawtrail.formats.statements import ApprovalStatement, StatementRejected, TaskStatement, Validity

VALIDITY = Validity(("wim", "wes"), 1, 2, "0" * 32)
TASK = TaskStatement(
    kind="command",
    payload={"command": "true", "env": {"É": "\ud800"}},
    timeout_ms=30_000,
    effect="idempotent",
    max_attempts=3,
    labels=("os=linux",),
    session="s",
    on_behalf_of="grandmother",
    not_before=5,
    validity=VALIDITY,
)
YES = ApprovalStatement("a", "t", "d" * 64, "e" * 64, "approve", VALIDITY)

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=8,
)


@given(st.dictionaries(st.text(), JSON, max_size=4))
def test_any_content_comes_back_as_it_was(payload: dict[str, object]) -> None:
    """Whatever JSON a payload is, it is read from the signed bytes as the same JSON."""
    read = statements.read_task(statements.task_bytes(replace(TASK, payload=payload)))
    assert statements.same_json(read.payload, payload)
    assert replace(read, payload={}) == replace(TASK, payload={})


def test_an_answer_comes_back_as_it_was() -> None:
    """The statement of a yes is read as it was written."""
    assert statements.read_approval(statements.approval_bytes(YES)) == YES


def test_only_what_is_harmless_to_repeat_may_start_more_than_once() -> None:
    """A mutating task may be started once, whatever number of attempts stands beside it."""
    assert (TASK.starts, replace(TASK, effect="mutating").starts) == (3, 1)


@pytest.mark.parametrize(
    ("changes", "why"),
    [
        ({"nonce": "A" * 32}, "nonce"),
        ({"nonce": None}, "nonce"),
        ({"audience": []}, "audience names nobody"),
        ({"audience": "wim"}, "audience"),
        ({"audience": ["wim", 1]}, "audience"),
        ({"issuedAt": True}, "issuedAt"),
        ({"expiresAt": 2.0}, "expiresAt"),
        ({"expiresAt": 2**53}, "expiresAt"),
        ({"effect": "none"}, "effect"),
        ({"maxAttempts": 0}, "maxAttempts"),
        ({"maxAttempts": 101}, "maxAttempts"),
        ({"payload": []}, "payload"),
        ({"kind": ""}, "kind"),
        ({"more": 1}, "means nothing here"),
    ],
)
def test_what_is_not_as_it_has_to_be_is_refused(changes: dict[str, object], why: str) -> None:
    """Each member has its type and bounds, and there is no other."""
    said = json.loads(statements.task_bytes(TASK)) | changes
    with pytest.raises(StatementRejected, match=why):
        statements.read_task(json.dumps(said).encode())


def test_a_missing_member_is_refused() -> None:
    """There are no defaults: each member has been signed or the statement is none."""
    said = json.loads(statements.task_bytes(TASK))
    for name in said:
        left = {key: value for key, value in said.items() if key != name}
        with pytest.raises(StatementRejected, match=name):
            statements.read_task(json.dumps(left).encode())


def test_members_that_stand_twice_and_other_encodings_are_refused() -> None:
    """What two programs could read in two ways is no statement, though it was signed."""
    good = statements.task_bytes(TASK)
    for bad in (b'{"kind":"file-read",' + good[1:], good.replace(b"1", b"NaN", 1), b"\xef\xbb\xbf" + good):
        with pytest.raises(StatementRejected):
            statements.read_task(bad)


def test_one_and_true_are_different_json() -> None:
    """Python takes 1, 1.0 and True for equal; for what was signed they are not."""
    values: list[object] = [1, 1.0, True, "1"]
    assert [[statements.same_json(a, b) for b in values] for a in values] == [
        [at == other for other in range(4)] for at in range(4)
    ]
