"""Receipts of real tasks: what they prove, and that nothing in them can be changed."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest

from app.services.outcomes import Outcome
from clawtrail.formats import checkpoints, notes, receipts
from clawtrail.formats.checkpoints import Checkpoint
from clawtrail.formats.notes import Signer
from clawtrail.formats.receipts import Content, Entry, ReceiptRejected
from clawtrail.formats.spelling import base64_of
from tests.support import acts
from tests.support.database import Database
from tests.support.receipt import SIGNER, entries_of, receipt_of

KEY = SIGNER.verifier
PAYLOAD = '{"command":"echo h\u00e9 \u2028","env":{"A":"\\u0000"}}'


def life(db: Database, *, payload: str = PAYLOAD) -> str:
    """Let a task of Ada's live among others: submitted, run by Wim with output on both streams, completed."""
    acts.submit(db)
    task_id = acts.submit(db, payload=payload, priority=5, tags='["a","b"]')
    claimed = acts.started(db)
    acts.submit(db)
    db.pass_time(90)
    acts.output(db, claimed, b"h\xc3\xa9 ")
    acts.output(db, claimed, b"\xff\n", offset=4)
    acts.output(db, claimed, b"warned\n", stream="stderr")
    metadata = {"cost": 0.25, "files": ["a"]}
    acts.result(db, claimed, Outcome(3, "exit", "it broke", 85, metadata, 6, 7, truncated=False))
    acts.submit(db)
    return task_id


def test_a_receipt_proves_the_life_of_a_task(db: Database) -> None:
    """Who asked for what, who ran it, how it ended and what it wrote come out of the hashed bytes."""
    task_id = life(db)
    proven = receipts.verify(receipt_of(db, task_id), KEY)
    assert proven.task_id == task_id
    assert proven.state == db.state(task_id) == "failed"
    assert proven.payload == PAYLOAD
    assert [(event.seq, event.at, event.type, event.actor, event.attempt) for event in proven.events] == [
        (row.seq, row.at, row.type, row.actor, row.attempt) for row in db.events(task_id)
    ]
    assert [dict(event.detail) for event in proven.events] == [
        json.loads(row.detail) for row in db.events(task_id)
    ]
    outcome = proven.outcome
    assert outcome is not None
    assert (outcome.exit_code, outcome.error, outcome.duration_ms) == (3, "it broke", 85)
    assert (outcome.stdout, outcome.stderr) == (b"h\xc3\xa9 \xff\n", b"warned\n")
    assert json.loads(outcome.metadata or "") == {"cost": 0.25, "files": ["a"]}
    assert (proven.checkpoint.origin, proven.checkpoint.size) == (KEY.name, len(db.events()))


def test_bytes_and_text_are_taken_alike(db: Database) -> None:
    """A receipt read from a file as bytes proves the same."""
    text = receipt_of(db, life(db))
    assert receipts.verify(text.encode(), KEY) == receipts.verify(text, KEY)


def test_every_changed_byte_is_found(db: Database) -> None:
    """No byte of a real receipt can be another: a neighbour, a blank, a line end, half a character."""
    data = receipt_of(db, life(db)).encode()
    taken = []
    for at, byte in enumerate(data):
        for other in {byte ^ 1, byte ^ 32, 0x20, 0x0A, 0xC3} - {byte}:
            try:
                receipts.verify(data[:at] + bytes([other]) + data[at + 1 :], KEY)
            except ReceiptRejected as error:
                assert "line " in str(error)  # noqa: PT017 - which error it is counts for each of thousands
            else:
                taken.append((at, other))
    assert not taken


def test_every_lost_or_added_byte_is_found(db: Database) -> None:
    """A receipt with a byte less or a byte twice, anywhere, or cut off anywhere, is refused."""
    data = receipt_of(db, life(db)).encode()
    taken = []
    for at in range(len(data)):
        wrong = [
            data[:at],
            data[:at] + data[at + 1 :],
            data[:at] + b" " + data[at:],
            data[:at] + b"\n" + data[at:],
        ]
        for one in wrong:
            try:
                receipts.verify(one, KEY)
            except ReceiptRejected:
                continue
            taken.append((at, one))
    assert not taken


@pytest.mark.parametrize(
    "change",
    [
        lambda text: text.replace("\n", "\r\n"),
        lambda text: "\ufeff" + text,
        lambda text: text + "\n",
        lambda text: text + text,
        lambda text: text.replace("clawtrail receipt v1", "clawtrail receipt v2"),
        lambda text: text.replace(": ", ":").replace("task.", "\\u0074ask.", 1),
        lambda text: text.replace("\ncheckpoint\n", "\ncheckpoint\n\n"),
        lambda text: text + "\u2014 witness.example " + base64_of(bytes(68)) + "\n",
        lambda text: text.replace("payload ", "extra AAAA\npayload "),
        lambda _: "",
        lambda _: "\n",
        lambda _: "clawtrail receipt v1\n\ncheckpoint\n",
    ],
)
def test_other_spellings_are_refused(db: Database, change: object) -> None:
    """A receipt has one text: line ends, marks, further lines and signatures of others are not in it."""
    assert callable(change)
    with pytest.raises(ReceiptRejected):
        receipts.verify(change(receipt_of(db, life(db))), KEY)


@pytest.mark.parametrize(
    "text", [b"\xff\xfe", "\ud800\n", "x" * (receipts.MAX_BYTES + 1)], ids=["bytes", "surrogate", "size"]
)
def test_what_is_no_text_is_refused(text: str | bytes) -> None:
    """Broken characters and absurd sizes are refused before anything is looked at."""
    with pytest.raises(ReceiptRejected):
        receipts.verify(text, KEY)


