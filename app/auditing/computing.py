"""Computing the leaves of many events, and comparing them with those that are stored."""

from __future__ import annotations

from collections.abc import Sequence
from hashlib import sha256

from app.auditing.faults import Faults
from app.auditing.scanning import Row
from clawtrail.formats.canonical import quote

_REMEMBERED = 4096


class _Quoted(dict[str, str]):
    """The JSON texts of strings that come again and again."""

    def __missing__(self, text: str) -> str:
        if len(self) >= _REMEMBERED:
            self.clear()
        self[text] = quoted = quote(text)
        return quoted


class Leaves:
    """Computes leaves from the columns of events. For one thread."""

    def __init__(self, faults: Faults) -> None:
        self._faults = faults
        self._quoted = _Quoted()

    def compute(self, rows: Sequence[Row]) -> list[bytes]:
        """Return what the leaf of each event has to be; one that is stored otherwise is a fault."""
        quoted = self._quoted
        computed = [
            # `leaves.leaf(leaves.event_text(...))`, written out: here goes most of the time of a check.
            sha256(
                f'\0{{"actor":{quoted[actor]},"at":{at},"attempt":{"null" if attempt is None else attempt},'
                f'"detail":{detail},"seq":{seq},"task_id":{"null" if task_id is None else quote(task_id)},'
                f'"type":{quoted[type_]}}}'.encode()
            ).digest()
            for seq, at, type_, task_id, attempt, actor, detail, _leaf in rows
        ]
        if computed != [row[7] for row in rows]:
            for row, leaf in zip(rows, computed, strict=True):
                if row[7] != leaf:
                    self._faults.add("its leaf is not the event's", seq=row[0], task_id=row[3])
        return computed
