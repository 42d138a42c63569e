"""The file of a worker's trusted keys: whose signatures count there, what for, and whose do no more."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from clawtrail.formats.dsse import key_id_of
from clawtrail.formats.events import NotAnEvent, object_of
from clawtrail.formats.members import Members, WrongMember
from clawtrail.formats.notes import BadKey, Verifier

PURPOSES = ("task", "approval")
NAME_FORM = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.@-]{0,63}", re.ASCII)
MAX_BYTES = 1_000_000

_MOST_KEYS = 1000
_MOST_NAMES = 64


class KeysFaulty(ValueError):
    """The text is no file of trusted keys, or the change is not allowed; the message says why."""


@dataclass(frozen=True, slots=True)
class TrustedKey:
    """One public key under the name that its owner has here.

    ``purpose`` is ``task`` or ``approval``, never both. ``workers`` and ``kinds`` narrow where and for what
    it counts; empty means anywhere and anything. One that was revoked stays, so that it never comes back.
    """

    name: str
    verifier: Verifier
    purpose: str
    added_at: int
    workers: tuple[str, ...] = ()
    kinds: tuple[str, ...] = ()
    revoked_at: int | None = None
    reason: str | None = None

    @property
    def id(self) -> str:
        """The key's name in envelopes."""
        return key_id_of(self.verifier.public_key)


class TrustedKeys:
    """All keys of a file, revoked ones too. Never changed: ``with_...`` give another."""

    def __init__(self, keys: tuple[TrustedKey, ...] = ()) -> None:
        """Raise ``KeysFaulty`` when two have the same name or are the same key."""
        self.keys = keys
        self._by_id = {key.id: key for key in keys}
        if len({key.name for key in keys}) != len(keys) or len(self._by_id) != len(keys):
            raise KeysFaulty("a name or a key stands there twice")

    def find(self, key_id: str) -> TrustedKey | None:
        """Return the key that an envelope names, revoked or not."""
        return self._by_id.get(key_id)

    def with_trusted(self, key: TrustedKey) -> TrustedKeys:
        """Return these with one more; raises ``KeysFaulty`` for a name or a key that was here before."""
        for one in self.keys:
            if one.id == key.id and one.revoked_at is not None:
                raise KeysFaulty(f"this key was revoked, as {one.name}; its owner has to make a new one")
            if one.id == key.id:
                raise KeysFaulty(f"this key is trusted already, as {one.name}, for {one.purpose}")
            if one.name == key.name:
                raise KeysFaulty(f"there was another key {one.name}; give this one another name with --name")
        return TrustedKeys((*self.keys, key))

    def with_revoked(self, name: str, *, at: int, reason: str | None) -> TrustedKeys:
        """Return these without trust in *name*; raises ``KeysFaulty`` where nothing is to revoke."""
        found = next((one for one in self.keys if one.name == name), None)
        if found is None:
            raise KeysFaulty(f"there is no key {name}")
        if found.revoked_at is not None:
            raise KeysFaulty(f"{name} was revoked before")
        gone = replace(found, revoked_at=at, reason=reason)
        return TrustedKeys(tuple(gone if one is found else one for one in self.keys))


def parse(data: bytes) -> TrustedKeys:
    """Return the keys of a file; raises ``KeysFaulty``."""
    if len(data) > MAX_BYTES:
        raise KeysFaulty(f"the file has more than {MAX_BYTES} bytes")
    try:
        members = Members(object_of(data.decode()))
        said = members.objects("keys", most=_MOST_KEYS)
        members.are_all_read()
        return TrustedKeys(tuple(map(_key, said)))
    except (UnicodeDecodeError, NotAnEvent, WrongMember, BadKey) as error:
        raise KeysFaulty(str(error)) from error


def spell(keys: TrustedKeys) -> str:
    """Return the text of a file with these keys."""
    return f"{json.dumps({'keys': list(map(told, keys.keys))}, indent=2)}\n"


def told(key: TrustedKey) -> dict[str, object]:
    """Return one key as it stands in the file."""
    return {
        "name": key.name,
        "key": str(key.verifier),
        "purpose": key.purpose,
        "workers": list(key.workers),
        "kinds": list(key.kinds),
        "addedAt": key.added_at,
        "revokedAt": key.revoked_at,
        "reason": key.reason,
    }


def check_name(name: str) -> str:
    """Return *name* if a key can be called so; raises ``KeysFaulty``."""
    if not NAME_FORM.fullmatch(name):
        raise KeysFaulty(f"a key's name is up to 64 letters, digits and '_.@-', not {name[:64]!a}")
    return name


def _key(said: Mapping[str, Any]) -> TrustedKey:
    members = Members(said)
    key = TrustedKey(
        name=check_name(members.text("name")),
        verifier=Verifier.parse(members.text("key")),
        purpose=members.one_of("purpose", PURPOSES),
        added_at=members.number("addedAt"),
        workers=members.texts("workers", most=_MOST_NAMES),
        kinds=members.texts("kinds", most=_MOST_NAMES),
        revoked_at=members.number_or_none("revokedAt"),
        reason=members.text_or_none("reason"),
    )
    members.are_all_read()
    return key
