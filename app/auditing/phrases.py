"""What events say alike: all but number, time, task and digest, which is read once and remembered."""

from __future__ import annotations

from binascii import a2b_base64
from collections.abc import Mapping, Sequence
from typing import Any

from app.auditing.details import DIGESTS, NOTHING, DetailUnreadable, digest_in, parse
from app.auditing.faults import OF_ANOTHER_TYPE
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
_NUMBERS_BEGIN = "-0123456789I"
"""How a number begins as SQLite writes it; ``Inf`` is one."""


class Phrase:
    """The type, attempt, actor and detail of events, but for a digest that is another one each time.

    ``pieces`` is the canonical text of an event that says this around its time, its digest, its number,
    and its task. ``spelling`` has where the digest stands in its key, as ``Scan.said`` has it, what the key
    is before that and behind it, then the pieces; of a phrase without a digest, all of the key is before it.
    Where several events have the same key, it is like none.
    ``fault`` tells why the detail cannot be read, if it cannot.
    """

    __slots__ = (
        "actor", "attempt", "digest", "facts", "fault", "is_holed", "pieces", "spelling", "type",
    )  # fmt: skip

    def __init__(self, type_: str, attempt: str, actor: str, before: str, tail: str | None) -> None:
        """Take *attempt* as JSON; the detail is *before*, or *before*, a digest and *tail*."""
        self.type = type_
        self.attempt: int | None = None
        self.actor = actor
        self.fault: str | None = None
        self.facts: Mapping[str, Any] = NOTHING
        try:
            self.attempt = None if attempt == "null" else int(attempt)
        except ValueError:
            self.fault = OF_ANOTHER_TYPE
        try:
            self.facts = parse(before if tail is None else f"{before}{_ANY_DIGEST}{tail}")
        except DetailUnreadable as error:
            self.fault = self.fault or str(error)
        self.digest = digest_in(type_, self.facts)
        head = f"{type_}\0{attempt}\0{actor}\0{before}"
        self.is_holed = tail is not None
        cut = slice(len(head), len(head) + _LENGTH) if self.is_holed else None
        start = f'\0{{"actor":{quote(actor)},"at":'
        middle = f',"attempt":{attempt},"detail":{before}'
        self.pieces = (start, middle, f'{tail or ""},"seq":', f',"type":{quote(type_)}}}')
        is_clear = head.count("\0") == _SEPARATORS and not _like_numbers(type_, actor, before)
        self.spelling = (cut, head if is_clear else "", tail or "", *self.pieces)

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
        if _is_clear(parts):
            type_, attempt, actor, detail = parts
            phrase = Phrase(type_, attempt, actor, detail, None)
            self._remember(key, phrase)
            return phrase
        type_, attempt, actor, detail, is_text = self._scan.spelled(seq)
        phrase = Phrase(str(type_), str(attempt), str(actor), str(detail), None)
        phrase.fault = phrase.fault if is_text else OF_ANOTHER_TYPE
        return phrase

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


def _is_clear(parts: Sequence[str]) -> bool:
    """Say whether only one event has the key of these *parts*.

    With a zero byte in a name several have it, and so have a number and a text that spells it.
    """
    return len(parts) == _SEPARATORS + 1 and not _like_numbers(parts[0], parts[2], parts[3])


def _like_numbers(type_: str, actor: str, detail: str) -> bool:
    return type_[:1] in _NUMBERS_BEGIN or actor[:1] in _NUMBERS_BEGIN or detail[:1] in _NUMBERS_BEGIN


def _holed(head: str, tail: str) -> Phrase | None:
    """Return the phrase around a digest; None where this is not the place of one."""
    parts = head.split("\0")
    if not _is_clear(parts) or "\0" in tail:
        return None
    type_, attempt, actor, before = parts
    phrase = Phrase(type_, attempt, actor, before, tail)
    is_its_digest = phrase.fault is None and phrase.type in DIGESTS and phrase.digest == _ANY_DIGEST
    return phrase if is_its_digest else None
