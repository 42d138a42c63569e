"""Checkpoints: one text for each, signed by the record that they are of."""

from __future__ import annotations

import pytest

from clawtrail.formats import checkpoints, merkle, notes
from clawtrail.formats.checkpoints import Checkpoint, CheckpointRejected
from clawtrail.formats.notes import Signer

SIGNER = Signer("example.com/behind-the-sofa", bytes(32))
ROOT = "CsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I="
# The example of the standard, without its signature.
TEXT = f"example.com/behind-the-sofa\n20852163\n{ROOT}\n"


def test_the_published_checkpoint_is_read_and_written() -> None:
    """The example of the standard has the size and root that stand in it, and the same text again."""
    checkpoint = checkpoints.parse(TEXT)
    assert (checkpoint.origin, checkpoint.size) == ("example.com/behind-the-sofa", 20852163)
    assert checkpoint.root.hex().startswith("0ac5186a91863e8e")
    assert checkpoints.encode(checkpoint) == TEXT


@pytest.mark.parametrize("size", [0, 1, 2**63 - 1])
def test_a_signed_checkpoint_is_opened(size: int) -> None:
    """What is signed comes back under the verifier key, for every size that there can be."""
    checkpoint = Checkpoint(SIGNER.name, size, merkle.empty_root())
    assert checkpoints.open_checkpoint(checkpoints.sign(checkpoint, SIGNER), SIGNER.verifier) == checkpoint


def test_extension_lines_are_kept() -> None:
    """Lines that the standard allows below the root are read, signed and written like the rest."""
    checkpoint = checkpoints.parse(f"{TEXT}more\nand more\n")
    assert checkpoint.extensions == ("more", "and more")
    assert checkpoints.open_checkpoint(checkpoints.sign(checkpoint, SIGNER), SIGNER.verifier) == checkpoint


@pytest.mark.parametrize(
    "text",
    [
        "",
        "\n",
        TEXT[:-1],
        f"\n{TEXT}",
        f"{TEXT}\n",
        f"{TEXT}a\n\n",
        TEXT.replace("20852163", "020852163"),
        TEXT.replace("20852163", "-1"),
        TEXT.replace("20852163", "+1"),
        TEXT.replace("20852163", "1_0"),
        TEXT.replace("20852163", "\u0661"),
        TEXT.replace("20852163", " 1"),
        TEXT.replace("20852163", str(2**63)),
        TEXT.replace("20852163", ""),
        TEXT.replace("q2I=", "q2J="),
        TEXT.replace("q2I=", "q2I"),
        TEXT.replace("CsUY", ""),
        "example.com/behind-the-sofa\n20852163\n",
    ],
)
def test_what_is_no_checkpoint_is_refused(text: str) -> None:
    """Sizes and roots have one spelling, no line is empty, and three lines have to be there."""
    with pytest.raises(CheckpointRejected):
        checkpoints.parse(text)


@pytest.mark.parametrize(
    "checkpoint",
    [
        Checkpoint("", 1, bytes(32)),
        Checkpoint("a\nb", 1, bytes(32)),
        Checkpoint("a", -1, bytes(32)),
        Checkpoint("a", 1, bytes(31)),
        Checkpoint("a", 1, bytes(32), ("",)),
        Checkpoint("a", 1, bytes(32), ("b\nc",)),
    ],
)
def test_what_could_not_be_read_back_is_not_written(checkpoint: Checkpoint) -> None:
    """A checkpoint whose text would mean something else, or nothing, is refused before it is signed."""
    with pytest.raises(CheckpointRejected):
        checkpoints.encode(checkpoint)


def test_a_key_signs_for_its_own_record_only() -> None:
    """The key's name is the origin, on both sides."""
    other = Checkpoint("example.com/elsewhere", 1, bytes(32))
    with pytest.raises(CheckpointRejected, match="elsewhere"):
        checkpoints.sign(other, SIGNER)
    note = notes.sign(checkpoints.encode(other), [SIGNER])
    with pytest.raises(CheckpointRejected, match="elsewhere"):
        checkpoints.open_checkpoint(note, SIGNER.verifier)


def test_a_checkpoint_of_another_key_is_refused() -> None:
    """Under another key, or without a signature, a checkpoint says nothing."""
    note = checkpoints.sign(Checkpoint(SIGNER.name, 1, bytes(32)), SIGNER)
    for wrong in (note, TEXT, note.replace("\n1\n", "\n2\n")):
        with pytest.raises(CheckpointRejected, match="not signed"):
            checkpoints.open_checkpoint(wrong, Signer(SIGNER.name, bytes([1]) * 32).verifier)


def test_other_signatures_do_no_harm() -> None:
    """Witnesses may sign below the record: an unknown signature is ignored."""
    checkpoint = Checkpoint(SIGNER.name, 1, bytes(32))
    note = notes.sign(checkpoints.encode(checkpoint), [Signer("witness.example", bytes(32)), SIGNER])
    assert checkpoints.open_checkpoint(note, SIGNER.verifier) == checkpoint
