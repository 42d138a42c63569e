"""Receipts: what is on the record of one task, in a text that proves it without server and database.

The server makes one with ``build(entries, checkpoint)``: an ``Entry`` for each event of the task, in
the order of the record, with its proof for the size of the checkpoint, and the checkpoint's signed
note. Whoever has the record's verifier key checks it with ``verify(text, verifier)``.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from clawtrail.formats import events, merkle, notes, outcomes, receipt_text
from clawtrail.formats.checkpoints import Checkpoint, CheckpointRejected, open_checkpoint
from clawtrail.formats.events import Event, NotAnEvent
from clawtrail.formats.leaves import leaf, salted_digest
from clawtrail.formats.merkle import ProofRejected
from clawtrail.formats.notes import NoteRejected, Verifier
from clawtrail.formats.outcomes import NotAnOutcome, Outcome
from clawtrail.formats.receipt_text import MAX_BYTES, Content, Entry, Receipt, ReceiptRejected
from clawtrail.formats.spelling import base64_of

__all__ = ["MAX_BYTES", "Content", "Entry", "Proven", "ReceiptRejected", "Told", "build", "verify"]

SUBMITTED = "task.submitted"
STARTED = "task.started"
REDACTED = "content.redacted"
ENDS = {
    "task.completed": "completed",
    "task.failed": "failed",
    "task.cancelled": "cancelled",
    "task.expired": "expired",
    "task.lost": "unknown",
    "approval.refused": "denied",
    "approval.expired": "denied",
}
"""The events with which a task ends, and its state from then on."""


@dataclass(frozen=True, slots=True)
class Told:
    """A proven event, and what the receipt has of the content that it vouches for by digest."""

    event: Event
    payload: str | None = None
    outcome: Outcome | None = None


@dataclass(frozen=True, slots=True)
class Proven:
    """What a receipt proves; all of it comes from hashed bytes. It may leave out events of the task."""

    task_id: str
    told: tuple[Told, ...]
    checkpoint: Checkpoint

    @property
    def events(self) -> tuple[Event, ...]:
        """The proven events, in the order of the record."""
        return tuple(told.event for told in self.told)

    @property
    def payload(self) -> str | None:
        """The JSON text of what was asked for; None when it was redacted or left out."""
        submitted = self.find(SUBMITTED)
        return None if submitted is None else submitted.payload

    @property
    def outcome(self) -> Outcome | None:
        """What the run that ended the task left; None when it was redacted or left out, or there is none."""
        end = self.find(*ENDS)
        return None if end is None else end.outcome

    @property
    def state(self) -> str | None:
        """The state in which the task ended; None when the receipt has no such event."""
        end = self.find(*ENDS)
        return None if end is None else ENDS[end.event.type]

    def find(self, *types: str) -> Told | None:
        """Return the last of the events of these types, or None."""
        return next((told for told in reversed(self.told) if told.event.type in types), None)


def build(entries: Sequence[Entry], checkpoint: str) -> str:
    """Return the receipt with these events of one task under this signed checkpoint.

    Raises ``ReceiptRejected`` when the text could not be read back as it was meant: no event, a
    line end inside a text, a salt of another length than 16 bytes. It does not check the proofs.
    """
    text = receipt_text.encode(entries, checkpoint)
    if receipt_text.parse(text) != Receipt(tuple(entries), checkpoint):
        raise ReceiptRejected("the parts of the receipt cannot be read back as they were given")
    return text


def verify(text: str | bytes, verifier: Verifier) -> Proven:
    """Return what *text* proves to whoever trusts *verifier* to name the record's key.

    Every byte of it counts: a receipt has one text only, and each part is derived from the
    checkpoint's root or its signature. Raises ``ReceiptRejected`` with the line and the reason.
    """
    receipt = receipt_text.parse(text)
    checkpoint = _open(receipt, verifier)
    told = [_prove(entry, checkpoint) for entry in receipt.entries]
    task_id = _check_order(told, receipt.entries)
    return Proven(task_id, tuple(told), checkpoint)


def _open(receipt: Receipt, verifier: Verifier) -> Checkpoint:
    try:
        checkpoint = open_checkpoint(receipt.checkpoint, verifier)
        _, signatures = notes.parse_note(receipt.checkpoint)
    except (CheckpointRejected, NoteRejected) as error:
        raise ReceiptRejected(f"line {receipt.line} and below: {error}") from error
    # Nothing here vouches for the signatures of others, and a receipt holds nothing unproven.
    if len(signatures) > 1:
        raise ReceiptRejected(f"line {receipt.line} and below: the checkpoint has more than one signature")
    return checkpoint


def _prove(entry: Entry, checkpoint: Checkpoint) -> Told:
    try:
        merkle.verify_inclusion(leaf(entry.text), entry.index, checkpoint.size, entry.proof, checkpoint.root)
        event = events.parse(entry.text)
    except (NotAnEvent, ProofRejected) as error:
        raise ReceiptRejected(f"line {entry.line}: this event is not proven: {error}") from error
    if event.seq != entry.index:
        raise ReceiptRejected(f"line {entry.line}: this event has the seq {event.seq}, not {entry.index}")
    return Told(event, _payload_of(entry, event), _outcome_of(entry, event))


def _payload_of(entry: Entry, event: Event) -> str | None:
    if entry.payload is None:
        return None
    line = entry.line_of("payload")
    if event.type != SUBMITTED:
        raise ReceiptRejected(f"line {line}: only a submission has a payload")
    _check_digest(line, entry.payload, event.detail.get("payload"))
    try:
        events.object_of(entry.payload.text)
    except NotAnEvent as error:
        raise ReceiptRejected(f"line {line}: {error}") from error
    return entry.payload.text


def _outcome_of(entry: Entry, event: Event) -> Outcome | None:
    if entry.outcome is None:
        for name in ("stdout", "stderr"):
            if getattr(entry, name) is not None:
                raise ReceiptRejected(f"line {entry.line_of(name)}: there is no outcome that vouches for it")
        return None
    line = entry.line_of("outcome")
    _check_digest(line, entry.outcome, event.detail.get("outcome"))
    try:
        outcome = outcomes.parse(entry.outcome.text)
    except NotAnOutcome as error:
        raise ReceiptRejected(f"line {line}: {error}") from error
    if outcome.exit_code != event.detail.get("exit_code"):
        raise ReceiptRejected(f"line {line}: the event tells another exit code")
    _check_stream(entry, "stdout", outcome.stdout_digest)
    _check_stream(entry, "stderr", outcome.stderr_digest)
    return replace(outcome, stdout=entry.stdout, stderr=entry.stderr)


def _check_digest(line: int, content: Content, digest: object) -> None:
    if base64_of(salted_digest(content.salt, content.text.encode())) != digest:
        raise ReceiptRejected(f"line {line}: this is not the content that the event vouches for")


def _check_stream(entry: Entry, name: str, digest: str | None) -> None:
    data: bytes | None = getattr(entry, name)
    if data is None or entry.outcome is None:
        return
    if salted_digest(entry.outcome.salt, data).hex() != digest:
        raise ReceiptRejected(
            f"line {entry.line_of(name)}: this is not the {name} that the outcome vouches for"
        )


def _check_order(told: Sequence[Told], entries: Sequence[Entry]) -> str:
    """Check that these are events of one task in the order of the record, and return its id."""
    task_id = told[0].event.task_id
    if task_id is None:
        raise ReceiptRejected(f"line {entries[0].line}: this event is of no task")
    last, ends, submissions = -1, 0, 0
    for entry, one in zip(entries, told, strict=True):
        if one.event.task_id != task_id:
            raise ReceiptRejected(f"line {entry.line}: this event is of another task than the first")
        if one.event.seq <= last:
            raise ReceiptRejected(f"line {entry.line}: this event is not later than the one before it")
        last = one.event.seq
        ends += one.event.type in ENDS
        submissions += one.event.type == SUBMITTED
        if ends > 1 or submissions > 1:
            raise ReceiptRejected(f"line {entry.line}: a task is submitted once and ends once")
    return task_id
