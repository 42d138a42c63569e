"""Statements written in SQLAlchemy Core, compiled once and handed straight to the driver.

An execution through SQLAlchemy costs some 60 microseconds beside the database's own work, and a
task's life takes two dozen of them under the one writer. Here the statement is compiled for the
connection's dialect the first time, and from then on costs what the driver costs.
"""

from __future__ import annotations

from collections import namedtuple
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from sqlalchemy import Column, Connection
from sqlalchemy.sql.dml import UpdateBase
from sqlalchemy.sql.selectable import Select

Values = Mapping[str, Any]
_NONE: Values = {}


class Prepared:
    """One statement, for use by many threads, each with a connection of its own.

    Its values go to the driver as they are: text, integers, bytes and None. ``IN`` with a list is
    not for here, since its text changes with the list. Rows come as named tuples. A connection
    that writes has to be in a transaction already: nothing here begins one.
    """

    def __init__(self, statement: Select[Any] | UpdateBase) -> None:
        self._statement = statement
        self._text = ""
        self._arrange: Callable[[Values], Any] = dict
        self._row: Callable[..., Any] = tuple

    def run(self, conn: Connection, values: Values = _NONE) -> int:
        """Execute it and return how many rows it touched."""
        return int(self._execute(conn, values).rowcount)

    def run_many(self, conn: Connection, rows: Sequence[Values]) -> None:
        """Execute it once for each of *rows*."""
        if not self._text:
            self._compile(conn)
        _cursor(conn).executemany(self._text, [self._arrange(values) for values in rows])

    def all(self, conn: Connection, values: Values = _NONE) -> list[Any]:
        """Execute it and return its rows."""
        found = self._execute(conn, values).fetchall()
        return [self._row(*row) for row in found]

    def first(self, conn: Connection, values: Values = _NONE) -> Any:  # noqa: ANN401 - a named tuple, or None
        """Execute it and return its first row, or None."""
        row = self._execute(conn, values).fetchone()
        return None if row is None else self._row(*row)

    def scalar(self, conn: Connection, values: Values = _NONE) -> Any:  # noqa: ANN401 - a column's value, or None
        """Execute it and return the first column of its first row, or None."""
        row = self._execute(conn, values).fetchone()
        return None if row is None else row[0]

    def _execute(self, conn: Connection, values: Values) -> Any:  # noqa: ANN401 - the driver's cursor
        if not self._text:
            self._compile(conn)
        cursor = _cursor(conn)
        cursor.execute(self._text, self._arrange(values))
        return cursor

    def _compile(self, conn: Connection) -> None:
        compiled = self._statement.compile(dialect=conn.dialect)
        fixed = {name: value for name, value in compiled.params.items() if value is not None}
        order = compiled.positiontup
        if order is None:
            self._arrange = lambda values: {**fixed, **values}
        elif not fixed:
            names = tuple(order)
            self._arrange = lambda values: [values.get(name) for name in names]
        else:
            names = tuple(order)
            self._arrange = lambda values: [values.get(n, fixed.get(n)) for n in names]
        if isinstance(self._statement, Select):
            columns = list(self._statement.selected_columns.keys())
        else:
            columns = _returned(self._statement)
        if columns:
            self._row = _row_type(columns)
        # Last, since other threads take the text for the sign that all is there.
        self._text = str(compiled)


def _returned(statement: UpdateBase) -> list[str]:
    # SQLAlchemy has no public name for what an UPDATE or INSERT returns.
    return [column.key for column in statement._returning if isinstance(column, Column)]  # noqa: SLF001


def _row_type(columns: list[str]) -> Callable[..., Any]:
    return namedtuple("Row", columns, rename=True)  # noqa: PYI024 - only now are its fields known


def _cursor(conn: Connection) -> Any:  # noqa: ANN401 - the driver's own
    return conn.connection.cursor()
