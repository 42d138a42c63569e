"""Following tasks that live as others did: what follows from the same phrases is worked out once."""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Sequence
from copy import copy
from hashlib import sha256
from typing import Any

from app.auditing.details import digest_of
from app.auditing.faults import Faults
from app.auditing.lives import Lives
from app.auditing.phrases import LETTERS, REMEMBERED, Phrase, Phrases
from app.auditing.scanning import Row
from app.auditing.told import Told
from app.domain.event_types import EventType
from clawtrail.formats.canonical import quote

_BEGINS = EventType.TASK_SUBMITTED.value
_SIMPLE = {
    EventType.TASK_CLAIMED.value,
    EventType.TASK_STARTED.value,
    EventType.TASK_COMPLETED.value,
    EventType.TASK_FAILED.value,
}
"""Types of events that say nothing but how their task goes on, mostly."""
_HOLDS_DIGEST = {_BEGINS, EventType.TASK_COMPLETED.value, EventType.TASK_FAILED.value}
_SELDOM = {"approval", "signature"}
"""What a detail of these types holds when it takes a closer look."""
_TASK = "any"
_BARE = 3
"""How long a life is before anything was said."""
_UNSAID = Phrase("", "null", "\0", "", None)
"""What no event says."""

Life = list[Any]
"""A task that is followed here: its stage, its id as it stands in the texts of its events, the number of the
newest, then of each its time and its digest; of an event without one, that is empty."""
Ended = tuple[str, Life]
Expected = tuple[slice | None, str, str, str, str, str, str, "Stage | None"]
"""What is mostly said next at a stage, as ``Phrase.spelling`` has it, and how a task stands then."""


class Time(int):
    """In a stage, not a time but the place in a life where the time stands."""


class Stage:
    """How all tasks stand of which the same phrases were said, one after the other.

    In ``told``, ``Time`` and 32 bytes spell the places in a life where times and digests stand. In ``ended``
    tasks wait to be compared, if it is an end.
    """

    __slots__ = ("ended", "length", "then", "told", "usual")

    def __init__(self, told: Told, length: int, *, is_end: bool) -> None:
        self.told = told
        self.length = length
        self.ended: list[Ended] | None = [] if is_end else None
        self.then: dict[Phrase, Stage | None] = {}
        self.usual: Expected = (*_UNSAID.spelling, None)

    def turn_to(self, phrase: Phrase) -> Stage | None:
        """Return how a task stands of which *phrase* is said next, and expect the same of others."""
        then = self.then.get(phrase)
        if then is not None:
            self.usual = (*phrase.spelling, then)
        return then


