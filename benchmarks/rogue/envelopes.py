"""Forgeries of the envelope: its members, its encoding, its signatures."""

from __future__ import annotations

import json
from base64 import b64decode, b64encode
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

from benchmarks.rogue.forging import Claim, Forger, Forgery, evil, resealed, stripped
from clawtrail.formats import dsse, statements
from clawtrail.formats.statements import APPROVAL_TYPE, TASK_TYPE

_ORDER = 2**252 + 27742317777372353535851937790883648493  # of Ed25519's group


def _payload_in_envelope(forger: Forger, file: Path) -> Claim:
    meant = replace(forger.statement(file), payload=evil(file))
    encoded = b64encode(statements.task_bytes(meant)).decode()
    return forger.altered(file, lambda e: e.update(payload=encoded)) | {"payload": evil(file)}


def _flipped(forger: Forger, file: Path) -> Claim:
    claim = forger.claim(file)
    text = claim["signature"]
    place = forger.chance.randrange(len(text))
    letter = forger.chance.choice([c for c in 'AZaz09+/="{}[]:, ' if c != text[place]])
    broken = text[:place] + letter + text[place + 1 :]
    try:  # a blank for a blank between members would change nothing
        alike = json.loads(broken) == json.loads(text)
    except ValueError:
        alike = False
    return stripped(forger, file) if alike else claim | {"signature": broken}


def _emptied(forger: Forger, file: Path) -> Claim:
    ways: list[Callable[[dict[str, Any]], object]] = [
        lambda e: e.update(signatures=[]),
        lambda e: e.pop("signatures"),
        lambda e: e["signatures"][0].pop("sig"),
        lambda e: e["signatures"][0].pop("keyid"),
        lambda e: e["signatures"][0].update(sig=""),
        lambda e: e["signatures"][0].update(sig=None),
        lambda e: e.update(signatures=None),
        lambda e: e.update(payload=""),
    ]
    if forger.chance.random() < 0.2:
        return forger.claim(file) | {"signature": forger.chance.choice(["", "{}", "[]", "null", "true", "0"])}
    return forger.altered(file, forger.chance.choice(ways))


def _other_type(forger: Forger, file: Path) -> Claim:
    type_ = forger.chance.choice([APPROVAL_TYPE, "application/json", TASK_TYPE.upper(), TASK_TYPE + " ", "x"])
    return resealed(forger, file, statements.task_bytes(forger.statement(file)), type_)


def _other_type_said(forger: Forger, file: Path) -> Claim:
    signed = dsse.seal(APPROVAL_TYPE, statements.task_bytes(forger.statement(file)), forger.cast.ada)
    return forger.claim(file) | {"signature": signed.replace(APPROVAL_TYPE, TASK_TYPE)}


def _swapped(forger: Forger, file: Path) -> Claim:
    other = json.loads(forger.claim(file)["signature"])["signatures"]
    return forger.altered(file, lambda e: e.update(signatures=other))


def _under_another_id(forger: Forger, file: Path) -> Claim:
    other = forger.chance.choice([forger.cast.rex, forger.cast.ann, forger.cast.ben, forger.cast.mal])
    key_id = dsse.key_id_of(other.verifier.public_key)
    hers = dsse.key_id_of(forger.cast.ada.verifier.public_key)
    said = forger.chance.choice([key_id, hers.upper(), hers[:-1], "", hers + "0"])
    return forger.altered(file, lambda e: e["signatures"][0].update(keyid=said))


def _several(forger: Forger, file: Path) -> Claim:
    bad = json.loads(forger.claim(file, forger.cast.mal)["signature"])["signatures"][0]
    ways: list[Callable[[list[Any]], list[Any]]] = [
        lambda good: [bad, *good],
        lambda good: [*good, bad],
        lambda good: [*good, *good],
        lambda good: [{}, *good],
        lambda good: [good],
        lambda good: [*good, None],
    ]
    way = forger.chance.choice(ways)
    return forger.altered(file, lambda e: e.update(signatures=way(e["signatures"])))


