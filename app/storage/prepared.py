"""Statements written in SQLAlchemy Core, compiled once and handed straight to the driver.

An execution through SQLAlchemy costs some 60 microseconds beside the database's own work, and a
task's life takes two dozen of them under the one writer. Here the statement is compiled for the
connection's dialect the first time, and from then on costs what the driver costs.
"""

from __future__ import annotations

from collections import namedtuple
from collections.abc import Callable, Mapping, Sequence
from functools import lru_cache
from itertools import chain
from typing import Any

from sqlalchemy import Column, Connection
from sqlalchemy.sql.dml import Insert, UpdateBase
from sqlalchemy.sql.selectable import Select

Values = Mapping[str, Any]
_NONE: Values = {}
MAX_ROWS = 64
"""Rows of one INSERT: each statement lets go of the interpreter's lock, so few are better."""


class Prepared:
    """One statement, for use by many threads, each with a connection of its own.

    A value that is missing is NULL in an INSERT and a ``KeyError`` in anything else.
    Its values go to the driver as they are: text, integers, bytes and None. ``IN`` with a list is
    not for here, since its text changes with the list. Rows come as named tuples. A connection
    that writes has to be in a transaction already: nothing here begins one.
    """

    def __init__(self, statement: Select[Any] | UpdateBase) -> None:
        self._statement = statement
        self._text = ""
        self._arrange: Callable[[Values], Any] = dict
        self._row: Callable[..., Any] = tuple
        self._positional = False

    def run(self, conn: Connection, values: Values = _NONE) -> int:
        """Execute it and return how many rows it touched."""
        return int(self._execute(conn, values).rowcount)

    def insert(self, conn: Connection, rows: Sequence[Values]) -> None:
        """Insert *rows* with as few statements as can be; for an INSERT of single rows."""
        if not self._text:
            self._compile(conn)
        arranged = [self._arrange(values) for values in rows]
        if not self._positional:
            _cursor(conn).executemany(self._text, arranged)
            return
        for first in range(0, len(arranged), MAX_ROWS):
            some = arranged[first : first + MAX_ROWS]
            _cursor(conn).execute(_rows_of(self._text, len(some)), list(chain.from_iterable(some)))

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
        self._positional = order is not None
        if order is None:
            self._arrange = lambda values: {**fixed, **values}
        elif isinstance(self._statement, Insert):
            names = tuple(order)
            self._arrange = lambda values: [values.get(n, fixed.get(n)) for n in names]
        elif not fixed:
            names = tuple(order)
            self._arrange = lambda values: [values[name] for name in names]
        else:
            names = tuple(order)
            self._arrange = lambda values: [values[n] if n in values else fixed[n] for n in names]
        if isinstance(self._statement, Select):
            columns = list(self._statement.selected_columns.keys())
        else:
            columns = _returned(self._statement)
        if columns:
            self._row = _row_type(columns)
        # Last, since other threads take the text for the sign that all is there.
        self._text = str(compiled)


@lru_cache(maxsize=256)
def _rows_of(text: str, rows: int) -> str:
    """Return an INSERT of one row as an INSERT of so many."""
    head, values, row = text.partition(" VALUES ")
    return head + values + ", ".join([row] * rows)


def _returned(statement: UpdateBase) -> list[str]:
    # SQLAlchemy has no public name for what an UPDATE or INSERT returns.
    return [column.key for column in statement._returning if isinstance(column, Column)]  # noqa: SLF001


def _row_type(columns: list[str]) -> Callable[..., Any]:
    return namedtuple("Row", columns, rename=True)  # noqa: PYI024 - only now are its fields known


def _cursor(conn: Connection) -> Any:  # noqa: ANN401 - the driver's own
    return conn.connection.cursor()
