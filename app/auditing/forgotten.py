"""Content that is gone: taken out with a word on the record, or lost."""

from __future__ import annotations

from app.auditing.faults import Faults
from app.auditing.lives import Facts, Handler, Row
from app.auditing.scanning import Scan
from app.domain.event_types import EventType
from app.services import redacting

_OUTPUT_LEFT = "SELECT count(*) FROM output WHERE task_id = ? AND at <= ?"


class Forgotten:
    """What is missing, and what the record says was taken out. For one thread."""

    def __init__(self, scan: Scan, faults: Faults) -> None:
        self._scan = scan
        self._faults = faults
        self._missing: dict[tuple[str, str], int] = {}
        self.told: dict[tuple[str, str], tuple[str, str, int]] = {}
        self.handlers: dict[str, Handler] = {EventType.CONTENT_REDACTED.value: self._redacted}

    def is_missing(self, task_id: str, content: str, *, seq: int) -> None:
        """Note that content is gone of which event *seq* tells."""
        self._missing.setdefault((task_id, content), seq)

    def compare(self, known: int) -> None:
        """Compare with all that is missing and with the table; *known* redactions were told of before."""
        for (task_id, content), seq in self._missing.items():
            if (task_id, content) not in self.told:
                what = f"its {content} is gone, and no content.redacted tells of that"
                self._faults.add(what, seq=seq, task_id=task_id)
        rows = self._scan.all("SELECT task_id, content, reason, actor, redacted_at FROM redactions")
        fits = 0
        for task_id, content, *rest in rows:
            if (task_id, content) in self.told:
                fits += 1
                if tuple(rest) != self.told[task_id, content]:
                    self._faults.add("its row in redactions is not what the record says", task_id=task_id)
        if fits != len(self.told):
            self._faults.add(f"{len(self.told) - fits} redactions of the record are not in their table")
        if len(rows) - fits != known:
            self._faults.add("there are redactions that the record does not know")

    def _redacted(self, row: Row, facts: Facts, _digest: str | None) -> None:
        seq, at, _type, task_id, _attempt, actor = row[:6]
        for content in facts["removed"]:
            self.told[task_id, content] = (facts["reason"], actor, at)
            if content == "payload":
                query = "SELECT count(*) FROM tasks WHERE id = ? AND payload IS NULL AND payload_salt IS NULL"
                gone = self._scan.number(query, task_id) == 1
            else:
                gone = not self._scan.number(_OUTPUT_LEFT, task_id, at)
                self._compare_rest(row, facts)
            if not gone:
                self._faults.add(f"its {content} was redacted, but it is there", seq=seq, task_id=task_id)

    def _compare_rest(self, row: Row, facts: Facts) -> None:
        """What is left of redacted outcomes can be checked by nothing but the redaction's own digest."""
        if redacting.left_of(self._scan.conn, row[3]) != facts.get("left"):
            what = "what is left of its redacted outcomes is not what was left"
            self._faults.add(what, seq=row[0], task_id=row[3])