def _twice(forger: Forger, file: Path) -> Claim:
    """Two members of one name: one program reads the first, another the last."""
    claim = forger.claim(file)
    text = claim["signature"]
    altered = b64encode(statements.task_bytes(replace(forger.statement(file), payload=evil(file)))).decode()
    members = [f'"payload":"{altered}"', '"payloadType":"x"', '"signatures":[]', '"p\\u0061yload":"e30="']
    member = forger.chance.choice(members)
    broken = f"{{{member},{text[1:]}" if forger.chance.random() < 0.5 else f"{text[:-1]},{member}}}"
    return claim | {"signature": broken}


def _twice_in_statement(forger: Forger, file: Path) -> Claim:
    said = statements.task_bytes(forger.statement(file))
    return resealed(forger, file, b'{"kind":"file-read",' + said[1:])


def _more_said(forger: Forger, file: Path) -> Claim:
    if forger.chance.random() < 0.5:
        return forger.altered(file, lambda e: e.update(more=1))
    said = json.loads(statements.task_bytes(forger.statement(file)))
    change: dict[str, Any] = forger.chance.choice(
        [{"also": 1}, {"nonce": "1"}, {"issuedAt": "0"}, {"expiresAt": 1e300}, {"audience": "wim"}]
    )
    return resealed(forger, file, json.dumps({**said, **change}).encode())


def _less_said(forger: Forger, file: Path) -> Claim:
    said = json.loads(statements.task_bytes(forger.statement(file)))
    del said[forger.chance.choice(sorted(said))]
    return resealed(forger, file, json.dumps(said).encode())


def _spelled_otherwise(forger: Forger, file: Path) -> Claim:
    """The same bytes in another base64, which some programs read and others do not."""
    name = forger.chance.choice(["payload", "sig"])

    def respell(envelope: dict[str, Any]) -> None:
        place = envelope if name == "payload" else envelope["signatures"][0]
        text: str = place[name]
        bare = text.rstrip("=")
        ways = [f"{text}\n", f" {text}", f"{text}====", f"{text[:8]}\r\n{text[8:]}", f"{text}!", text[:-4]]
        ways += [bare] if bare != text else [f"{text}="]
        urlsafe = text.replace("+", "-").replace("/", "_")
        ways += [urlsafe] if urlsafe != text else []
        ways += [_other_bits(text)] if bare != text else []
        place[name] = forger.chance.choice(ways)

    return forger.altered(file, respell)


def _other_bits(text: str) -> str:
    """Change the bits of the last letter that mean nothing."""
    alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"
    bare = text.rstrip("=")
    return bare[:-1] + alphabet[alphabet.index(bare[-1]) ^ 1] + text[len(bare) :]


def _signed_bare(forger: Forger, file: Path) -> Claim:
    """Signed without the standard's encoding: the type is not under the signature."""
    said = statements.task_bytes(forger.statement(file))
    bare = b64encode(forger.cast.ada.sign_bytes(said)).decode()

    def replace_both(envelope: dict[str, Any]) -> None:
        envelope["payload"] = b64encode(said).decode()
        envelope["signatures"][0]["sig"] = bare

    return forger.altered(file, replace_both)


def _malleable(forger: Forger, file: Path) -> Claim:
    """The same signature with another number, as lax verifiers of Ed25519 take it."""

    def add_order(envelope: dict[str, Any]) -> None:
        sig = b64decode(envelope["signatures"][0]["sig"])
        number = int.from_bytes(sig[32:], "little") + _ORDER
        changed = sig[:32] + (number % 2**256).to_bytes(32, "little")
        envelope["signatures"][0]["sig"] = b64encode(changed).decode()

    return forger.altered(file, add_order)


FORGERIES: tuple[tuple[str, Forgery], ...] = (
    ("content altered in the envelope", _payload_in_envelope),
    ("a letter altered", _flipped),
    ("parts of the envelope left out", _emptied),
    ("another payload type", _other_type),
    ("payload type altered", _other_type_said),
    ("signature of another task", _swapped),
    ("under another key's id", _under_another_id),
    ("several signatures", _several),
    ("a member twice in the envelope", _twice),
    ("a member twice in the statement", _twice_in_statement),
    ("more said than is known", _more_said),
    ("less said than is needed", _less_said),
    ("another base64", _spelled_otherwise),
    ("signed without the type", _signed_bare),
    ("the signature's other number", _malleable),
)
