"""Signed notes: those that others publish are read and written, and nothing but them."""

from __future__ import annotations

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from clawtrail.formats import notes
from clawtrail.formats.notes import BadKey, NoteRejected, Signer, Verifier

# The example of Go's package golang.org/x/mod/sumdb/note; the second key's seed is 32 zero bytes.
TEXT = "If you think cryptography is the answer to your problem,\nthen you don't know what your problem is.\n"
PETER_KEY = "PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW"
PETER_SECRET = "PRIVATE+KEY+PeterNeumann+c74f20a3+AYEKFALVFGyNhPJEMzD1QIDr+Y7hfZx09iUvxdXHKDFz"
PETER_LINE = (
    "\u2014 PeterNeumann x08go/ZJkuBS9UG/SffcvIAQxVBtiFupLLr8pAcElZInNIuGUgYN1FFYC2pZ"
    "SNXgKvqfqdngotpRZb6KE6RyyBwJnAM=\n"
)
ENOCH_KEY = "EnochRoot+af0cfe78+ATtqJ7zOtqQtYqOo0CpvDXNlMhV3HeJDpjrASKGLWdop"
ENOCH_LINE = (
    "\u2014 EnochRoot rwz+eBzmZa0SO3NbfRGzPCpDckykFXSdeX+MNtCOXm2/5n2tiOHp+vAF1aGrQ5ovTG01oOTG"
    "wnWLox33WWd1RvMc+QQ=\n"
)
PETER = Signer.parse(PETER_SECRET)
ENOCH = Signer("EnochRoot", bytes(32))
BOTH = [PETER.verifier, ENOCH.verifier]
NOTE = f"{TEXT}\n{PETER_LINE}"


def test_the_published_note_is_written() -> None:
    """The published key makes the published signatures, byte for byte, one or two of them."""
    assert notes.sign(TEXT, [PETER]) == NOTE
    assert notes.sign(TEXT, [PETER, ENOCH]) == f"{NOTE}{ENOCH_LINE}"


def test_the_published_note_is_read() -> None:
    """The published verifier keys open the published notes."""
    opened = notes.open_note(NOTE.encode(), [Verifier.parse(PETER_KEY)])
    assert opened.text == TEXT
    assert [one.name for one in opened.signatures] == ["PeterNeumann"]
    assert opened.unknown == ()
    both = notes.open_note(f"{NOTE}{ENOCH_LINE}", [Verifier.parse(ENOCH_KEY)])
    assert [one.name for one in both.signatures] == ["EnochRoot"]
    assert [one.line for one in both.unknown] == [PETER_LINE]


@pytest.mark.parametrize(
    "key", [PETER_KEY, ENOCH_KEY, "example.com/foo+530d903a+AekyeRrm56hApGFkyQR4ZCbV54Id2LKaANYcrnKv3U2k"]
)
def test_published_verifier_keys_are_read_and_written(key: str) -> None:
    """A verifier key text gives a key with the id that stands in it, and the same text again."""
    assert str(Verifier.parse(key)) == key


def test_a_signer_key_is_read_and_written() -> None:
    """The text of a private key gives the key back; a new key signs what its verifier takes."""
    assert PETER.secret() == PETER_SECRET
    assert (str(PETER.verifier), str(ENOCH.verifier)) == (PETER_KEY, ENOCH_KEY)
    new = Signer.generate("example.net/log")
    again = Signer.parse(new.secret())
    assert notes.open_note(notes.sign("x\n", [again]), [new.verifier]).text == "x\n"
    assert new.secret() != Signer.generate("example.net/log").secret()
    assert new.secret() not in repr(new)


def test_the_signature_is_plain_ed25519_over_the_text() -> None:
    """What stands behind the key id in a line verifies with nothing but the public key and the text."""
    signature = ENOCH.sign(TEXT)
    Ed25519PublicKey.from_public_bytes(ENOCH.verifier.public_key).verify(signature.signature, TEXT.encode())


@pytest.mark.parametrize(
    "key",
    [
        "",
        "PeterNeumann",
        PETER_KEY + "\n",
        PETER_KEY + " ",
        PETER_KEY.replace("c74f20a3", "c74f20a4"),
        PETER_KEY.replace("c74f20a3", "C74F20A3"),
        PETER_KEY.replace("c74f20a3", "c74f20a"),
        PETER_KEY.replace("c74f20a3", "zzzzzzzz"),
        PETER_KEY.replace("PeterNeumann", "PeterNeuman"),
        PETER_KEY.replace("PeterNeumann", ""),
        PETER_KEY.replace("PeterNeumann", "Peter Neumann"),
        PETER_KEY.replace("+ARpc", "+AhpC"),
        PETER_KEY[:-1],
        PETER_KEY[:-4],
        PETER_SECRET,
    ],
)
def test_what_is_no_verifier_key_is_refused(key: str) -> None:
    """A text that is anything but a verifier key with its own id is refused."""
    with pytest.raises(BadKey):
        Verifier.parse(key)


@pytest.mark.parametrize("key", ["", PETER_KEY, PETER_SECRET.replace("c74f", "c74e"), PETER_SECRET[:-4]])
def test_what_is_no_signer_key_is_refused(key: str) -> None:
    """A text that is anything but a private key with its own id is refused."""
    with pytest.raises(BadKey):
        Signer.parse(key)


@pytest.mark.parametrize("name", ["", "a b", "a+b", "a\u00a0b", "a\u2003b", "a\nb", "a\tb", "a\0b"])
def test_names_that_no_note_can_carry_are_refused(name: str) -> None:
    """A name is not empty and has no plus, no blank of any script and no control character."""
    with pytest.raises(BadKey):
        Signer(name, bytes(32))


