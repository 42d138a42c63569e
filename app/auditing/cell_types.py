"""Cells of another type than their column: `STRICT` keeps them out, a change of the file itself does not."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from sqlalchemy import Table

from app.auditing.faults import Faults
from app.auditing.scanning import Row, Scan
from app.storage import tables

_READ_ROW_BY_ROW = {"tasks", "events", "outcomes", "output"}


class CellTypes:
    """What the cells of these columns of a table may be. For one thread."""

    def __init__(self, table: Table, names: Sequence[str]) -> None:
        self._names = names
        self._types = [table.c[name].type.python_type for name in names]
        self._sound: set[tuple[type, ...]] = set()

    def odd(self, row: Row) -> str | None:
        """Say which cell of *row* is of another type than its column, in words; None if none is."""
        types = tuple(map(type, row))
        if types not in self._sound:
            for name, wanted, is_ in zip(self._names, self._types, types, strict=True):
                if is_ not in (wanted, type(None)):
                    return f"its {name} is of another type than its column"
            self._sound.add(types)
        return None


def numbers(alias: str, table: Table, names: Iterable[str]) -> list[str]:
    """Return in SQL those of the columns that hold whole numbers.

    The sum of such cells is a whole number only if each of them is one: no 5.0 for 5, and no NULL.
    """
    return [f"{alias}.{name}" for name in names if table.c[name].type.python_type is int]


def compare_tables(scan: Scan, faults: Faults) -> None:
    """Have SQLite look at every cell of the tables that are not read row by row, and name what it finds."""
    for name in sorted(tables.metadata.tables.keys() - _READ_ROW_BY_ROW):
        for (said,) in scan.all(f"PRAGMA quick_check({name})"):
            if said != "ok":
                faults.add(f"SQLite finds in the table {name}: {said}")