def line_with(text: str, part: str) -> int:
    """Return the number of the first line of *text* that holds *part*."""
    return text[: text.index(part)].count("\n") + 1


@pytest.mark.parametrize(
    ("old", "new", "why"),
    [
        ('"command":"echo', '"command":"calc', "not the content that the event vouches for"),
        ('"exit_code":3,"outcome"', '"exit_code":0,"outcome"', "do not lead to the root"),
        ("client:ada", "client:ben", "do not lead to the root"),
        ("stdout aM", "stdout bM", "not the stdout that the outcome vouches for"),
        (SIGNER.name, SIGNER.name.upper(), "not good for this text"),
    ],
)
def test_the_line_and_the_reason_are_said(db: Database, old: str, new: str, why: str) -> None:
    """Whoever is shown a forged receipt is told where it was forged."""
    text = receipt_of(db, life(db))
    with pytest.raises(ReceiptRejected, match=f"^line {line_with(text, old)}[: ].*{why}"):
        receipts.verify(text.replace(old, new, 1), KEY)


def test_another_key_opens_nothing(db: Database) -> None:
    """A receipt signed by somebody else, though under the same name, proves nothing."""
    text = receipt_of(db, life(db))
    with pytest.raises(ReceiptRejected, match="known key"):
        receipts.verify(text, Signer(SIGNER.name, bytes(32)).verifier)


def test_content_may_be_gone(db: Database) -> None:
    """Without payload, output or the whole outcome, the events are proven all the same."""
    entries, note = entries_of(db, life(db))
    bare = [replace(entry, payload=None, outcome=None, stdout=None, stderr=None) for entry in entries]
    proven = receipts.verify(receipts.build(bare, note), KEY)
    assert (proven.payload, proven.outcome, proven.state) == (None, None, "failed")
    silent = [replace(entry, stdout=None) for entry in entries]
    outcome = receipts.verify(receipts.build(silent, note), KEY).outcome
    assert outcome is not None
    assert (outcome.stdout, outcome.stderr, outcome.stdout_bytes) == (None, b"warned\n", 6)


def test_fewer_events_prove_less(db: Database) -> None:
    """A receipt of some of the events is true, and says nothing of the others."""
    entries, note = entries_of(db, life(db))
    proven = receipts.verify(receipts.build(entries[1:2], note), KEY)
    assert (proven.state, proven.payload, proven.outcome) == (None, None, None)
    assert len(proven.events) == 1


def test_events_stand_in_order_and_once(db: Database) -> None:
    """Swapped or repeated events are refused, though each of them is proven."""
    entries, note = entries_of(db, life(db))
    for wrong in (entries[::-1], [entries[0], entries[0]]):
        with pytest.raises(ReceiptRejected, match="not later"):
            receipts.verify(receipts.build(wrong, note), KEY)


def test_events_are_of_one_task(db: Database) -> None:
    """Events of two tasks, or of none, do not make a receipt."""
    task_id, other = life(db), acts.submit(db)
    entries, note = entries_of(db, task_id)
    others, _ = entries_of(db, other)
    with pytest.raises(ReceiptRejected, match="of another task"):
        receipts.verify(receipts.build([*entries, *others], note), KEY)


def test_content_belongs_to_its_event(db: Database) -> None:
    """Content at an event that does not vouch for it is refused, and so is output without an outcome."""
    entries, note = entries_of(db, life(db))
    submitted, claimed, end = entries[0], entries[1], entries[-1]
    for wrong in (
        replace(claimed, payload=submitted.payload),
        replace(claimed, outcome=end.outcome),
        replace(claimed, stdout=b"x"),
        replace(end, outcome=None),
        replace(end, stdout=end.stderr),
        replace(end, outcome=Content(end.outcome.salt, end.outcome.text + " ") if end.outcome else None),
    ):
        with pytest.raises(ReceiptRejected):
            receipts.verify(receipts.build([wrong], note), KEY)


@pytest.mark.parametrize(
    "entry",
    [
        Entry(text="{}\nindex 7", index=1, proof=()),
        Entry(text="\ud800", index=1, proof=()),
        Entry(text="{}", index=-1, proof=()),
        Entry(text="{}", index=1, proof=(b"x",)),
        Entry(text="{}", index=1, proof=(), payload=Content(b"x" * 16, "{}\n")),
        Entry(text="{}", index=1, proof=(), payload=Content(b"x" * 15, "{}")),
    ],
)
def test_what_could_not_be_read_back_is_not_built(entry: Entry) -> None:
    """Parts that would make another text than they mean are refused by the builder."""
    note = checkpoints.sign(Checkpoint(SIGNER.name, 2, bytes(32)), SIGNER)
    with pytest.raises(ReceiptRejected):
        receipts.build([entry], note)


def test_a_receipt_has_an_event() -> None:
    """A receipt without any event is none."""
    note = checkpoints.sign(Checkpoint(SIGNER.name, 2, bytes(32)), SIGNER)
    with pytest.raises(ReceiptRejected):
        receipts.build([], note)


def test_witnesses_have_no_place_in_a_receipt(db: Database) -> None:
    """A second signature, even a good one, is refused: nothing in a receipt would vouch for it."""
    entries, note = entries_of(db, life(db))
    text, _ = notes.parse_note(note)
    both = notes.sign(text, [SIGNER, Signer("witness.example", bytes(32))])
    with pytest.raises(ReceiptRejected, match="more than one signature"):
        receipts.verify(receipts.build(entries, both), KEY)