class Stories:
    """Follows tasks like ``Lives``, to which it hands on whatever is not quite usual. For one thread."""

    def __init__(self, phrases: Phrases, lives: Lives, faults: Faults) -> None:
        self._phrases = phrases
        self._lives = lives
        self._faults = faults
        self._begin = Stage(Told((), -1), _BARE, is_end=False)
        self._learned = 0
        self._ends: list[Stage] = []
        self._open: dict[str, Life] = {}

    def follow(self, rows: Sequence[Row], first: int) -> list[bytes]:
        """Take the next events, as ``Scan.said`` has them; return what their leaves have to be.

        *first* is the number that the first has to have. What mostly comes next at a stage is tried
        before it is looked up: it is it if all letters of the event's key are those of the phrase.
        """
        lives, begin, known = self._open, self._begin, self._lives.open
        texts: list[str] = []
        holes: list[str] = []
        for seq, (at, task_id, key, _leaf) in enumerate(rows, first):
            life = lives.get(task_id)
            if life is None:
                stage, task = begin, f',"task_id":{"null" if task_id is None else quote(task_id)}'
            else:
                stage, task = life[0], life[1]
            phrase = None
            cut, head, tail, before, middle, after, end, then = stage.usual
            hole = key[cut] if cut else ""
            if (f"{head}{hole}{tail}" if cut else head) != key:
                phrase, hole = self._phrases.find(key, seq)
                before, middle, after, end = phrase.pieces
                then = stage.turn_to(phrase)
            texts.append(f"{before}{at}{middle}{hole}{after}{seq}{task}{end}")
            holes.append(hole)
            if then is None or (life is None and task_id in known):
                if phrase is None:
                    phrase, hole = self._phrases.find(key, seq)
                self._unusual(seq, at, task_id, phrase, hole)
            elif life is None:
                lives[task_id] = [then, task, seq, at, hole]
                self._lives.submitted += 1
            else:
                life[0], life[2] = then, seq
                life += (at, hole)
                ended = then.ended
                if ended is not None:
                    del lives[task_id]
                    ended.append((task_id, life))
                    if len(ended) == 1:
                        self._ends.append(then)
        self._check_letters(holes, rows, first)
        # Not in the walk above: the processor is faster at many of one kind.
        return [sha256(text.encode()).digest() for text in texts]

    def take_ended(self, *, at_least: int = 1) -> list[tuple[Stage, list[Ended]]]:
        """Return the tasks that ended, by how they stand, and forget them; if they are *at_least* so many."""
        taken = [(stage, ended) for stage in self._ends if len(ended := stage.ended or []) >= at_least]
        if taken:
            for stage, ended in taken:
                stage.ended = []
                self._lives.outcomes += len(ended)  # no task ends here without one
            self._ends = [stage for stage in self._ends if stage.ended]
        return taken

    @property
    def waiting(self) -> int:
        """How many tasks ended and were not taken."""
        return sum([len(stage.ended or ()) for stage in self._ends])

    def hand_over(self) -> None:
        """Give all tasks that have not ended to ``Lives``."""
        for task_id in list(self._open):
            self._hand_over(task_id)

    def _check_letters(self, holes: Sequence[str], rows: Sequence[Row], first: int) -> None:
        """See that only a digest stands where one belongs, and no text that would end there and go on."""
        if "".join(holes).encode().translate(None, LETTERS):
            for seq, (row, hole) in enumerate(zip(rows, holes, strict=True), first):
                if hole.encode().translate(None, LETTERS):
                    self._faults.add("the digest in its detail is none", seq=seq, task_id=row[1])

    def _unusual(self, seq: int, at: int, task_id: str, phrase: Phrase, hole: str) -> None:
        if phrase.fault is not None:
            self._faults.add(phrase.fault, seq=seq, task_id=task_id)
            return
        if phrase.type not in self._lives.handlers:
            return
        life = self._open.get(task_id)
        if life is not None:
            if phrase not in life[0].then:
                self._learn(life[0], phrase)
            self._hand_over(task_id)
        elif phrase.type == _BEGINS:
            if phrase in self._begin.then:
                self._learn(self._begin, phrase)
            else:
                # What is said once may never be said again; the second time it is worth learning.
                self._make_room()
                self._begin.then[phrase] = None
        self._lives.take(phrase.row(seq, at, task_id), phrase.facts, hole or phrase.digest)

    def _hand_over(self, task_id: str) -> None:
        self._lives.open[task_id] = tell(self._open.pop(task_id))

    def _learn(self, stage: Stage, phrase: Phrase) -> None:
        self._make_room()
        stage.then[phrase] = _next(stage, phrase)

    def _make_room(self) -> None:
        self._learned += 1
        if self._learned > REMEMBERED:
            self._learned = 0
            self._begin.then.clear()  # tasks on their way keep their stages


def tell(life: Life) -> Told:
    """Return what the events of *life* tell of its task."""
    stage: Stage = life[0]
    told = copy(stage.told)
    told.seq = life[2]
    told.fixed = tuple([_filled(value, life) for value in told.fixed])
    told.claimed_at, told.started_at = _filled(told.claimed_at, life), _filled(told.started_at, life)
    told.finished_at = _filled(told.finished_at, life)
    if told.outcome is not None:
        told.outcome = tuple([_filled(value, life) for value in told.outcome])
    return told


def place_of(value: object) -> int | None:
    """Return where in a life stands what *value* of a stage stands for; None for a value as it is."""
    if isinstance(value, Time):
        return int(value)
    return int.from_bytes(value) if isinstance(value, bytes) else None


def _filled(value: Any, life: Life) -> Any:  # noqa: ANN401 - the value of a cell
    if type(value) is Time:
        return life[value]
    return digest_of(life[int.from_bytes(value)]) if type(value) is bytes else value


def _next(stage: Stage, phrase: Phrase) -> Stage | None:
    """Return how a task stands when *phrase* is said at this *stage*, None where it takes a closer look."""
    begins, place = stage.length == _BARE, stage.length
    if phrase.type not in ([_BEGINS] if begins else _SIMPLE) or not _SELDOM.isdisjoint(phrase.facts):
        return None
    if phrase.type in _HOLDS_DIGEST and not phrase.is_holed:
        return None
    faults = Faults(limit=1 << 62)
    lives = Lives(faults, lambda _task_id, _seq: ())
    if not begins:
        lives.open[_TASK] = copy(stage.told)
    digest = b64encode((place + 1).to_bytes(32)).decode() if phrase.type in _HOLDS_DIGEST else None
    lives.take(phrase.row(0, Time(place), _TASK), phrase.facts, digest)
    if faults.found or lives.evidence:
        return None
    told = lives.ended[0][1] if lives.ended else lives.open[_TASK]
    return Stage(told, place + 2, is_end=bool(lives.ended))
