"""A proof that one entry is in a record, as a text that others can check too (c2sp.org/tlog-proof)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from clawtrail.formats import merkle
from clawtrail.formats.checkpoints import Checkpoint, open_checkpoint
from clawtrail.formats.leaves import leaf
from clawtrail.formats.lines import BadLine, Lines
from clawtrail.formats.merkle import HASH_BYTES
from clawtrail.formats.notes import Verifier
from clawtrail.formats.spelling import Misspelled, base64_of, bytes_of, number_of

HEADER = "c2sp.org/tlog-proof@v1"

_MOST_HASHES = 63


@dataclass(frozen=True, slots=True)
class TlogProof:
    """Where an entry stands, the hashes from it to the root, and the signed checkpoint with that root.

    ``extra`` is bytes of the application's own; nothing vouches for them.
    """

    index: int
    hashes: tuple[bytes, ...]
    checkpoint: str
    extra: bytes | None = None


def encode(proof: TlogProof) -> str:
    """Return the proof as the text that is kept in a ``.tlog-proof`` file."""
    extra = [] if proof.extra is None else [f"extra {base64_of(proof.extra)}"]
    lines = [HEADER, *extra, *body_of(proof.index, proof.hashes), ""]
    return "".join(f"{line}\n" for line in lines) + proof.checkpoint


def parse(text: str) -> TlogProof:
    """Return the proof that *text* spells, with nothing in it checked yet; raises ``BadLine``."""
    lines = Lines(text)
    lines.take_exactly(HEADER)
    number = lines.number
    extra = lines.find_after("extra")
    try:
        data = None if extra is None else bytes_of(extra)
    except Misspelled as error:
        raise BadLine(number, str(error)) from error
    index, hashes = take_body(lines)
    lines.take_exactly("")
    return TlogProof(index, hashes, lines.rest(), data)


def verify(proof: TlogProof, entry: str, verifier: Verifier) -> Checkpoint:
    """Check that *entry* is in the record that the proof's checkpoint speaks of, and return that one.

    Raises ``CheckpointRejected`` or ``ProofRejected``.
    """
    checkpoint = open_checkpoint(proof.checkpoint, verifier)
    merkle.verify_inclusion(leaf(entry), proof.index, checkpoint.size, proof.hashes, checkpoint.root)
    return checkpoint


def body_of(index: int, hashes: Sequence[bytes]) -> list[str]:
    """Return the lines that say where an entry stands and how to get from there to the root."""
    return [f"index {index}", *map(base64_of, hashes)]


def take_body(lines: Lines) -> tuple[int, tuple[bytes, ...]]:
    """Take from *lines* what ``body_of`` makes; raises ``BadLine``."""
    number = lines.number
    try:
        index = number_of(lines.take_after("index"))
        hashes = []
        while lines.is_word():
            number = lines.number
            hashes.append(bytes_of(lines.take(), length=HASH_BYTES))
    except Misspelled as error:
        raise BadLine(number, str(error)) from error
    if len(hashes) > _MOST_HASHES:
        raise BadLine(number, f"more than {_MOST_HASHES} hashes, which no record needs")
    return index, tuple(hashes)
