"""DSSE envelopes: bytes of a named type with one Ed25519 signature (github.com/secure-systems-lab/dsse).

What is signed is the standard's own encoding of type and bytes. Of envelopes a narrow form is taken, the one
that ``seal`` writes: one signature, a key id, standard base64, no other member. So an envelope cannot be
read in two ways, and who signed it is never a question.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from hashlib import sha256
from typing import Any

from clawtrail.formats.events import NotAnEvent, object_of
from clawtrail.formats.notes import Signer, Verifier
from clawtrail.formats.spelling import Misspelled, base64_of, bytes_of

MAX_TEXT = 4 * 1024 * 1024
"""The most characters of an envelope; what is longer is refused unread."""

_SIGNATURE_BYTES = 64
_MAX_TYPE = 200


class EnvelopeRejected(ValueError):
    """The text is no envelope of our form, or it is not what was signed; the message says why."""


@dataclass(frozen=True, slots=True)
class Envelope:
    """An envelope as it was read, with nothing checked but its form. ``key_id`` is a hint, no proof."""

    payload_type: str
    payload: bytes
    key_id: str
    signature: bytes


def pae(payload_type: str, payload: bytes) -> bytes:
    """Return what is signed: the standard's "pre-authentication encoding" of type and payload."""
    type_ = payload_type.encode()
    return b"DSSEv1 %d %b %d %b" % (len(type_), type_, len(payload), payload)


def key_id_of(public_key: bytes) -> str:
    """Return the name that envelopes have for a key: SHA-256 of its 32 bytes, in hexadecimal."""
    return sha256(public_key).hexdigest()


def seal(payload_type: str, payload: bytes, signer: Signer) -> str:
    """Return the envelope with *payload*, signed, as one line of JSON in ASCII."""
    signature = signer.sign_bytes(pae(payload_type, payload))
    signed = {"keyid": key_id_of(signer.verifier.public_key), "sig": base64_of(signature)}
    envelope = {"payload": base64_of(payload), "payloadType": payload_type, "signatures": [signed]}
    return json.dumps(envelope, separators=(",", ":"))


def parse(text: str) -> Envelope:
    """Return the envelope that *text* spells, its signature not yet checked; raises ``EnvelopeRejected``."""
    if len(text) > MAX_TEXT:
        raise EnvelopeRejected(f"an envelope has at most {MAX_TEXT} characters")
    if not text.isascii():
        raise EnvelopeRejected("an envelope is ASCII")
    try:
        said = object_of(text)
        _has_exactly(said, "payload", "payloadType", "signatures")
        signatures = said["signatures"]
        if not isinstance(signatures, list) or len(signatures) != 1:
            raise EnvelopeRejected("an envelope has exactly one signature")
        [signed] = signatures
        _has_exactly(signed, "keyid", "sig")
        payload_type, key_id = _text(said, "payloadType"), _text(signed, "keyid")
        return Envelope(
            payload_type,
            bytes_of(_text(said, "payload")),
            key_id,
            bytes_of(_text(signed, "sig"), length=_SIGNATURE_BYTES),
        )
    except (NotAnEvent, Misspelled) as error:
        raise EnvelopeRejected(str(error)) from error


def opened(envelope: Envelope, payload_type: str, verifier: Verifier) -> bytes:
    """Return the payload, if it is of this type and *verifier*'s key signed it as such.

    Parse these bytes, and nothing else of the envelope. Raises ``EnvelopeRejected``.
    """
    if envelope.payload_type != payload_type:
        raise EnvelopeRejected(f"it is of the type {envelope.payload_type[:_MAX_TYPE]!a}, not {payload_type}")
    if not verifier.accepts(pae(envelope.payload_type, envelope.payload), envelope.signature):
        raise EnvelopeRejected(f"the signature is not that of {verifier.name} on this content")
    return envelope.payload


def _has_exactly(said: object, *names: str) -> None:
    if not isinstance(said, dict) or sorted(said) != sorted(names):
        raise EnvelopeRejected(f"it has not exactly the members {', '.join(names)}")


def _text(said: dict[str, Any], name: str) -> str:
    value = said[name]
    if not isinstance(value, str):
        raise EnvelopeRejected(f"{name} is no text")
    return value
