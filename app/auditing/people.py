"""Tokens, workers and redactions as the record tells of them, against their tables."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from app.auditing.faults import Faults, shown
from app.auditing.lives import Facts, Handler, Row
from app.domain.event_types import EventType

TOKEN_COLUMNS = ("id", "name", "role", "created_at", "expires_at", "revoked_at", "max_cost_micros")
WORKER_COLUMNS = ("id", "session", "kinds", "labels", "state", "first_seen_at")


class People:
    """Who was given a token and who worked here. For one thread."""

    def __init__(self, faults: Faults) -> None:
        self._faults = faults
        self.tokens: list[list[Any]] = []
        self.workers: dict[str, list[Any]] = {}
        self.handlers: dict[str, Handler] = {
            EventType.TOKEN_CREATED.value: self._token_created,
            EventType.TOKEN_REVOKED.value: self._token_revoked,
            EventType.WORKER_REGISTERED.value: self._worker_registered,
            EventType.WORKER_DRAINED.value: self._worker_steered,
            EventType.WORKER_RESUMED.value: self._worker_steered,
        }

    def compare_tokens(self, rows: Iterable[Row]) -> None:
        """Compare all rows of ``tokens`` (``TOKEN_COLUMNS``, by id) with what was told."""
        has = {row[0]: row for row in rows}
        for told in self.tokens:
            self._compare("token", TOKEN_COLUMNS, told, has.pop(told[0], None))
        for row in has.values():
            self._faults.add(f"token {shown(row[1])} (id {row[0]}) is one that the record does not know")

    def compare_workers(self, rows: Iterable[Row]) -> None:
        """Compare all rows of ``workers`` (``WORKER_COLUMNS``) with what was told."""
        has = {row[0]: row for row in rows}
        for told in self.workers.values():
            self._compare("worker", WORKER_COLUMNS, told, has.pop(told[0], None))
        for worker_id in has:
            self._faults.add(f"worker {shown(worker_id)} is one that the record does not know")

    def _compare(self, what: str, columns: Iterable[str], told: list[Any], has: Row | None) -> None:
        if has is None:
            self._faults.add(f"{what} {shown(told[0])} is not in its table, but on the record")
            return
        for name, is_, says in zip(columns, has, told, strict=True):
            if is_ != says:
                where = f"{what} {shown(told[0])}: {name} is {shown(is_)}"
                self._faults.add(f"{where}, the record says {shown(says)}")

    def _token_created(self, row: Row, facts: Facts, _digest: str | None) -> None:
        number = len(self.tokens) + 1  # as SQLite and PostgreSQL count them; no token is ever deleted
        told = [number, facts["name"], facts["role"], row[1], facts.get("expires_at"), None]
        told.append(facts.get("max_cost_micros"))
        self.tokens.append(told)

    def _token_revoked(self, row: Row, facts: Facts, _digest: str | None) -> None:
        for told in reversed(self.tokens):
            if told[1] == facts["name"] and told[5] is None:
                told[5] = row[1]
                return
        self._faults.add(f"a token {shown(facts['name'])} was revoked that nobody had", seq=row[0])

    def _worker_registered(self, row: Row, facts: Facts, _digest: str | None) -> None:
        worker_id = row[5].removeprefix("worker:")
        told = self.workers.setdefault(worker_id, [worker_id, None, None, None, "active", row[1]])
        told[1:4] = facts["session"], facts["kinds"], facts["labels"]

    def _worker_steered(self, row: Row, facts: Facts, _digest: str | None) -> None:
        told = self.workers.get(facts["worker"])
        if told is None:
            self._faults.add(f"{row[2]} of a worker that never came", seq=row[0])
            return
        told[4] = "draining" if row[2] == EventType.WORKER_DRAINED.value else "active"
