"""The last look: tasks that are unfinished, and rows that the record does not know."""

from __future__ import annotations

from base64 import b64encode

from app.auditing.faults import Faults
from app.auditing.lives import Lives
from app.auditing.matching import Matching
from app.auditing.remembering import Seen
from app.auditing.scanning import Scan

_UNFINISHED = "SELECT id FROM tasks WHERE finished_at IS NULL"
_STRANGE_TASKS = (
    "SELECT id FROM tasks t WHERE NOT EXISTS"
    " (SELECT 1 FROM events WHERE task_id = t.id AND type = 'task.submitted')"
)
_STRANGE_OUTCOMES = (
    "SELECT task_id, attempt, nr, digest FROM outcomes o WHERE nr > 0"
    " OR NOT EXISTS (SELECT 1 FROM tasks WHERE id = o.task_id)"
)
_TELLS = "SELECT count(*) FROM events WHERE task_id = ? AND attempt = ? AND instr(detail, ?)"


class Ends:
    """Looks at what only the end of the record decides. Call it within one moment. For one thread."""

    def __init__(self, scan: Scan, faults: Faults, lives: Lives, matching: Matching) -> None:
        self._scan = scan
        self._faults = faults
        self._lives = lives
        self._matching = matching

    def check(self, since: Seen | None, *, size: int) -> None:
        """Compare unfinished tasks, then count the rows; *since* is the check that this one goes on from."""
        if since is not None:
            self._recall(size)
        self._matching.tasks(list(self._lives.open.items()))
        tasks = self._lives.submitted + (0 if since is None else since.tasks)
        if self._scan.number("SELECT count(*) FROM tasks") != tasks:
            self._name_tasks(tasks)
        outcomes = self._lives.outcomes + (0 if since is None else since.outcomes)
        if self._scan.number("SELECT count(*) FROM outcomes") != outcomes:
            self._name_outcomes(outcomes)
        if since is None:
            self._matching.find_strange_output()

    def _recall(self, size: int) -> None:
        """Follow from their beginnings the unfinished tasks of which nothing new was told."""
        for (task_id,) in self._scan.all(_UNFINISHED):
            if task_id not in self._lives.open:
                told = self._lives.find(task_id, before=size)
                if told is None:
                    self._faults.add("a task that the record does not know", task_id=task_id)
                else:
                    self._lives.open[task_id] = told

    def _name_tasks(self, told: int) -> None:
        strange = self._scan.all(_STRANGE_TASKS)
        for (task_id,) in strange:
            self._faults.add("a task that the record does not know", task_id=task_id)
        if not strange:
            self._faults.add(f"the record tells of {told} tasks, and the table has not as many")

    def _name_outcomes(self, told: int) -> None:
        strange = 0
        for task_id, attempt, nr, digest in self._scan.all(_STRANGE_OUTCOMES):
            if not self._scan.number(_TELLS, task_id, attempt, b64encode(digest).decode()):
                strange += 1
                what = f"outcome {nr} of attempt {attempt} is one that the record does not know"
                self._faults.add(what, task_id=task_id)
        if not strange:
            self._faults.add(f"the record tells of {told} outcomes, and the table has not as many")
