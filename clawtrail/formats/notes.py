"""C2SP signed notes: a text with the Ed25519 signatures of named keys below it (c2sp.org/signed-note)."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from hashlib import sha256

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from clawtrail.formats.spelling import Misspelled, base64_of, bytes_of

MAX_BYTES = 1_000_000
"""The most that a note may have; what is longer is refused unread."""

MAX_SIGNATURES = 100

_ED25519 = b"\x01"
_KEY_BYTES = 32
_ID_BYTES = 4
_MARK = "\u2014 "
_PRIVATE = "PRIVATE+KEY+"
_CONTROL = re.compile(r"[\x00-\x09\x0b-\x1f]")
"""Of the control characters below the blank, a note holds line ends only."""


class BadKey(ValueError):
    """The text is no signer key or no verifier key; the message says why."""


class NoteRejected(ValueError):
    """The note is malformed, or no known key vouches for it; the message says why."""


@dataclass(frozen=True, slots=True)
class Signature:
    """One signature line: the key that it names, and what that key is said to have signed."""

    name: str
    key_id: bytes
    signature: bytes

    @property
    def line(self) -> str:
        """The line as it stands in a note."""
        return f"{_MARK}{self.name} {base64_of(self.key_id + self.signature)}\n"


@dataclass(frozen=True, slots=True)
class Note:
    """A note whose ``signatures`` are good; those of keys that nobody asked about are ``unknown``."""

    text: str
    signatures: tuple[Signature, ...]
    unknown: tuple[Signature, ...] = ()


class Verifier:
    """A public key under its name: what it takes to check the signatures of one signer."""

    def __init__(self, name: str, public_key: bytes) -> None:
        """Raise ``BadKey`` for a name that no note can carry and for what is no Ed25519 key."""
        _check_name(name)
        if len(public_key) != _KEY_BYTES:
            raise BadKey(f"an Ed25519 public key has {_KEY_BYTES} bytes, not {len(public_key)}")
        self.name = name
        self.public_key = public_key
        self.key_id = sha256(name.encode() + b"\n" + _ED25519 + public_key).digest()[:_ID_BYTES]
        self._key = Ed25519PublicKey.from_public_bytes(public_key)

    @classmethod
    def parse(cls, text: str) -> Verifier:
        """Return the verifier that a key text ``NAME+ID+KEY`` spells; raises ``BadKey``."""
        name, key_id, key = _split_key(text)
        return _same_id(cls(name, key), key_id)

    def __str__(self) -> str:
        return f"{self.name}+{self.key_id.hex()}+{base64_of(_ED25519 + self.public_key)}"

    def accepts(self, text: bytes, signature: bytes) -> bool:
        """Say whether *signature* is this key's on *text*."""
        try:
            self._key.verify(signature, text)
        except InvalidSignature:
            return False
        return True


class Signer:
    """A private key under its name: what it takes to sign."""

    def __init__(self, name: str, seed: bytes) -> None:
        """Raise ``BadKey`` for a name that no note can carry and for a seed that has not 32 bytes."""
        if len(seed) != _KEY_BYTES:
            raise BadKey(f"an Ed25519 private key has {_KEY_BYTES} bytes, not {len(seed)}")
        self._seed = seed
        self._key = Ed25519PrivateKey.from_private_bytes(seed)
        self.verifier = Verifier(name, self._key.public_key().public_bytes_raw())

    @classmethod
    def generate(cls, name: str) -> Signer:
        """Make a new key."""
        return cls(name, Ed25519PrivateKey.generate().private_bytes_raw())

    @classmethod
    def parse(cls, text: str) -> Signer:
        """Return the signer that a key text ``PRIVATE+KEY+NAME+ID+KEY`` spells; raises ``BadKey``."""
        if not text.startswith(_PRIVATE):
            raise BadKey(f"a private key begins with {_PRIVATE}")
        name, key_id, seed = _split_key(text.removeprefix(_PRIVATE))
        signer = cls(name, seed)
        _same_id(signer.verifier, key_id)
        return signer

    @property
    def name(self) -> str:
        """The name that its signatures carry."""
        return self.verifier.name

    def secret(self) -> str:
        """Return the key text that ``parse`` takes: whoever has it can sign."""
        return f"{_PRIVATE}{self.name}+{self.verifier.key_id.hex()}+{base64_of(_ED25519 + self._seed)}"

    def sign(self, text: str) -> Signature:
        """Return this key's signature on *text*, which is taken as it is."""
        return Signature(self.name, self.verifier.key_id, self.sign_bytes(text.encode()))

    def sign_bytes(self, data: bytes) -> bytes:
        """Return this key's bare signature on *data*."""
        return self._key.sign(data)


def sign(text: str, signers: Iterable[Signer]) -> str:
    """Return *text* as a note with a signature of each signer, in their order.

    The text ends with a line end. Raises ``NoteRejected`` for a text that no note can hold.
    """
    _check_text(text)
    if not text.endswith("\n"):
        raise NoteRejected("the text does not end with a line end")
    lines = [signer.sign(text).line for signer in signers]
    if not lines:
        raise NoteRejected("a note needs a signature")
    return f"{text}\n{''.join(lines)}"


