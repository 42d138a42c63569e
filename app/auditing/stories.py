"""Following tasks that live as others did: what follows from the same phrases is worked out once."""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Iterable
from copy import copy
from itertools import count
from typing import Any

from app.auditing.details import digest_of
from app.auditing.faults import Faults
from app.auditing.lives import Lives
from app.auditing.phrases import REMEMBERED, Phrase, Spelled
from app.auditing.scanning import Row
from app.auditing.told import Told
from app.domain.event_types import EventType

_BEGINS = EventType.TASK_SUBMITTED.value
_SIMPLE = {
    EventType.TASK_CLAIMED.value,
    EventType.TASK_STARTED.value,
    EventType.TASK_COMPLETED.value,
    EventType.TASK_FAILED.value,
}
"""Types of events that say nothing but how their task goes on; a start may also use up an approval."""
_HOLDS_DIGEST = {_BEGINS, EventType.TASK_COMPLETED.value, EventType.TASK_FAILED.value}
_TASK = "any"

Life = list[Any]
"""A task that is followed here: its stage, then of each of its events number, time and digest."""
Ended = tuple[str, Life]


class Time(int):
    """In a stage, not a time but the place in a life where the time stands."""


class Stage:
    """How all tasks stand of which the same phrases were said, one after the other.

    In ``told``, ``Time`` and 32 bytes spell the places in a life where times and digests stand. In ``ended``
    tasks wait to be compared, if it is an end.
    """

    __slots__ = ("ended", "length", "then", "told")

    def __init__(self, told: Told, length: int, *, is_end: bool) -> None:
        self.told = told
        self.length = length
        self.ended: list[Ended] | None = [] if is_end else None
        self.then: dict[Phrase, Stage | None] = {}


class Stories:
    """Follows tasks like ``Lives``, to which it hands on whatever is not quite usual. For one thread.

    ``waiting`` counts the tasks that ended, until they are taken.
    """

    def __init__(self, lives: Lives, faults: Faults) -> None:
        self._lives = lives
        self._faults = faults
        self._begin: dict[Phrase, Stage | None] = {}
        self._learned = 0
        self._ends: list[Stage] = []
        self._open: dict[str, Life] = {}
        self.waiting = 0

    def follow(self, rows: Iterable[Row], first: int, said: Spelled) -> None:
        """Take the next events, as ``Scan.said`` has them; *first* is the number of the first."""
        open_, handlers, known, begin = self._open, self._lives.handlers, self._lives.open, self._begin
        each = zip(count(first), rows, said.phrases, said.digests, strict=False)
        for seq, (at, task_id, _key, _leaf), phrase, digest in each:
            life = open_.get(task_id)
            if life is not None:
                stage = life[0].then.get(phrase)
                if stage is not None:
                    life[0] = stage
                    life += (seq, at, digest)
                    if stage.ended is not None:
                        if not stage.ended:
                            self._ends.append(stage)
                        stage.ended.append((task_id, life))
                        self.waiting += 1
                        del open_[task_id]
                    continue
            elif (stage := begin.get(phrase)) is not None and task_id not in known:
                open_[task_id] = [stage, seq, at, digest]
                self._lives.submitted += 1
                continue
            if phrase.type in handlers or phrase.fault is not None:
                self._unusual(phrase.row(seq, at, task_id), phrase, digest)

    def take_ended(self) -> list[tuple[Stage, list[Ended]]]:
        """Return the tasks that ended, by how they stand, and forget them."""
        taken = [(stage, stage.ended or []) for stage in self._ends]
        for stage in self._ends:
            stage.ended = []
        self._ends.clear()
        self._lives.outcomes += self.waiting  # no task ends here without one
        self.waiting = 0
        return taken

    def hand_over(self) -> None:
        """Give all tasks that have not ended to ``Lives``."""
        for task_id in list(self._open):
            self._hand_over(task_id)

    def _unusual(self, row: Row, phrase: Phrase, digest: str | None) -> None:
        if phrase.fault is not None:
            self._faults.add(phrase.fault, seq=row[0], task_id=row[3])
            return
        life = self._open.get(row[3])
        if life is not None:
            if phrase not in life[0].then:
                self._learn(life[0], life[0].then, phrase)
            self._hand_over(row[3])
        elif phrase.type == _BEGINS:
            if phrase in self._begin:
                self._learn(None, self._begin, phrase)
            else:
                # What is said once may never be said again; the second time it is worth learning.
                self._make_room()
                self._begin[phrase] = None
        self._lives.take(row, phrase.facts, digest)

    def _hand_over(self, task_id: str) -> None:
        self._lives.open[task_id] = tell(self._open.pop(task_id))

    def _learn(self, stage: Stage | None, then: dict[Phrase, Stage | None], phrase: Phrase) -> None:
        self._make_room()
        then[phrase] = _next(stage, phrase)

    def _make_room(self) -> None:
        self._learned += 1
        if self._learned > REMEMBERED:
            self._learned = 0
            self._begin.clear()  # tasks on their way keep their stages


def tell(life: Life) -> Told:
    """Return what the events of *life* tell of its task."""
    stage: Stage = life[0]
    told = copy(stage.told)
    told.seq = life[-3]
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


def _next(stage: Stage | None, phrase: Phrase) -> Stage | None:
    """Return how a task stands when *phrase* is said at this *stage*, None where it takes a closer look."""
    if phrase.type not in ([_BEGINS] if stage is None else _SIMPLE) or "approval" in phrase.facts:
        return None
    faults = Faults(limit=1 << 62)
    lives = Lives(faults, lambda _task_id, _seq: ())
    length = 1
    if stage is not None:
        lives.open[_TASK] = copy(stage.told)
        length = stage.length
    digest = None
    if phrase.type in _HOLDS_DIGEST:
        if digest_of(phrase.digest) is None:
            return None
        digest = b64encode((length + 2).to_bytes(32)).decode()
    lives.take(phrase.row(0, Time(length + 1), _TASK), phrase.facts, digest)
    if faults.found or lives.evidence:
        return None
    told = lives.ended[0][1] if lives.ended else lives.open[_TASK]
    return Stage(told, length + 3, is_end=bool(lives.ended))
