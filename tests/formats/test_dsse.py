"""DSSE envelopes: the standard's own vector, and no second reading of any envelope."""

from __future__ import annotations

import json
from base64 import b64decode

import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import encode_dss_signature
from cryptography.hazmat.primitives.hashes import SHA256

from clawtrail.formats import dsse
from clawtrail.formats.dsse import EnvelopeRejected
from clawtrail.formats.notes import Signer

TYPE = "http://example.com/HelloWorld"
ADA = Signer("ada", bytes(range(32)))
SEALED = dsse.seal(TYPE, b"hello world", ADA)


def test_what_is_signed_is_as_the_standard_shows() -> None:
    """The encoding of type and payload is the one of the standard's test vector."""
    assert dsse.pae(TYPE, b"hello world") == b"DSSEv1 29 http://example.com/HelloWorld 11 hello world"
    assert dsse.pae("", b"") == b"DSSEv1 0  0 "
    assert dsse.pae("é", b"x") == "DSSEv1 2 é 1 x".encode()


def test_the_signature_of_the_standards_vector_is_on_our_encoding() -> None:
    """The published signature (ECDSA, another algorithm than ours) verifies over the bytes that we make."""
    x = 46950820868899156662930047687818585632848591499744589407958293238635476079160
    y = 5640078356564379163099075877009565129882514886557779369047442380624545832820
    signed = b64decode(
        "A3JqsQGtVsJ2O2xqrI5IcnXip5GToJ3F+FnZ+O88SjtR6rDAajabZKciJTfUiHqJPcIAriEGAHTVeCUjW2JIZA=="
    )
    r, s = (int.from_bytes(half, "big") for half in (signed[:32], signed[32:]))
    key = ec.EllipticCurvePublicNumbers(x, y, ec.SECP256R1()).public_key()
    key.verify(encode_dss_signature(r, s), dsse.pae(TYPE, b"hello world"), ec.ECDSA(SHA256()))


def test_what_was_sealed_opens_with_its_key_alone() -> None:
    """The payload comes out for the right key and the right type; for any other it does not."""
    envelope = dsse.parse(SEALED)
    assert dsse.opened(envelope, TYPE, ADA.verifier) == b"hello world"
    assert envelope.key_id == dsse.key_id_of(ADA.verifier.public_key)
    with pytest.raises(EnvelopeRejected, match="not that of ben"):
        dsse.opened(envelope, TYPE, Signer("ben", bytes(32)).verifier)
    with pytest.raises(EnvelopeRejected, match="of the type"):
        dsse.opened(envelope, "application/json", ADA.verifier)


def _with(**members: object) -> str:
    return json.dumps({**json.loads(SEALED), **members})


SIGNED = json.loads(SEALED)["signatures"][0]


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("", "not JSON"),
        ("[]", "not a JSON object"),
        ("{}", "exactly the members"),
        (_with(more=1), "exactly the members"),
        (_with(signatures=[]), "exactly one signature"),
        (_with(signatures=[SIGNED, SIGNED]), "exactly one signature"),
        (_with(signatures=SIGNED), "exactly one signature"),
        (_with(signatures=[{"sig": SIGNED["sig"]}]), "exactly the members"),
        (_with(signatures=[{**SIGNED, "sig": SIGNED["sig"][:-4]}]), "bytes, not 64"),
        (_with(payload="aGVsbG8gd29ybGR="), "not the one base64"),
        (_with(payload="aGVsbG8gd29ybGQ"), "not base64"),
        (_with(payload="aGVsbG8g\nd29ybGQ="), "not base64"),
        (_with(payload="_-8="), "not base64"),
        (_with(payload=1), "payload is no text"),
        (_with(payloadType=None), "payloadType is no text"),
        (SEALED[:-1] + ',"payload":"e30="}', "stands twice"),
        (SEALED[:-1] + ',"p\\u0061yload":"e30="}', "stands twice"),
        (SEALED.replace("Hello", "Hëllo"), "ASCII"),
        (" " * dsse.MAX_TEXT + SEALED, "at most"),
        ("[" * 100_000, "not JSON"),
    ],
)
def test_what_could_be_read_in_two_ways_is_not_read(text: str, why: str) -> None:
    """Each other form of an envelope is refused with its reason."""
    with pytest.raises(EnvelopeRejected, match=why):
        dsse.parse(text)