def parse_note(note: str | bytes) -> tuple[str, list[Signature]]:
    """Return the text of a note and its signatures, none of them checked yet; raises ``NoteRejected``."""
    whole = _decoded(note)
    _check_characters(whole)
    # The text itself may hold empty lines: the last one counts.
    text, blank, signed = whole.rpartition("\n\n")
    if not blank or not signed.endswith("\n"):
        raise NoteRejected("there is no empty line with signature lines below it")
    lines = signed[:-1].split("\n")
    if len(lines) > MAX_SIGNATURES:
        raise NoteRejected(f"more than {MAX_SIGNATURES} signatures")
    return f"{text}\n", [_parse_line(line) for line in lines]


def open_note(note: str | bytes, verifiers: Sequence[Verifier]) -> Note:
    """Return the note if at least one of *verifiers* vouches for it and none of them speaks against it.

    Signatures of other keys are ignored, and so are repetitions. A bad signature of a known
    key, no signature of one, and anything malformed raise ``NoteRejected``.
    """
    return vouch(*parse_note(note), verifiers)


def vouch(text: str, signatures: Iterable[Signature], verifiers: Sequence[Verifier]) -> Note:
    """Return the note that ``parse_note`` took apart, as ``open_note`` does."""
    known = _by_name_and_id(verifiers)
    signed = text.encode()
    good: dict[tuple[str, bytes], Signature] = {}
    unknown: dict[Signature, None] = {}
    for signature in signatures:
        key = (signature.name, signature.key_id)
        verifier = known.get(key)
        if verifier is None:
            unknown.setdefault(signature)
        elif key not in good:
            if not verifier.accepts(signed, signature.signature):
                raise NoteRejected(f"the signature of {verifier.name} is not good for this text")
            good[key] = signature
    if not good:
        raise NoteRejected(f"no signature is of a known key; it is signed by {_names(unknown)}")
    return Note(text, tuple(good.values()), tuple(unknown))


def _by_name_and_id(verifiers: Iterable[Verifier]) -> dict[tuple[str, bytes], Verifier]:
    known: dict[tuple[str, bytes], Verifier] = {}
    for verifier in verifiers:
        same = known.setdefault((verifier.name, verifier.key_id), verifier)
        if same.public_key != verifier.public_key:
            raise BadKey(f"two keys of {verifier.name} have the same id")
    return known


def _names(signatures: Iterable[Signature]) -> str:
    return ", ".join(f"{one.name} (key {one.key_id.hex()})" for one in signatures)


def _parse_line(line: str) -> Signature:
    name, blank, encoded = line.removeprefix(_MARK).partition(" ")
    if not line.startswith(_MARK) or not blank or not _is_name(name):
        raise NoteRejected(f"this is no signature line: {line[:100]!a}")
    try:
        data = bytes_of(encoded)
    except Misspelled as error:
        raise NoteRejected(f"a signature line is malformed: {error}") from error
    if len(data) <= _ID_BYTES:
        raise NoteRejected(f"the signature of {name} is empty")
    return Signature(name, data[:_ID_BYTES], data[_ID_BYTES:])


def _decoded(note: str | bytes) -> str:
    try:
        data = note.encode() if isinstance(note, str) else note
        if len(data) > MAX_BYTES:
            raise NoteRejected(f"a note has at most {MAX_BYTES} bytes")
        return data.decode()
    except UnicodeError as error:
        raise NoteRejected("it is not UTF-8") from error


def _check_text(text: str) -> None:
    try:
        text.encode()
    except UnicodeEncodeError as error:
        raise NoteRejected("it is not UTF-8") from error
    _check_characters(text)


def _check_characters(text: str) -> None:
    if _CONTROL.search(text):
        raise NoteRejected("it holds a control character")


def _is_name(name: str) -> bool:
    return bool(name) and "+" not in name and not any(map(str.isspace, name))


def _check_name(name: str) -> None:
    if not _is_name(name) or any(character < " " for character in name):
        raise BadKey("the name of a key is not empty and holds no space and no +")


def _split_key(text: str) -> tuple[str, bytes, bytes]:
    """Return name, id and key of the ``NAME+ID+KEY`` that both kinds of key text end with."""
    # The base64 at the end may hold a + too.
    name, _, rest = text.partition("+")
    key_id, _, encoded = rest.partition("+")
    try:
        data = bytes_of(encoded, length=1 + _KEY_BYTES)
        if len(key_id) != 2 * _ID_BYTES or bytes.fromhex(key_id).hex() != key_id:
            raise BadKey("the id of the key is not 8 hexadecimal digits")
    except Misspelled as error:
        raise BadKey(f"the key is malformed: {error}") from error
    except ValueError as error:
        raise BadKey(str(error)) from error
    if data[:1] != _ED25519:
        raise BadKey("the key is not of the kind Ed25519")
    return name, bytes.fromhex(key_id), data[1:]


def _same_id(verifier: Verifier, key_id: bytes) -> Verifier:
    if verifier.key_id != key_id:
        raise BadKey(f"the id of the key is {verifier.key_id.hex()}, not {key_id.hex()}")
    return verifier
