"""Cells of another type than their column: `STRICT` keeps them out, a change of the file itself does not."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import Table

from app.auditing.scanning import Row


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
