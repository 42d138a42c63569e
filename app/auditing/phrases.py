"""What events say alike: all but number, time, task and digest, which is read once and remembered."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from app.auditing.details import DIGESTS, NOTHING, DetailUnreadable, digest_in, parse
from app.auditing.scanning import Row, Scan
from clawtrail.formats.canonical import quote

REMEMBERED = 4096

_END = '="'
"""How a digest of 32 bytes ends: in base64 the last of its 44 characters is always this one."""
_BEFORE_END = 43
_ANY_DIGEST = "A" * _BEFORE_END + "="
_ALPHABET = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/="
_SEPARATORS = 3


class Phrase:
    """The type, attempt, actor and detail of events, but for a digest that is another one each time.

    ``pieces`` is the canonical text of such an event around its time, its digest, and its number and
    task. ``fault`` tells why the detail cannot be read, if it cannot.
    """

    __slots__ = ("actor", "attempt", "digest", "facts", "fault", "is_holed", "pieces", "type")

    def __init__(self, type_: str, attempt: str, actor: str, head: str, tail: str | None) -> None:
        """Take *attempt* as JSON; the detail is *head*, or *head*, a digest and *tail*."""
        self.type = type_
        self.attempt = None if attempt == "null" else int(attempt)
        self.actor = actor
        self.is_holed = tail is not None
        self.fault: str | None = None
        self.facts: Mapping[str, Any] = NOTHING
        try:
            self.facts = parse(head if tail is None else f"{head}{_ANY_DIGEST}{tail}")
        except DetailUnreadable as error:
            self.fault = str(error)
        self.digest = digest_in(type_, self.facts)
        before = f'\0{{"actor":{quote(actor)},"at":'
        middle = f',"attempt":{attempt},"detail":{head}'
        self.pieces = (before, middle, f'{tail or ""},"seq":', f',"type":{quote(type_)}}}')

    def row(self, seq: int, at: int, task_id: str | None) -> Row:
        """Return an event that says this, as its columns, but for its detail and its leaf."""
        return (seq, at, self.type, task_id, self.attempt, self.actor, "", b"")


class Spelled(NamedTuple):
    """Of each event its canonical text after a zero byte, its phrase, and its digest as it is written."""

    texts: list[str]
    phrases: list[Phrase]
    digests: list[str | None]


class Phrases:
    """Spells the canonical texts of events from ``Scan.said``. For one thread."""

    def __init__(self, scan: Scan) -> None:
        self._scan = scan
        self._known: dict[str | tuple[str, str], Phrase | None] = {}

    def spell(self, rows: Sequence[Row], first: int) -> Spelled:
        """Return of each event the text that its leaf is the hash of, and what it says.

        *first* is the number that the first has to have.
        """
        known = self._known.get
        texts: list[str] = []
        phrases: list[Phrase] = []
        digests: list[str | None] = []
        holes: list[str] = []
        for seq, (at, task_id, key, _leaf) in enumerate(rows, first):
            phrase = hole = None
            place = key.find(_END)
            if place >= _BEFORE_END:
                phrase = known((key[: place - 43], key[place + 1 :])) or self._around(key, place, seq)
                if phrase.is_holed:
                    hole = key[place - 43 : place + 1]
                    holes.append(hole)
            else:
                phrase = known(key) or self._whole(key, seq)
            before, middle, after, end = phrase.pieces
            task = "null" if task_id is None else quote(task_id)
            texts.append(f'{before}{at}{middle}{hole or ""}{after}{seq},"task_id":{task}{end}')
            phrases.append(phrase)
            digests.append(hole or phrase.digest)
        if "".join(holes).encode().translate(None, _ALPHABET):
            self._read_anew(rows, first, phrases, digests)
        return Spelled(texts, phrases, digests)

    def _around(self, key: str, place: int, seq: int) -> Phrase:
        """Find the phrase around what may be the digest of this event; its whole, when it is none."""
        around = (key[: place - _BEFORE_END], key[place + 1 :])
        if around not in self._known:
            self._remember(around, _holed(*around))
        return self._known[around] or self._known.get(key) or self._whole(key, seq)

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

    def _read_anew(
        self, rows: Sequence[Row], first: int, phrases: list[Phrase], digests: list[str | None]
    ) -> None:
        """Read whole whatever has something in the place of its digest that could be more than a digest."""
        for place, (phrase, digest) in enumerate(zip(phrases, digests, strict=True)):
            if phrase.is_holed and (digest or "").encode().translate(None, _ALPHABET):
                whole = self._whole(rows[place][2], first + place)
                phrases[place], digests[place] = whole, whole.digest


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
