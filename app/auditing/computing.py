"""Computing the leaves of many events, and comparing them with those that are stored."""

from __future__ import annotations

from collections.abc import Sequence

from app.auditing.faults import Faults
from app.auditing.scanning import Row


def compare(computed: Sequence[bytes], rows: Sequence[Row], first: int, faults: Faults) -> None:
    """Name those of *rows* (as ``Scan.said`` has them, from number *first* on) that have another leaf."""
    for seq, (row, leaf) in enumerate(zip(rows, computed, strict=True), first):
        if row[3] != leaf:
            faults.add("its leaf is not the event's", seq=seq, task_id=row[1])
