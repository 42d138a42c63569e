"""Following tasks through the record: the one place that knows what events say about the tables."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, NamedTuple

from app.auditing.details import DetailUnreadable, digest_in, digest_of, parse
from app.auditing.faults import Faults
from app.auditing.told import Told
from app.domain.event_types import EventType
from app.domain.kinds import attempts_of, effect_of
from app.domain.states import FINISHED, TRANSITIONS

Row = tuple[Any, ...]
"""An event as its columns: seq, at, type, task_id, attempt, actor, detail, leaf."""

Facts = Mapping[str, Any]
Handler = Callable[[Row, Facts, str | None], None]
"""Takes an event, its detail, and the digest in it as it is written; of the row neither detail nor leaf."""

_TO: dict[str, dict[str, str]] = {}
for from_, to, type_ in TRANSITIONS:
    _TO.setdefault(type_.value, {})[from_.value] = to.value
_ENDS = {state.value for state in FINISHED}
_RELEASED = EventType.CLAIM_RELEASED.value
_EXPIRED = EventType.TASK_EXPIRED.value
_ASKED = EventType.APPROVAL_REQUESTED.value
_APPROVED = EventType.APPROVAL_GIVEN.value
_DENIED = EventType.APPROVAL_REFUSED.value
_NOT_ANSWERED = EventType.APPROVAL_EXPIRED.value
_FAILED = EventType.TASK_FAILED.value
_CANCELLED = EventType.TASK_CANCELLED.value
_LOST = EventType.TASK_LOST.value
_COME_WITH_OUTCOME = {
    EventType.TASK_COMPLETED.value,
    EventType.TASK_FAILED.value,
    EventType.TASK_REQUEUED.value,
    EventType.OUTCOME_REFUSED.value,
}
_REMEMBERED = 4096


class Evidence(NamedTuple):
    """An outcome that did not end its task, as its event tells."""

    seq: int
    task_id: str
    attempt: int
    exit_code: int
    digest: bytes
    at: int


class Lives:
    """Follows every task from its submission to its end; one that ended waits in ``ended`` to be compared.

    So the memory goes with how many tasks are unfinished at one time. ``earlier`` gives the events of
    one task before a seq: of tasks that began before the part of the record that is read. For one thread.
    """

    def __init__(self, faults: Faults, earlier: Callable[[str, int], Sequence[Row]]) -> None:
        self._faults = faults
        self._earlier = earlier
        self._orders: dict[int, tuple[Facts, Row]] = {}
        self.open: dict[str, Told] = {}
        self.ended: list[tuple[str, Told]] = []
        self.evidence: list[Evidence] = []
        self.submitted = 0
        self.outcomes = 0
        self.handlers: dict[str, Handler] = {
            **{type_.value: self._moved for _from, _to, type_ in TRANSITIONS},
            EventType.TASK_SUBMITTED.value: self._submitted,
            EventType.CANCEL_REQUESTED.value: self._cancel_requested,
            EventType.OUTCOME_REFUSED.value: self._outcome_refused,
        }

    def follow(self, rows: Iterable[Row]) -> None:
        """Take the next events of the record, in their order."""
        for row in rows:
            try:
                facts = parse(row[6])
            except DetailUnreadable as error:
                self._faults.add(str(error), seq=row[0], task_id=row[3])
            else:
                self.take(row, facts, digest_in(row[2], facts))

    def take(self, row: Row, facts: Facts, digest: str | None) -> None:
        """Take the next event of the record; neither its detail nor its leaf are looked at in *row*."""
        handler = self.handlers.get(row[2])
        if handler is None:
            return
        try:
            handler(row, facts, digest)
        except (KeyError, TypeError, AttributeError):
            self._faults.add(f"a {row[2]} without what belongs to it", seq=row[0], task_id=row[3])

    def find(self, task_id: str, *, before: int) -> Told | None:
        """Return how a task stood before event *before*, whether it had ended or not."""
        found = self.open.get(task_id)
        if found is not None:
            return found
        quiet = Lives(Faults(limit=1 << 62), lambda _task_id, _seq: ())
        quiet.follow(self._earlier(task_id, before))
        return quiet.ended[0][1] if quiet.ended else quiet.open.get(task_id)

    def _submitted(self, row: Row, facts: Facts, digest: str | None) -> None:
        seq, at, _type, task_id, _attempt, actor, _detail, _leaf = row
        if task_id in self.open:
            self._faults.add("submitted twice", seq=seq, task_id=task_id)
            return
        self.submitted += 1
        ordered = (self._orders.get(id(facts)) or self._order(facts))[1]
        payload = digest_of(digest)
        if payload is None:
            self._faults.add("submitted without a digest of its payload", seq=seq, task_id=task_id)
        self.open[task_id] = Told((*ordered, payload, actor, at), seq)

    def _order(self, facts: Facts) -> tuple[Facts, Row]:
        """Return what was ordered, with what is usual where the event leaves it out; see ``told.FIXED``."""
        if len(self._orders) >= _REMEMBERED:
            self._orders.clear()
        effect = facts.get("effect") or effect_of(facts["kind"]).value
        names = ("labels", "tags", "session_key", "on_behalf_of", "rerun_of")
        ordered = (
            facts["kind"],
            facts["timeout_ms"],
            effect,
            facts.get("priority", 0),
            *map(facts.get, names),
            facts.get("max_attempts") or attempts_of(effect),
            facts.get("expires_at"),
            facts.get("not_before_at"),
            digest_of(facts.get("signature")),
        )
        # The facts are kept too: while they live, nothing else can have their id.
        self._orders[id(facts)] = found = (facts, ordered)
        return found

    def _moved(self, row: Row, facts: Facts, digest: str | None) -> None:
        seq, at, type_, task_id, attempt, actor, _detail, _leaf = row
        told = self.open.get(task_id) or self._recalled(row)
        if told is None:
            return
        to = _TO[type_].get(told.stands)
        if to is None:
            self._faults.add(f"{type_} while the task was {told.stands}", seq=seq, task_id=task_id)
            return
        if to == "claimed":
            told.attempt, told.claimed_at = told.attempt + 1, at
            told.claimed_by = actor.removeprefix("worker:")
        if attempt != (told.attempt or None) and type_ != _EXPIRED:
            what = f"{type_} of attempt {attempt}, but it is at attempt {told.attempt}"
            self._faults.add(what, seq=seq, task_id=task_id)
        told.stands, told.seq = to, seq
        if to == "running":
            told.started_at, told.pinned_to = at, None
        elif to == "pending":
            self._came_back(told, row, facts, digest)
        elif type_ == _ASKED:
            told.approval_id, told.pinned_to = facts["approval"], None
        elif to in _ENDS:
            self._ended(told, row, facts, digest)

    def _came_back(self, told: Told, row: Row, facts: Facts, digest: str | None) -> None:
        type_ = row[2]
        if type_ == _APPROVED:
            told.pinned_to = told.claimed_by
        told.claimed_by = told.claimed_at = told.started_at = None
        if digest is not None or type_ in _COME_WITH_OUTCOME:
            self._outcome_refused(row, facts, digest)
        elif type_ in (_RELEASED, _APPROVED):
            told.attempt -= 1

    def _ended(self, told: Told, row: Row, facts: Facts, digest: str | None) -> None:
        seq, at, type_, task_id = row[:4]
        told.finished_at = at
        if type_ == _FAILED:
            told.reason = facts.get("reason", "exit")
        elif type_ == _DENIED:
            told.reason = facts.get("comment")
        elif type_ in (_CANCELLED, _NOT_ANSWERED) or (type_ == _LOST and digest is not None):
            told.reason = facts.get("reason")
        if type_ == _CANCELLED and digest is None:
            told.cancel_requested_at = at
        if digest is not None:
            self.outcomes += 1
            told.outcome = (told.attempt, facts["exit_code"], digest_of(digest), at)
        elif type_ in _COME_WITH_OUTCOME:
            self._faults.add(f"{type_} without an outcome", seq=seq, task_id=task_id)
        self.open.pop(task_id, None)
        self.ended.append((task_id, told))

    def _cancel_requested(self, row: Row, _facts: Facts, _digest: str | None) -> None:
        told = self.open.get(row[3]) or self._recalled(row)
        if told is not None:
            told.cancel_requested_at, told.seq = row[1], row[0]

    def _outcome_refused(self, row: Row, facts: Facts, digest: str | None) -> None:
        seq, at, type_, task_id, attempt = row[:5]
        spelled = digest_of(digest)
        if spelled is None:
            self._faults.add(f"{type_} without an outcome", seq=seq, task_id=task_id)
            return
        self.outcomes += 1
        self.evidence.append(Evidence(seq, task_id, attempt, facts["exit_code"], spelled, at))

    def _recalled(self, row: Row) -> Told | None:
        """Look up a task that is not among the open ones: it began before what is read, or is a fault."""
        seq, _at, type_, task_id = row[:4]
        told = self.find(task_id, before=seq)
        if told is None:
            self._faults.add(f"{type_} of a task that was never submitted", seq=seq, task_id=task_id)
        elif told.stands not in _ENDS:
            self.open[task_id] = told
        return told
