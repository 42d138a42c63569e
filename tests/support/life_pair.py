"""The service's database and the model of it, side by side: driven alike and compared."""

from __future__ import annotations

import shutil
import tempfile
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

from sqlalchemy import Connection, select

from app.domain.errors import ServiceError
from app.storage.tables import approvals, outcomes, tasks
from tests.support.database import Database
from tests.support.life import by_task
from tests.support.task_model import Model, Refused

T = TypeVar("T")
COMPARED = ("kind", "state", "effect", "attempt", "max_attempts", "priority", "started_at", "finished_at")


class Pair:
    """A fresh database and an empty model."""

    def __init__(self) -> None:
        self._folder = Path(tempfile.mkdtemp(prefix="life-"))
        self.db = Database(self._folder)
        self.model = Model(self.db.now)

    def close(self) -> None:
        """Remove the database."""
        self.db.let_go()
        shutil.rmtree(self._folder)

    def both(self, act: Callable[[Connection], T], expect: Callable[[], T]) -> T | str:
        """Do it on both; they agree on the answer, or on the code of the refusal."""
        expected: T | str
        found: T | str
        try:
            expected = expect()
        except Refused as refusal:
            expected = str(refusal)
        try:
            found = self.db.write(act)
        except ServiceError as error:
            found = error.code
        assert found == expected, f"{found!r} instead of {expected!r}"
        return found

    def check_tables(self) -> None:
        """Each row says what the model says of the task."""
        rows = {row.id: row for row in self.db.read(lambda conn: conn.execute(select(tasks)).all())}
        assert rows.keys() == self.model.tasks.keys()
        for task in self.model.tasks.values():
            row = rows[task.id]
            said = {name: getattr(row, name) for name in COMPARED}
            assert said == {name: getattr(task, name) for name in COMPARED}, task
            assert (row.claimed_by, row.lease_expires_at) == (task.worker, task.lease_ends), task
            assert row.cancel_requested_at == task.cancel_asked, task
            assert row.pinned_to == task.pinned, task

    def check_questions(self) -> None:
        """The newest question of each task is as the model has it, and every older one is closed."""
        known = {row.id: row for row in self.db.read(lambda conn: conn.execute(select(approvals)).all())}
        for row in self.db.read(lambda conn: conn.execute(select(tasks)).all()):
            asked = self.model.tasks[row.id].question
            assert (asked is None) == (row.approval_id is None)
            if asked is not None:
                has = known.pop(row.approval_id)
                assert (has.digest, has.worker_id, has.expires_at) == (asked.digest, asked.worker, asked.ends)
                assert (has.state, has.decided_by, has.used_at) == (asked.state, asked.by, asked.used_at)
        assert "pending" not in {row.state for row in known.values()}

    def check_record(self) -> None:
        """The record tells of each task what happened, in order, and replays to the tables."""
        told = [(row.type, row.task_id, row.attempt, row.actor) for row in self.db.events()]
        assert by_task(told) == by_task(self.model.events)
        faults = self.db.faults()
        assert not faults, faults

    def check_outcomes(self) -> None:
        """Every outcome is kept, applied ones told from evidence, and at most one applied an attempt."""
        kept = self.db.read(lambda conn: conn.execute(select(outcomes)).all())
        expected = [(task.id, *one) for task in self.model.tasks.values() for one in task.outcomes]
        assert Counter((row.task_id, row.attempt, bool(row.accepted)) for row in kept) == Counter(expected)
        assert max(Counter((i, n) for i, n, applied in expected if applied).values(), default=0) <= 1
