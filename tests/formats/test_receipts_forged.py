"""Receipts of a record that a server made up: right hashes alone do not make them good."""

from __future__ import annotations

from typing import Any

import pytest

from app.domain.states import FINISHED, TRANSITIONS
from clawtrail.formats import canonical, receipts
from clawtrail.formats.leaves import event_text, salted_digest
from clawtrail.formats.receipts import Content, ReceiptRejected
from clawtrail.formats.spelling import base64_of
from tests.support.receipt import SIGNER, signed

KEY = SIGNER.verifier
SALT = b"s" * 16


def digest(content: str) -> str:
    """Return what an event says of this content."""
    return base64_of(salted_digest(SALT, content.encode()))


def event(**said: Any) -> str:  # noqa: ANN401 - any JSON
    """Return the text of an event that says this, and usual things of the rest."""
    usual = {"actor": "client:ada", "at": 1, "attempt": None, "detail": {}, "seq": 0, "task_id": "t"}
    return canonical.text(usual | {"type": "task.submitted"} | said)


def proved(*texts: str, **content: str) -> str:
    """Return a receipt with all of these events, whatever they say, and this content at each."""
    return signed(list(texts), **{name: Content(SALT, text) for name, text in content.items()})


@pytest.mark.parametrize(
    ("said", "why"),
    [
        ([{"seq": 4}], "seq 4, not 0"),
        ([{"more": 1}], "does not have the fields"),
        ([{"at": "1"}], "no number"),
        ([{"at": True}], "no number"),
        ([{"attempt": -1}], "no number"),
        ([{"actor": 1}], "wrong kind"),
        ([{"detail": []}], "wrong kind"),
        ([{"task_id": None}], "of no task"),
        ([{}, {}], "submitted once"),
        ([{}, {"type": "task.completed"}, {"type": "task.failed"}], "ends once"),
    ],
)
def test_a_record_that_makes_no_sense_is_refused(said: list[dict[str, Any]], why: str) -> None:
    """Even with the right key and all hashes right, a receipt has to be of events that can be."""
    with pytest.raises(ReceiptRejected, match=why):
        receipts.verify(proved(*(event(**{"seq": seq} | one) for seq, one in enumerate(said))), KEY)


@pytest.mark.parametrize("text", ["[]", "x", '{"b":1, "a":1}', '{"a":1,"a":1}', '{"a":NaN}', '{"a":0.5}'])
def test_events_have_one_text(text: str) -> None:
    """An event on the record that is not in its canonical form could be read in two ways: refused."""
    with pytest.raises(ReceiptRejected, match="line 3: this event is not proven"):
        receipts.verify(proved(text), KEY)


@pytest.mark.parametrize(
    "payload", ["[]", "1", "{", '{"a":1,"a":2}', '{"a":Infinity}', '{"a":1e999}', "[" * 100_000]
)
def test_payloads_can_be_read_in_one_way_only(payload: str) -> None:
    """A payload that two programs would read differently is refused, though its digest is right."""
    with pytest.raises(ReceiptRejected, match="JSON"):
        receipts.verify(proved(event(detail={"payload": digest(payload)}), payload=payload), KEY)


@pytest.mark.parametrize(
    "change",
    [
        {"exit_code": "0"},
        {"exit_code": 1},
        {"truncated": None},
        {"error": 5},
        {"duration_ms": "1"},
        {"metadata": "["},
        {"metadata": "[]"},
        {"more": 1},
    ],
)
def test_outcomes_have_one_form(change: dict[str, Any]) -> None:
    """An outcome whose digest is right but which is none, or contradicts its event, is refused."""
    said = {"exit_code": 0, "reason": None, "error": None, "duration_ms": 1, "metadata": None}
    said |= {"stdout_bytes": 0, "stderr_bytes": 0, "truncated": 0, "stdout": None, "stderr": None}
    text = canonical.text(said)
    assert receipts.verify(proved(completed(text), outcome=text), KEY).outcome is not None
    text = canonical.text(said | change)
    with pytest.raises(ReceiptRejected, match="line 5"):
        receipts.verify(proved(completed(text), outcome=text), KEY)


def completed(outcome: str) -> str:
    """Return the text of an event that tells of this outcome, with the exit code 0."""
    return event(type="task.completed", detail={"exit_code": 0, "outcome": digest(outcome)})


def test_the_ends_of_a_task_are_those_of_the_service() -> None:
    """The events that end a task for a receipt are those that lead into final states."""
    ends = {type_.value: to.value for _, to, type_ in TRANSITIONS if to in FINISHED}
    assert ends == receipts.ENDS


def test_an_event_reads_as_it_was_written() -> None:
    """What the record writes of an event is what a receipt reads of it."""
    text = event_text(
        seq=0, at=5, type_="task.claimed", task_id="t", attempt=2, actor="worker:wim", detail='{"a":[1,null]}'
    )
    [read] = receipts.verify(proved(text), KEY).events
    assert (read.seq, read.at, read.type, read.task_id, read.attempt, read.actor, read.detail) == (
        0, 5, "task.claimed", "t", 2, "worker:wim", {"a": [1, None]}
    )  # fmt: skip
