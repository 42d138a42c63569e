"""Questions to people as the record tells of them, against their table."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from app.auditing.details import DetailUnreadable, digest_of, parse
from app.auditing.faults import Faults, shown
from app.auditing.forgotten import Forgotten
from app.auditing.lives import Facts, Handler, Row
from app.auditing.scanning import Scan
from app.domain.event_types import EventType
from clawtrail.formats.leaves import has_digest

COLUMNS = (
    "task_id",
    "attempt",
    "worker_id",
    "rule",
    "digest",
    "policy_hash",
    "describe_digest",
    "state",
    "requested_at",
    "expires_at",
    "decided_by",
    "decided_at",
    "comment",
    "used_at",
    "signature_digest",
)
_OF_TASK = (
    f"SELECT id, {', '.join(COLUMNS)}, describe, describe_salt, signature FROM approvals WHERE task_id = ?"  # noqa: S608
)
_CLOSED = {
    EventType.APPROVAL_GIVEN.value: "approved",
    EventType.APPROVAL_REFUSED.value: "denied",
    EventType.APPROVAL_EXPIRED.value: "expired",
    EventType.TASK_CANCELLED.value: "withdrawn",
}

Told = dict[str, Any]


class Questions:
    """Notes which tasks had a question, and compares theirs at the end. For one thread."""

    def __init__(self, scan: Scan, faults: Faults, forgotten: Forgotten, then: Mapping[str, Handler]) -> None:
        """Hand each event that tells of a question on to the handler that *then* has for its type."""
        self._scan = scan
        self._faults = faults
        self._forgotten = forgotten
        self._then = then
        self._tasks: dict[str, int] = {}
        types = (EventType.APPROVAL_REQUESTED, EventType.APPROVAL_GIVEN, EventType.APPROVAL_REFUSED)
        self.handlers: dict[str, Handler] = {type_.value: self._asked for type_ in types}
        for type_ in (EventType.QUESTION_ASKED, EventType.QUESTION_ANSWERED, EventType.QUESTION_CLOSED):
            self.handlers[type_.value] = self._asked_in_a_run
        for type_ in (EventType.APPROVAL_EXPIRED, EventType.TASK_STARTED, EventType.TASK_CANCELLED):
            self.handlers[type_.value] = self._perhaps_asked

    def compare(self, *, size: int, whole: bool) -> None:
        """Compare the rows of all tasks noted; with *whole*, look for rows that nothing tells of too."""
        for task_id, seq in self._tasks.items():
            self._compare(task_id, seq, _told(self._scan.events_of(task_id, size)))
        if whole:
            for (task_id,) in self._scan.all("SELECT DISTINCT task_id FROM approvals"):
                if task_id not in self._tasks:
                    self._faults.add("it has a question that the record does not know", task_id=task_id)

    def _asked(self, row: Row, facts: Facts, digest: str | None) -> None:
        self._tasks[row[3]] = row[0]
        self._then[row[2]](row, facts, digest)

    def _asked_in_a_run(self, row: Row, _facts: Facts, _digest: str | None) -> None:
        self._tasks[row[3]] = row[0]

    def _perhaps_asked(self, row: Row, facts: Facts, digest: str | None) -> None:
        if "approval" in facts or facts.get("from_state") == "awaiting_approval":
            self._tasks[row[3]] = row[0]
        self._then[row[2]](row, facts, digest)

    def _compare(self, task_id: str, seq: int, told: dict[str, Told]) -> None:
        for row in self._scan.all(_OF_TASK, task_id):
            says = told.pop(row[0], None)
            if says is None:
                self._faults.add("it has a question that the record does not know", task_id=task_id)
                continue
            for name, has in zip(COLUMNS, row[1:], strict=False):
                if has != says[name]:
                    what = f"of a question its {name} is {shown(has)}, the record says {shown(says[name])}"
                    self._faults.add(what, seq=seq, task_id=task_id)
            self._check_text(task_id, seq, row)
        if told:
            self._faults.add("a question of the record is not in its table", seq=seq, task_id=task_id)

    def _check_text(self, task_id: str, seq: int, row: Row) -> None:
        text, salt, signature = row[-3:]
        if text is None or salt is None:
            self._forgotten.is_missing(task_id, "payload", seq=seq)
        elif not has_digest(text, salt=salt, digest=row[1 + COLUMNS.index("describe_digest")]):
            self._faults.add("the text of a question is not what was asked", seq=seq, task_id=task_id)
        signed = row[1 + COLUMNS.index("signature_digest")]
        if salt is None or signature is None:
            alike = signature is None and (salt is None or signed is None)
        else:
            alike = has_digest(signature, salt=salt, digest=signed)
        if not alike:
            what = "the signature of an answer is not what was answered with"
            self._faults.add(what, seq=seq, task_id=task_id)


def _told(events: list[Row]) -> dict[str, Told]:
    """Return what the events of one task tell of its questions, by their ids, as the table has to have it."""
    told: dict[str, Told] = {}
    newest: Told = {}
    for _seq, at, type_, task_id, attempt, actor, detail, _leaf in events:
        try:
            facts = parse(detail)
        except DetailUnreadable:
            continue  # it was found before
        if type_ in (EventType.APPROVAL_REQUESTED, EventType.QUESTION_ASKED):
            asked = told[facts.get("approval", "")] = _asked(facts)
            asked |= {"task_id": task_id, "attempt": attempt, "requested_at": at}
            newest = newest if type_ == EventType.QUESTION_ASKED else asked
        elif type_ in (EventType.QUESTION_ANSWERED, EventType.QUESTION_CLOSED):
            state = facts.get("answer") or facts.get("reason")
            asked = told.get(facts.get("approval", ""), {})
            asked |= {"state": state, "decided_by": actor, "decided_at": at, "comment": facts.get("comment")}
        elif type_ == EventType.TASK_STARTED and "approval" in facts:
            newest["used_at"] = at
        elif type_ in _CLOSED and newest.get("state") == "pending":
            newest |= {"state": _CLOSED[type_], "decided_by": actor, "decided_at": at}
            newest |= {name: facts[name] for name in ("comment", "expires_at") if name in facts}
            newest["signature_digest"] = digest_of(facts.get("signature"))
    return told


def _asked(facts: Facts) -> Told:
    return {
        **dict.fromkeys(COLUMNS),
        "worker_id": facts.get("worker"),
        "rule": facts.get("rule"),
        "digest": facts.get("digest"),
        "policy_hash": facts.get("policy"),
        "describe_digest": digest_of(facts.get("describe")),
        "state": "pending",
        "expires_at": facts.get("expires_at"),
    }
