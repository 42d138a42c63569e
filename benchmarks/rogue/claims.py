"""Forgeries of what is claimed: other content, another time or place, another signer."""

from __future__ import annotations

import json
from base64 import b64decode, b64encode
from pathlib import Path
from typing import Any

from benchmarks.rogue.forging import HOUR, Claim, Forger, Forgery, evil, resealed, stripped
from clawtrail.formats import dsse, statements
from clawtrail.formats.statements import APPROVAL_TYPE, TASK_TYPE


def _payload(forger: Forger, file: Path) -> Claim:
    return forger.claim(file) | {"payload": evil(file)}


def _retyped(forger: Forger, file: Path) -> Claim:
    other = {"kind": "file-write", "payload": {"path": str(file), "content": "written", "encoding": "utf8"}}
    return forger.claim(file) | other


def _retyped_alike(forger: Forger, file: Path) -> Claim:
    return forger.claim(file, kind="file-read") | {"kind": "command"}


def _approval_as_task(forger: Forger, file: Path) -> Claim:
    validity = forger.statement(file).validity
    yes = statements.ApprovalStatement("a", "t", "0" * 64, "0" * 64, "approve", validity)
    type_ = forger.chance.choice([APPROVAL_TYPE, TASK_TYPE])
    return resealed(forger, file, statements.approval_bytes(yes), type_)


def _readdressed(forger: Forger, file: Path) -> Claim:
    names = [("wes",), ("wim2",), ("WIM",), ("wim ",), ("*",), ("wes", "wi"), ()]
    return forger.claim(file, audience=forger.chance.choice(names))


def _readdressed_after(forger: Forger, file: Path) -> Claim:
    claim = forger.claim(file, audience=("wes",))
    envelope = json.loads(claim["signature"])
    said = b64decode(envelope["payload"]).replace(b'["wes"]', b'["wim"]')
    envelope["payload"] = b64encode(said).decode()
    return claim | {"signature": json.dumps(envelope)}


def _expired(forger: Forger, file: Path) -> Claim:
    ago = forger.chance.randrange(61_000, 30 * 24 * HOUR)
    return forger.claim(file, issued_at=forger.now() - ago - HOUR, expires_at=forger.now() - ago)


def _not_yet(forger: Forger, file: Path) -> Claim:
    later = forger.now() + forger.chance.randrange(90_000, 30 * 24 * HOUR)
    if forger.chance.random() < 0.5:
        return forger.claim(file, not_before=later, expires_at=later + HOUR)
    return forger.claim(file, issued_at=later, expires_at=later + HOUR)


def _backwards(forger: Forger, file: Path) -> Claim:
    return forger.claim(file, issued_at=forger.now() + 1000, expires_at=forger.now() + 999)


def _by_a_stranger(forger: Forger, file: Path) -> Claim:
    claim = forger.claim(file, forger.cast.mal)
    if forger.chance.random() < 0.5:
        return claim
    mine, hers = (dsse.key_id_of(s.verifier.public_key) for s in (forger.cast.mal, forger.cast.ada))
    return claim | {"signature": claim["signature"].replace(mine, hers)}


def _by_the_wrong_one(forger: Forger, file: Path) -> Claim:
    return forger.claim(file, forger.chance.choice([forger.cast.rex, forger.cast.ann, forger.cast.ben]))


def _options(forger: Forger, file: Path) -> Claim:
    changes: list[Claim] = [{"timeout": 30_001}, {"timeout": 86_400_000}, {"sessionKey": "command:s"}]
    if forger.chance.random() < 0.3:
        return forger.claim(file, session="mine") | {"sessionKey": "command:yours"}
    return forger.claim(file) | forger.chance.choice(changes)


def _labels(forger: Forger, file: Path) -> Claim:
    return forger.claim(file, labels=("who=wes",))


def _more_in_payload(forger: Forger, file: Path) -> Claim:
    claim = forger.claim(file)
    ways: list[dict[str, Any]] = [{"cwd": "/"}, {"env": {"LD_PRELOAD": "x.so"}}, {"stdin": "x"}, {"x": None}]
    more = forger.chance.choice(ways)
    return claim | {"payload": {**claim["payload"], **more}}


FORGERIES: tuple[tuple[str, Forgery], ...] = (
    ("content altered in the claim", _payload),
    ("content added to in the claim", _more_in_payload),
    ("timeout or session altered", _options),
    ("signature stripped", stripped),
    ("another kind in the claim", _retyped),
    ("another kind was signed", _retyped_alike),
    ("an approval for a task", _approval_as_task),
    ("signed for another worker", _readdressed),
    ("audience altered", _readdressed_after),
    ("signed for other labels", _labels),
    ("expired", _expired),
    ("not yet valid", _not_yet),
    ("expires before it begins", _backwards),
    ("signed by a stranger", _by_a_stranger),
    ("revoked, or trusted for other things", _by_the_wrong_one),
)
