"""Schedules as the record tells of them, against their table."""

from __future__ import annotations

from hashlib import sha256
from typing import Any

from app.auditing.details import digest_of
from app.auditing.faults import Faults, shown
from app.auditing.lives import Facts, Handler, Row
from app.auditing.scanning import SCHEDULE_COLUMNS, Scan
from app.domain.event_types import EventType

_DEFINED = SCHEDULE_COLUMNS[SCHEDULE_COLUMNS.index("cron") : SCHEDULE_COLUMNS.index("created_by")]
"""What a definition says, with the digest of its content."""

Told = dict[str, Any]


class Schedules:
    """Follows every schedule; a removed one stays, without its content. For one thread."""

    def __init__(self, scan: Scan, faults: Faults) -> None:
        self._scan = scan
        self._faults = faults
        self.told: dict[str, Told] = {}
        self.handlers: dict[str, Handler] = {
            EventType.SCHEDULE_ADDED.value: self._added,
            EventType.SCHEDULE_CHANGED.value: self._changed,
            EventType.SCHEDULE_PAUSED.value: self._rests,
            EventType.SCHEDULE_RESUMED.value: self._goes_on,
            EventType.SCHEDULE_REMOVED.value: self._rests,
            EventType.SCHEDULE_FIRED.value: self._fired,
            EventType.SCHEDULE_SKIPPED.value: self._goes_on,
        }

    def rows(self) -> list[list[Any]]:
        """Return what was told so far, to be remembered."""
        return [[_hex(told[name]) for name in SCHEDULE_COLUMNS] for told in self.told.values()]

    def resume(self, rows: list[list[Any]]) -> None:
        """Go on from what was remembered."""
        for row in rows:
            told = dict(zip(SCHEDULE_COLUMNS, row, strict=True))
            self.told[told["name"]] = told | {"payload_digest": bytes.fromhex(told["payload_digest"])}

    def compare(self) -> None:
        """Compare all rows of the table with what was told."""
        left = dict(self.told)
        for row in self._scan.schedules():
            told = left.pop(row[0], None)
            if told is None:
                self._faults.add(f"schedule {shown(row[0])} is one that the record does not know")
                continue
            for name, is_ in zip(SCHEDULE_COLUMNS, row, strict=False):
                if is_ != told[name]:
                    where = f"schedule {shown(row[0])}: {name} is {shown(is_)}"
                    self._faults.add(f"{where}, the record says {shown(told[name])}")
            self._check_content(row, told)
        for name in left:
            self._faults.add(f"schedule {shown(name)} is not in its table, but on the record")

    def _check_content(self, row: Row, told: Told) -> None:
        payload, salt = row[-2:]
        if told["state"] == "removed":
            fits = payload is None and salt is None
        else:
            kept = None if payload is None or salt is None else sha256(salt + payload.encode()).digest()
            fits = kept == told["payload_digest"]
        if not fits:
            self._faults.add(f"the content of schedule {shown(row[0])} is not what the record says")

    def _added(self, row: Row, facts: Facts, _digest: str | None) -> None:
        new = dict.fromkeys(SCHEDULE_COLUMNS) | {"created_by": row[5], "created_at": row[1]}
        self.told[facts["name"]] = {**new, "name": facts["name"], "state": "active"}
        self._define(row, facts)

    def _changed(self, row: Row, facts: Facts, _digest: str | None) -> None:
        self._define(row, facts)

    def _define(self, row: Row, facts: Facts) -> None:
        told = self._find(row, facts)
        told |= {name: facts.get(name) for name in _DEFINED}
        told |= {"priority": facts.get("priority", 0), "next_at": facts.get("next_at")}
        told["payload_digest"] = digest_of(facts["payload"])

    def _rests(self, row: Row, facts: Facts, _digest: str | None) -> None:
        state = "paused" if row[2] == EventType.SCHEDULE_PAUSED else "removed"
        self._find(row, facts).update(state=state, next_at=None, paused_why=facts.get("why"))

    def _goes_on(self, row: Row, facts: Facts, _digest: str | None) -> None:
        self._find(row, facts).update(state="active", next_at=facts["next_at"], paused_why=None)

    def _fired(self, row: Row, facts: Facts, _digest: str | None) -> None:
        told = self._find(row, facts)
        told["last_task_id"] = row[3]
        if "instant" in facts:
            told |= {"last_at": facts["instant"], "next_at": facts["next_at"]}

    def _find(self, row: Row, facts: Facts) -> Told:
        told = self.told.get(facts["name"])
        if told is None or (told["state"] == "removed" and row[2] != EventType.SCHEDULE_ADDED):
            self._faults.add(f"{row[2]} of a schedule that was not there", seq=row[0])
            return dict.fromkeys(SCHEDULE_COLUMNS)
        return told


def _hex(value: object) -> object:
    return value.hex() if isinstance(value, bytes) else value
