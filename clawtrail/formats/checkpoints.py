"""Checkpoints of the record: its size and Merkle root, as a signed note (c2sp.org/tlog-checkpoint)."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from clawtrail.formats import notes
from clawtrail.formats.merkle import HASH_BYTES
from clawtrail.formats.notes import NoteRejected, Signature, Signer, Verifier
from clawtrail.formats.spelling import Misspelled, base64_of, bytes_of, number_of


class CheckpointRejected(ValueError):
    """The text is no checkpoint, or not one that the given key vouches for; the message says why."""


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """What a record was at one moment: whose it is (origin), how many events it had, and their root.

    ``extensions`` are further lines that the standard allows; ours have none.
    """

    origin: str
    size: int
    root: bytes
    extensions: tuple[str, ...] = ()


def encode(checkpoint: Checkpoint) -> str:
    """Return the text that is signed; raises ``CheckpointRejected`` for one that could not be read back."""
    lines = [checkpoint.origin, str(checkpoint.size), base64_of(checkpoint.root), *checkpoint.extensions]
    text = "".join(f"{line}\n" for line in lines)
    if parse(text) != checkpoint:
        raise CheckpointRejected("a line of the checkpoint holds a line end")
    return text


def parse(text: str) -> Checkpoint:
    """Return the checkpoint that a note's text spells; there is no other text of it.

    Raises ``CheckpointRejected`` for anything else.
    """
    if not text.endswith("\n"):
        raise CheckpointRejected("the last line does not end")
    lines = text[:-1].split("\n")
    if len(lines) < 3 or not all(lines):
        raise CheckpointRejected("a checkpoint has at least three lines, none of them empty")
    origin, size, root, *extensions = lines
    try:
        return Checkpoint(origin, number_of(size), bytes_of(root, length=HASH_BYTES), tuple(extensions))
    except Misspelled as error:
        raise CheckpointRejected(f"size or root of the checkpoint is malformed: {error}") from error


def sign(checkpoint: Checkpoint, signer: Signer) -> str:
    """Return the checkpoint as a note signed by *signer*, whose name is its origin."""
    if signer.name != checkpoint.origin:
        raise CheckpointRejected(f"the checkpoint is of {checkpoint.origin}, the key of {signer.name}")
    return notes.sign(encode(checkpoint), [signer])


def open_checkpoint(note: str | bytes, verifier: Verifier) -> Checkpoint:
    """Return the checkpoint in *note* if *verifier* vouches for it and it is the origin of that name.

    Raises ``CheckpointRejected``.
    """
    try:
        text, signatures = notes.parse_note(note)
    except NoteRejected as error:
        raise _unsigned(error) from error
    return vouch(text, signatures, verifier)


def vouch(text: str, signatures: Iterable[Signature], verifier: Verifier) -> Checkpoint:
    """Return the checkpoint of a note that ``notes.parse_note`` took apart, as ``open_checkpoint`` does."""
    try:
        notes.vouch(text, signatures, [verifier])
    except NoteRejected as error:
        raise _unsigned(error) from error
    checkpoint = parse(text)
    if checkpoint.origin != verifier.name:
        raise CheckpointRejected(f"the checkpoint is of {checkpoint.origin}, the key of {verifier.name}")
    return checkpoint


def _unsigned(error: NoteRejected) -> CheckpointRejected:
    return CheckpointRejected(f"the checkpoint is not signed as it should be: {error}")
