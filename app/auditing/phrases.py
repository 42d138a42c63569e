"""What events say alike: all but number, time, task and digest, which is read once and remembered."""

from __future__ import annotations

from binascii import a2b_base64
from collections.abc import Mapping
from typing import Any

from app.auditing.details import DIGESTS, NOTHING, DetailUnreadable, digest_in, parse
from app.auditing.scanning import Row, Scan
from clawtrail.formats.canonical import quote

REMEMBERED = 4096

LETTERS = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/="
"""Those of base64."""
_LENGTH = 44
"""How long 32 bytes are in base64; the last letter is always a "="."""
_END = '="'
_BEFORE_END = _LENGTH - 1
_ANY_DIGEST = "A" * _BEFORE_END + "="
_SEPARATORS = 3


class Phrase:
    """The type, attempt, actor and detail of events, but for a digest that is another one each time.

    An event says this when its key, as ``Scan.said`` has it, is ``head``, a digest from ``opens`` to
    ``closes``, and ``tail``; of a phrase without a digest all of it is ``head``. ``pieces`` is the
    canonical text of such an event around its time, its digest, its number, and its task.
    ``fault`` tells why the detail cannot be read, if it cannot.
    """

    __slots__ = (
        "actor", "attempt", "closes", "digest", "facts", "fault", "head", "is_holed", "opens", "pieces",
        "tail", "type",
    )  # fmt: skip

    def __init__(self, type_: str, attempt: str, actor: str, before: str, tail: str | None) -> None:
        """Take *attempt* as JSON; the detail is *before*, or *before*, a digest and *tail*."""
        self.type = type_
        self.attempt = None if attempt == "null" else int(attempt)
        self.actor = actor
        self.fault: str | None = None
        self.facts: Mapping[str, Any] = NOTHING
        try:
            self.facts = parse(before if tail is None else f"{before}{_ANY_DIGEST}{tail}")
        except DetailUnreadable as error:
            self.fault = str(error)
        self.digest = digest_in(type_, self.facts)
        head = f"{type_}\0{attempt}\0{actor}\0{before}"
        # With a zero byte in a name several phrases have this key: such a one is like no key.
        self.head = head if head.count("\0") == _SEPARATORS else ""
        self.tail = tail or ""
        self.is_holed = tail is not None
        self.opens, self.closes = (len(head), len(head) + _LENGTH) if self.is_holed else (0, 0)
        start = f'\0{{"actor":{quote(actor)},"at":'
        middle = f',"attempt":{attempt},"detail":{before}'
        self.pieces = (start, middle, f'{self.tail},"seq":', f',"type":{quote(type_)}}}')

    def row(self, seq: int, at: int, task_id: str | None) -> Row:
        """Return an event that says this, as its columns, but for its detail and its leaf."""
        return (seq, at, self.type, task_id, self.attempt, self.actor, "", b"")


class Phrases:
    """Finds what events from ``Scan.said`` say. For one thread."""

    def __init__(self, scan: Scan) -> None:
        self._scan = scan
        self._known: dict[str | tuple[str, str], Phrase | None] = {}

    def find(self, key: str, seq: int) -> tuple[Phrase, str]:
        """Return the phrase that event *seq* with this *key* says, and the digest in it, or ""."""
        place = key.find(_END)
        hole = key[place - _BEFORE_END : place + 1] if place >= _BEFORE_END else ""
        if hole and is_digest(hole):
            around = (key[: place - _BEFORE_END], key[place + 1 :])
            if around not in self._known:
                self._remember(around, _holed(*around))
            phrase = self._known[around]
            if phrase is not None:
                return phrase, hole
        return self._known.get(key) or self._whole(key, seq), ""

    def _whole(self, key: str, seq: int) -> Phrase:
        parts = key.split("\0")
        if len(parts) == _SEPARATORS + 1:
            phrase = _whole(*parts)
            self._remember(key, phrase)
            return phrase
        # A zero byte in a name: several events could have this key.
        columns = "type, coalesce(attempt, 'null'), actor, detail"
        [row] = self._scan.all(f"SELECT {columns} FROM events WHERE seq = ?", seq)  # noqa: S608 - our own words
        return _whole(*map(str, row))

    def _remember(self, key: str | tuple[str, str], phrase: Phrase | None) -> None:
        if len(self._known) >= REMEMBERED:
            self._known.clear()
        self._known[key] = phrase


def is_digest(text: str) -> bool:
    """Say whether *text* spells 32 bytes in the 44 letters of base64."""
    try:
        # What is no letter of base64 is passed over; then there are not enough of them.
        return len(text) == _LENGTH and len(a2b_base64(text)) == 32
    except ValueError:
        return False


def _whole(type_: str, attempt: str, actor: str, detail: str) -> Phrase:
    return Phrase(type_, attempt, actor, detail, None)


def _holed(head: str, tail: str) -> Phrase | None:
    """Return the phrase around a digest; None where this is not the place of one."""
    parts = head.split("\0")
    if len(parts) != _SEPARATORS + 1 or "\0" in tail:
        return None
    type_, attempt, actor, before = parts
    phrase = Phrase(type_, attempt, actor, before, tail)
    is_its_digest = phrase.fault is None and phrase.type in DIGESTS and phrase.digest == _ANY_DIGEST
    return phrase if is_its_digest else None