def test_keys_have_32_bytes() -> None:
    """A shorter or longer key is refused, private or public."""
    with pytest.raises(BadKey, match="32 bytes"):
        Signer("x", bytes(31))
    with pytest.raises(BadKey, match="32 bytes"):
        Verifier("x", bytes(33))


@pytest.mark.parametrize("text", ["", "no line end", "a\tb\n", "a\rb\n", "\0\n", "\ud800\n"])
def test_texts_that_no_note_can_hold_are_refused(text: str) -> None:
    """What is signed ends with a line end, is UTF-8 and has no control characters but line ends."""
    with pytest.raises(NoteRejected):
        notes.sign(text, [PETER])


@pytest.mark.parametrize("text", ["\n", "a\n\nb\n", "a\n\n", "\u2014 x y\n", "\n\n\n", "h\u00e9\n"])
def test_any_other_text_comes_back(text: str) -> None:
    """Empty lines and lines that look like signatures are text as well: the last empty line counts."""
    assert notes.open_note(notes.sign(text, [PETER]), BOTH).text == text


def test_a_note_needs_a_signature() -> None:
    """Without a signer there is no note."""
    with pytest.raises(NoteRejected):
        notes.sign(TEXT, [])


def test_every_changed_byte_is_found() -> None:
    """A note with one bit of any byte changed is refused by the one who knows its key."""
    data = NOTE.encode()
    for at in range(len(data)):
        for bit in (1, 4, 32):
            changed = data[:at] + bytes([data[at] ^ bit]) + data[at + 1 :]
            with pytest.raises(NoteRejected):
                notes.open_note(changed, [PETER.verifier])


@pytest.mark.parametrize(
    ("note", "why"),
    [
        (TEXT, "no empty line"),
        (f"{TEXT}{PETER_LINE}", "no empty line"),
        (f"{TEXT}\n", "no signature line|no empty line"),
        (f"{TEXT}\n{PETER_LINE[:-1]}", "no empty line"),
        (f"{TEXT}\n{PETER_LINE}\n", "no empty line|no signature line"),
        (f"{TEXT}\n{PETER_LINE.replace(' x08', '  x08')}", "malformed"),
        (f"{TEXT}\n{PETER_LINE.replace('—', '-')}", "no signature line"),
        (f"{TEXT}\n{PETER_LINE.replace('PeterNeumann', 'Peter+Neumann')}", "no signature line"),
        (f"{TEXT}\n{PETER_LINE.replace('=', '')}", "malformed"),
        (f"{TEXT}\n{PETER_LINE.replace('nAM=', 'nAN=')}", "malformed"),
        (f"{TEXT}\n\u2014 PeterNeumann x08gow==\n", "empty"),
        (f"{TEXT}\n{PETER_LINE}and more\n", "no signature line"),
        (NOTE.replace("\n", "\r\n"), "control character"),
        (NOTE.encode("utf-16"), "UTF-8"),
        ("x" * 1_000_001, "at most"),
        (f"{TEXT}\n{PETER_LINE * 101}", "more than 100"),
    ],
)
def test_malformed_notes_are_refused(note: str | bytes, why: str) -> None:
    """What is not exactly a text, an empty line and signature lines is refused with the reason."""
    with pytest.raises(NoteRejected, match=why):
        notes.open_note(note, [PETER.verifier])


def test_a_note_of_strangers_is_refused() -> None:
    """Good signatures of unknown keys vouch for nothing; the refusal names them."""
    with pytest.raises(NoteRejected, match=r"signed by PeterNeumann \(key c74f20a3\)"):
        notes.open_note(NOTE, [ENOCH.verifier])
    with pytest.raises(NoteRejected):
        notes.open_note(NOTE, [])


def test_a_key_of_the_same_name_is_another_key() -> None:
    """Name and id together tell a key: the same name alone does not make a signature known."""
    with pytest.raises(NoteRejected, match="no signature is of a known key"):
        notes.open_note(NOTE, [Verifier("PeterNeumann", bytes(32))])


def test_one_bad_signature_of_a_known_key_spoils_the_note() -> None:
    """A known key that speaks against the note is not outvoted by a good one."""
    other = notes.sign("another text\n", [ENOCH]).splitlines(keepends=True)[-1]
    with pytest.raises(NoteRejected, match="EnochRoot is not good"):
        notes.open_note(f"{NOTE}{other}", BOTH)
    assert notes.open_note(f"{NOTE}{other}", [PETER.verifier]).text == TEXT


def test_repetitions_count_once() -> None:
    """The same signature twice is one, of known keys and of unknown ones."""
    opened = notes.open_note(f"{NOTE}{PETER_LINE}{ENOCH_LINE}{ENOCH_LINE}", [PETER.verifier])
    assert (len(opened.signatures), len(opened.unknown)) == (1, 1)


def test_sixteen_signatures_are_taken() -> None:
    """A note may have as many signatures as the standard lets witnesses add."""
    signers = [Signer(f"witness{number}.example", bytes([number]) * 32) for number in range(16)]
    opened = notes.open_note(notes.sign(TEXT, signers), [signer.verifier for signer in signers])
    assert len(opened.signatures) == 16


def test_two_keys_that_cannot_be_told_apart_are_refused() -> None:
    """Verifiers of the same name and id with different keys are a mistake of whoever configured them."""
    one, other = Verifier("x", bytes(32)), Verifier("x", bytes(32))
    other.public_key = bytes(31) + b"\1"
    with pytest.raises(BadKey, match="same id"):
        notes.open_note(NOTE, [one, other])
