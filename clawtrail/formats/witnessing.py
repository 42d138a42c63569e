"""Comparing a record with the newest checkpoint that one remembers of it, as a witness does."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Literal

from clawtrail.formats import merkle, notes
from clawtrail.formats.checkpoints import Checkpoint, CheckpointRejected, open_checkpoint
from clawtrail.formats.merkle import ProofRejected
from clawtrail.formats.notes import BadKey, NoteRejected, Verifier

MAX_NOTE = 16 * 1024
"""The most characters of a note that a witness looks at; a checkpoint of ours has some 250."""

Fault = Literal["shrank", "forked", "key", "signature", "unproven"]
"""What is wrong: the record got smaller, is another one, has another key, is not signed, is not proven."""

Prove = Callable[[int, int], Sequence[bytes]]
"""Fetches the proof that the record of one size begins with the record of an earlier one."""


class MemoryUnreadable(ValueError):
    """The text is nothing that a witness wrote down; the message says why."""


@dataclass(frozen=True, slots=True)
class Seen:
    """The newest checkpoint that was seen of a record: the note itself, what it says, whose key it has."""

    verifier: Verifier
    note: str
    checkpoint: Checkpoint

    @property
    def size(self) -> int:
        """How many events the record had."""
        return self.checkpoint.size


class Alarm(Exception):
    """The record is not the one that was seen before. The message says in what."""

    def __init__(self, fault: Fault, reason: str, *, shown: str, remembered: Seen | None) -> None:
        super().__init__(reason)
        self.fault = fault
        self.shown = shown
        self.remembered = remembered

    def told(self) -> str:
        """Return the reason and both checkpoints in full, in lines for people."""
        before = self.remembered
        if before is None:
            kept = "No checkpoint was remembered.\n"
        else:
            kept = f"Remembered, signed with the key {before.verifier}:\n\n{before.note}"
        return f"{self}.\n\n{kept}\nShown now:\n\n{self.shown}"


def meet(note: str, verifier: Verifier) -> Seen:
    """Return what *note* says of a record that is seen for the first time.

    Raises ``Alarm`` when *verifier* does not vouch for it.
    """
    return Seen(verifier, note, _opened(note, verifier, None))


def follow(seen: Seen, note: str, prove: Prove) -> Seen:
    """Return what to remember from now on of a record that shows *note* after *seen*.

    *prove* is called only for a record that has grown; what it raises goes through. Raises ``Alarm``
    when the record shrank, is another one, or is not signed with the same key. An older note that was
    on its way for long looks like a record that shrank: ask for the newest one before you believe it.
    """
    checkpoint = _opened(note, seen.verifier, seen)
    old, new = seen.size, checkpoint.size
    if new < old:
        raise Alarm("shrank", f"The record shrank from {old} events to {new}", shown=note, remembered=seen)
    if new == old and checkpoint.root == seen.checkpoint.root:
        return seen
    hashes = prove(old, new) if 0 < old < new else ()
    try:
        merkle.verify_consistency(old, new, hashes, seen.checkpoint.root, checkpoint.root)
    except ProofRejected as error:
        reason = f"The record of {new} events does not begin with the {old} events seen before ({error})"
        raise Alarm("forked", reason, shown=note, remembered=seen) from error
    return Seen(seen.verifier, note, checkpoint)


def spell(seen: Seen) -> str:
    """Return *seen* as the text that ``recall`` reads: a line with the verifier key, then the note."""
    return f"{seen.verifier}\n{seen.note}"


def recall(text: str) -> Seen:
    """Return what ``spell`` wrote; raises ``MemoryUnreadable``."""
    key, _, note = text.partition("\n")
    try:
        return meet(note, Verifier.parse(key))
    except (BadKey, Alarm) as error:
        raise MemoryUnreadable(str(error)) from error


def _opened(note: str, verifier: Verifier, seen: Seen | None) -> Checkpoint:
    if len(note) > MAX_NOTE:
        note = note[:MAX_NOTE]
        raise Alarm("signature", "What is shown is no checkpoint: too long", shown=note, remembered=seen)
    try:
        return open_checkpoint(note, verifier)
    except CheckpointRejected as error:
        fault: Fault = "signature" if _names(note, verifier) else "key"
        reason = "The record shows another key" if fault == "key" else "What is shown is no good checkpoint"
        raise Alarm(fault, f"{reason}: {error}", shown=note, remembered=seen) from error


def _names(note: str, verifier: Verifier) -> bool:
    """Say whether *note* claims to be signed by *verifier*, or is not signed in any way."""
    try:
        _text, signatures = notes.parse_note(note)
    except NoteRejected:
        return True
    return any((one.name, one.key_id) == (verifier.name, verifier.key_id) for one in signatures)
