"""A proof of one entry as others write it: read, written and checked; and the spelling that it is made of."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from clawtrail.formats import receipts, spelling, tlog_proofs
from clawtrail.formats.checkpoints import CheckpointRejected
from clawtrail.formats.lines import BadLine
from clawtrail.formats.merkle import ProofRejected
from clawtrail.formats.notes import Signer
from clawtrail.formats.spelling import Misspelled
from clawtrail.formats.tlog_proofs import TlogProof
from tests.support import acts
from tests.support.database import Database
from tests.support.receipt import SIGNER, entries_of

# The hashes are those of the example in the standard; its signatures are cut short there.
TEXT = """c2sp.org/tlog-proof@v1
extra AAECAw==
index 73894
gSKyXoYZUgZ6jduWYrkDOARinOMGJveXjgMkBTcdPlQ=
B95lDa8R83lS8n0eG+o0buTxRKQTYFi//1U8anccXmA=

example.com/fancylog
109482
sFodV/vSp5O8n9a8QpW6PRY97tfOSW5bsc2Xl/EQi08=

\u2014 example.com/fancylog hI2DJ1rolo==
"""


def test_a_proof_is_read_and_written() -> None:
    """The parts of a proof are those that the standard names, and its text comes back from them."""
    proof = tlog_proofs.parse(TEXT)
    assert (proof.index, len(proof.hashes), proof.extra) == (73894, 2, b"\0\1\2\3")
    assert proof.checkpoint.startswith("example.com/fancylog\n109482\n")
    assert tlog_proofs.encode(proof) == TEXT
    bare = replace(proof, extra=None, hashes=(), index=0)
    assert tlog_proofs.parse(tlog_proofs.encode(bare)) == bare


@pytest.mark.parametrize(
    ("old", "new", "line"),
    [
        ("@v1", "@v2", 1),
        ("AAECAw==", "AAECAw", 2),
        ("extra AAECAw==", "extra", 2),
        ("index 73894", "index 073894", 3),
        ("index 73894", "index -1", 3),
        ("index 73894", "73894", 3),
        ("PlQ=", "PlR=", 4),
        ("PlQ=\n", "PlQ=\nAAAA\n", 5),
        ("XmA=\n\nexample", "XmA=\nexample", 6),
        ("Q=\nB", "Q=\r\nB", 4),
    ],
)
def test_other_spellings_are_refused(old: str, new: str, line: int) -> None:
    """A proof that is written otherwise is refused, with the line where it is."""
    assert old in TEXT
    with pytest.raises(BadLine) as refused:
        tlog_proofs.parse(TEXT.replace(old, new, 1))
    assert refused.value.number == line


@pytest.mark.parametrize("text", ["", "c2sp.org/tlog-proof@v1", "c2sp.org/tlog-proof@v1\n", TEXT[:-1]])
def test_half_a_proof_is_refused(text: str) -> None:
    """A text that ends too early is no proof."""
    with pytest.raises(BadLine):
        tlog_proofs.parse(text)


def test_too_many_hashes_are_refused() -> None:
    """More hashes than any tree has levels are refused while they are read."""
    with pytest.raises(BadLine, match="more than 63"):
        tlog_proofs.parse("c2sp.org/tlog-proof@v1\nindex 0\n" + f"{spelling.base64_of(bytes(32))}\n" * 64)


def test_each_event_of_a_receipt_has_a_proof_of_its_own(db: Database) -> None:
    """Index, hashes and checkpoint of a receipt are a proof that the standard's own check takes."""
    task_id = acts.submit(db)
    acts.result(db, acts.started(db))
    entries, note = entries_of(db, task_id)
    proven = receipts.verify(receipts.build(entries, note), SIGNER.verifier)
    for entry in entries:
        proof = tlog_proofs.parse(tlog_proofs.encode(TlogProof(entry.index, entry.proof, note)))
        assert tlog_proofs.verify(proof, entry.text, SIGNER.verifier) == proven.checkpoint
        with pytest.raises(ProofRejected):
            tlog_proofs.verify(proof, entry.text + " ", SIGNER.verifier)
        with pytest.raises(CheckpointRejected):
            tlog_proofs.verify(proof, entry.text, Signer(SIGNER.name, bytes(32)).verifier)


@given(st.binary(max_size=80))
def test_bytes_have_one_spelling(data: bytes) -> None:
    """Bytes come back from their text, and a text with one character changed is another or none."""
    text = spelling.base64_of(data)
    assert spelling.bytes_of(text, length=len(data)) == data
    for at, character in enumerate(text):
        for other in "AQgw+/=_- ":
            if other != character:
                changed = text[:at] + other + text[at + 1 :]
                try:
                    assert spelling.bytes_of(changed) != data
                except Misspelled:
                    continue


@pytest.mark.parametrize(
    "text", ["A", "AA", "AA=", "AB==", "AA==\n", " AA==", "A_8=", "AA==AA==", "\u0661A=="]
)
def test_other_base64_is_refused(text: str) -> None:
    """Base64 without padding, with blanks, with other letters or with bits to spare is refused."""
    with pytest.raises(Misspelled):
        spelling.bytes_of(text)


@given(st.integers(0, 2**63 - 1))
def test_numbers_have_one_spelling(number: int) -> None:
    """A number is read from its plain digits, and with a zero, a sign or a blank before them not at all."""
    assert spelling.number_of(str(number)) == number
    for before in ("0", "+", "-", " ", "\u0661"):
        with pytest.raises(Misspelled):
            spelling.number_of(f"{before}{number}")


@pytest.mark.parametrize("text", ["", "1_0", "1\n", "0x1", "1.0", "1e3", str(2**63), "9" * 5000])
def test_other_numbers_are_refused(text: str) -> None:
    """What Python would take for a number, or is too large for any record, is refused."""
    with pytest.raises(Misspelled):
        spelling.number_of(text)
