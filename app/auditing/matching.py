"""Comparing the rows of tasks and outcomes with what the record tells of them, many at a time."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from app.auditing import told
from app.auditing.alike import Alike
from app.auditing.cell_types import CellTypes
from app.auditing.content import Content, Due
from app.auditing.faults import Faults, shown
from app.auditing.forgotten import Forgotten
from app.auditing.lives import Evidence
from app.auditing.outcome_text import OUTCOME, digest_of
from app.auditing.scanning import BATCH, Row, Scan
from app.auditing.stories import Ended, Stage, tell
from app.auditing.told import Told
from app.domain.event_types import EventType
from app.storage import tables
from clawtrail.formats.leaves import SALT_BYTES, has_digest

_WORTH_IT = 8
"""From so many on, asking for tasks that lived alike costs less than looking at each."""

_NAMES = ", ".join(told.COLUMNS)
_COUNT = len(told.COLUMNS)
_DIGEST = told.COLUMNS.index("payload_digest")
_SIGNED = told.COLUMNS.index("signature_digest")
_BARE = f"SELECT {_NAMES}, id FROM tasks WHERE id IN ({{ids}})"  # noqa: S608 - all of these are our own words
_CONTENT = ("payload", "payload_salt", "signature")
_WHOLE = f"SELECT {_NAMES}, id, {', '.join(_CONTENT)} FROM tasks WHERE id IN ({{ids}})"  # noqa: S608
_TOLD_OF_OUTCOMES = 7
"""How many of the columns of an outcome are told by its event."""
_ENDS = f"SELECT {OUTCOME} FROM outcomes WHERE task_id IN ({{ids}}) AND nr = 0"  # noqa: S608
_ONE = f"SELECT {OUTCOME} FROM outcomes WHERE task_id = ? AND attempt = ? AND digest = ?"  # noqa: S608
_TELL_OF_OUTCOMES = ", ".join(
    f"'{type_.value}'"
    for type_ in (
        EventType.TASK_COMPLETED,
        EventType.TASK_FAILED,
        EventType.TASK_CANCELLED,
        EventType.TASK_LOST,
        EventType.TASK_REQUEUED,
        EventType.OUTCOME_REFUSED,
    )
)
_EARLIER = (
    "SELECT count(*) FROM events WHERE task_id = ? AND attempt = ? AND seq < ?"  # noqa: S608
    f""" AND type IN ({_TELL_OF_OUTCOMES}) AND instr(detail, '"outcome":"')"""
)


class Matching:
    """Compares; with *content*, payloads, outcomes and output too, else columns only. For one thread."""

    def __init__(self, scan: Scan, faults: Faults, forgotten: Forgotten, *, content: bool) -> None:
        self._scan = scan
        self._faults = faults
        self._forgotten = forgotten
        self._content = Content(scan, faults) if content else None
        self._alike = Alike(scan, self._content)
        columns = OUTCOME.split(", ")
        self._told_of_tasks = CellTypes(tables.tasks, told.COLUMNS)
        self._others_of_tasks = CellTypes(tables.tasks, _CONTENT)
        self._told_of_outcomes = CellTypes(tables.outcomes, columns[:_TOLD_OF_OUTCOMES])
        self._others_of_outcomes = CellTypes(tables.outcomes, columns[_TOLD_OF_OUTCOMES:])

    def lives(self, ended: Iterable[tuple[Stage, Sequence[Ended]]]) -> None:
        """Compare tasks that ended: those that lived alike together, and closer what does not fit."""
        others: list[Ended] = []
        for stage, some in ended:
            others += some if len(some) < _WORTH_IT else self._alike.others(stage, some)
        self.tasks([(task_id, tell(life)) for task_id, life in others])

    def tasks(self, batch: Sequence[tuple[str, Told]]) -> None:
        """Compare the rows of any number of tasks, and their outcomes and output, with what was told."""
        for first in range(0, len(batch), BATCH):
            some = dict(batch[first : first + BATCH])
            self._rows(some)
            self._outcomes(some)

    def evidence(self, one: Evidence) -> None:
        """Compare the row of an outcome that did not end its task."""
        rows = self._scan.all(_ONE, one.task_id, one.attempt, one.digest)
        if not rows:
            self._wrong(one, "the outcome that the record tells of is not in its table")
            return
        row = rows[0]
        nr = 1 + self._scan.number(_EARLIER, one.task_id, one.attempt, one.seq)
        told_ = (one.task_id, one.attempt, nr, 0, one.exit_code, one.at)
        if row[:6] != told_:
            self._wrong(one, f"of its outcome {_differing(row, told_)}")
        elif (odd := self._told_of_outcomes.odd(row[:_TOLD_OF_OUTCOMES])) is not None:
            self._wrong(one, f"of its outcome {odd}")
        if self._content is not None:
            due: list[Due] = []
            self._due(row, one.seq, due, whole=False)
            self._content.check(due)

    def _rows(self, some: dict[str, Told]) -> None:
        missing = len(some)
        whole = self._content is not None
        for row in self._scan.of_tasks(_WHOLE if whole else _BARE, list(some)):
            missing -= 1
            task_id = row[_COUNT]
            one = some[task_id]
            if row[:_COUNT] != one.row():
                self._name_differences(task_id, one, row)
            elif (odd := self._told_of_tasks.odd(row[:_COUNT])) is not None:
                self._faults.add(odd, seq=one.seq, task_id=task_id)
            if whole and (odd := self._others_of_tasks.odd(row[_COUNT + 1 :])) is not None:
                self._faults.add(odd, seq=one.seq, task_id=task_id)
            elif whole:
                self._payload(task_id, one, row)
        if missing:
            there = {row[_COUNT] for row in self._scan.of_tasks(_BARE, list(some))}
            for task_id in some.keys() - there:
                self._faults.add("it is on the record, but not in the table", task_id=task_id)

    def _name_differences(self, task_id: str, one: Told, row: Row) -> None:
        for name, has, says in zip(told.COLUMNS, row, one.row(), strict=False):
            if has != says:
                what = f"its {name} is {shown(has)}, the record says {shown(says)}"
                self._faults.add(what, seq=one.seq, task_id=task_id)

    def _payload(self, task_id: str, one: Told, row: Row) -> None:
        payload, salt = row[_COUNT + 1 : _COUNT + 3]
        if payload is None and salt is None:
            self._forgotten.is_missing(task_id, "payload", seq=one.seq)
        elif payload is None or salt is None:
            self._faults.add("of payload and payload_salt one is gone", seq=one.seq, task_id=task_id)
        elif not has_digest(payload, salt=salt, digest=row[_DIGEST]):
            self._faults.add("its payload is not what was submitted", seq=one.seq, task_id=task_id)

        self._signature(task_id, one, row)

    def _signature(self, task_id: str, one: Told, row: Row) -> None:
        """Check the envelope by its digest; it goes when the payload is redacted, and comes back never."""
        salt, signature = row[_COUNT + 2 :]
        if salt is None or row[_SIGNED] is None:
            if signature is not None:
                self._faults.add("it has a signature that nothing vouches for", seq=one.seq, task_id=task_id)
        elif signature is None or not has_digest(signature, salt=salt, digest=row[_SIGNED]):
            self._faults.add("its signature is not what was submitted", seq=one.seq, task_id=task_id)

    def _outcomes(self, some: dict[str, Told]) -> None:
        left = {task_id for task_id, one in some.items() if one.outcome is not None}
        due: list[Due] = []
        for row in self._scan.of_tasks(_ENDS, list(some)):
            task_id = row[0]
            one = some[task_id]
            if one.outcome is None or task_id not in left:
                self._faults.add("it has an outcome that the record does not tell of", task_id=task_id)
                continue
            left.discard(task_id)
            attempt, exit_code, digest, at = one.outcome
            if row[1:7] != (attempt, 0, 1, exit_code, at, digest):
                what = _differing(row, (task_id, attempt, 0, 1, exit_code, at, digest))
                self._faults.add(f"of its outcome {what}", seq=one.seq, task_id=task_id)
            elif (odd := self._told_of_outcomes.odd(row[:_TOLD_OF_OUTCOMES])) is not None:
                self._faults.add(f"of its outcome {odd}", seq=one.seq, task_id=task_id)
            if self._content is not None:
                self._due(row, one.seq, due, whole=True)
        for task_id in left:
            what = "the outcome that the record tells of is not in its table"
            self._faults.add(what, seq=some[task_id].seq, task_id=task_id)
        if self._content is not None and due:
            self._content.check(due)

    def find_strange_output(self) -> None:
        """Look for output that no task and no outcome knows; this reads the keys of all output there is."""
        if self._content is not None:
            self._content.find_strange()

    def _due(self, row: Row, seq: int, due: list[Due], *, whole: bool) -> None:
        """Check the content of one outcome by its digest; add to *due* what it says of its output."""
        task_id, attempt, salt = row[0], row[1], row[7]
        odd = self._others_of_outcomes.odd(row[_TOLD_OF_OUTCOMES:])
        if odd is not None:
            self._faults.add(f"of its outcome {odd}", seq=seq, task_id=task_id)
            return
        if salt is None:
            self._forgotten.is_missing(task_id, "output", seq=seq)
            if row[9] is not None or row[10] is not None:
                self._faults.add("its outcome holds content without its salt", seq=seq, task_id=task_id)
            return
        if len(salt) != SALT_BYTES or digest_of(row) != row[6]:
            self._faults.add("its outcome is not what was reported", seq=seq, task_id=task_id)
        if row[15] is not None:
            due.append(Due((task_id, attempt, "stdout"), seq, salt, row[15], whole=whole))
        if row[16] is not None:
            due.append(Due((task_id, attempt, "stderr"), seq, salt, row[16], whole=whole))

    def _wrong(self, one: Evidence, what: str) -> None:
        self._faults.add(f"attempt {one.attempt}: {what}", seq=one.seq, task_id=one.task_id)


def _differing(row: Row, told_: Row) -> str:
    """Name the first column of an outcome that is not as it was told."""
    for name, has, says in zip(OUTCOME.split(", "), row, told_, strict=False):
        if has != says:
            return f"{name} is {shown(has)}, the record says {shown(says)}"
    return "nothing differs"
