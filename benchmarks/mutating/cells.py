"""Small alterations: one cell, one row, two rows swapped, in any table, with the triggers put back."""

from __future__ import annotations

import random
import sqlite3
from dataclasses import dataclass
from typing import Any

TABLES = (
    "tasks",
    "events",
    "outcomes",
    "output",
    "tiles",
    "checkpoints",
    "tokens",
    "workers",
    "redactions",
    "approvals",
    "schedules",
)
KEYS = {
    "tasks": ("id",),
    "events": ("seq",),
    "outcomes": ("task_id", "attempt", "nr"),
    "output": ("task_id", "attempt", "stream", "offset"),
    "tiles": ("level", "nr"),
    "checkpoints": ("size",),
    "tokens": ("id",),
    "workers": ("id",),
    "redactions": ("task_id", "content"),
    "approvals": ("id",),
    "schedules": ("name",),
}


@dataclass(frozen=True)
class Change:
    """What was done: its class, the table and column where there is one, and the row as it was."""

    what: str
    table: str = ""
    column: str = ""
    row: dict[str, Any] | None = None


def columns(conn: sqlite3.Connection, table: str) -> list[str]:
    """Return the names of a table's columns."""
    return [row[1] for row in conn.execute(f"PRAGMA table_info({table})")]


def a_row(conn: sqlite3.Connection, table: str, chance: random.Random) -> dict[str, Any]:
    """Return any row of *table*."""
    count = conn.execute(f"SELECT count(*) FROM {table}").fetchone()[0]  # noqa: S608 - names of our own
    query = f"SELECT * FROM {table} LIMIT 1 OFFSET ?"  # noqa: S608 - the same
    found = conn.execute(query, (chance.randrange(count),)).fetchone()
    return dict(zip(columns(conn, table), found, strict=True))


def edit(conn: sqlite3.Connection, chance: random.Random, table: str, column: str) -> Change | None:
    """Change one cell a little, or give it the value of another row; None when that changes nothing."""
    row = a_row(conn, table, chance)
    old = row[column]
    new = a_row(conn, table, chance)[column] if chance.random() < 0.25 else _changed(old, chance)
    if new == old and type(new) is type(old):
        return None
    _update(conn, table, row, column, new)
    return Change("a cell was changed", table, column, row)


def delete(conn: sqlite3.Connection, chance: random.Random, table: str) -> Change:
    """Delete one row."""
    row = a_row(conn, table, chance)
    conn.execute(f"DELETE FROM {table} WHERE {_key(table)}", [row[name] for name in KEYS[table]])  # noqa: S608
    return Change("a row was deleted", table, row=row)


def copy(conn: sqlite3.Connection, chance: random.Random, table: str) -> Change:
    """Insert one row once more, under another key."""
    row = a_row(conn, table, chance)
    key = KEYS[table][-1]
    if isinstance(row[key], int):
        row[key] = conn.execute(f'SELECT max("{key}") + 1 FROM {table}').fetchone()[0]  # noqa: S608 - our own names
    else:
        row[key] = _changed(row[key], chance)
    insert(conn, table, row)
    return Change("a row was inserted", table, row=row)


def bring(
    conn: sqlite3.Connection, chance: random.Random, table: str, other: sqlite3.Connection
) -> Change | None:
    """Put a row of another database in the place of one of this: with the key of this one."""
    row, strange = a_row(conn, table, chance), a_row(other, table, chance)
    moved = {**strange, **{name: row[name] for name in KEYS[table]}}
    if moved == row:
        return None
    conn.execute(f"DELETE FROM {table} WHERE {_key(table)}", [row[name] for name in KEYS[table]])  # noqa: S608
    insert(conn, table, moved)
    changed = [name for name in row if row[name] != moved[name]]
    return Change("a row came from elsewhere", table, ",".join(changed), row)


def swap(conn: sqlite3.Connection, chance: random.Random, table: str) -> Change | None:
    """Let two rows change places: each gets the key of the other."""
    one, two = a_row(conn, table, chance), a_row(conn, table, chance)
    names = KEYS[table]
    if all(one[name] == two[name] for name in one if name not in names) or one == two:
        return None
    for row in (one, two):
        conn.execute(f"DELETE FROM {table} WHERE {_key(table)}", [row[name] for name in names])  # noqa: S608
    insert(conn, table, {**one, **{name: two[name] for name in names}})
    insert(conn, table, {**two, **{name: one[name] for name in names}})
    changed = [name for name in one if one[name] != two[name] and name not in names]
    return Change("two rows were swapped", table, ",".join(changed), one)


def insert(conn: sqlite3.Connection, table: str, row: dict[str, Any]) -> None:
    """Insert *row* as it is."""
    names = ", ".join(f'"{name}"' for name in row)
    marks = ", ".join("?" * len(row))
    conn.execute(f"INSERT INTO {table} ({names}) VALUES ({marks})", list(row.values()))  # noqa: S608 - our own names


def _update(conn: sqlite3.Connection, table: str, row: dict[str, Any], column: str, new: object) -> None:
    values = [new, *(row[name] for name in KEYS[table])]
    conn.execute(f'UPDATE {table} SET "{column}" = ? WHERE {_key(table)}', values)  # noqa: S608 - our own names


def _key(table: str) -> str:
    return " AND ".join(f'"{name}" IS ?' for name in KEYS[table])


def _changed(old: Any, chance: random.Random) -> Any:  # noqa: ANN401 - the value of a cell
    if old is None:
        return chance.choice([0, 1, "x", "1", b"x" * 16])
    if chance.random() < 0.1:
        return None
    if isinstance(old, int):
        return (
            old + chance.choice([-1, 1, 2, 1000, -old])
            if chance.random() < 0.7
            else old ^ (1 << chance.randrange(20))
        )
    return _in_one_place(old, chance)


def _in_one_place(old: Any, chance: random.Random) -> Any:  # noqa: ANN401 - text or bytes
    """Change, add or take away one letter or bit."""
    if not old:
        return "x" if isinstance(old, str) else b"x"
    place, way = chance.randrange(len(old)), chance.randrange(4)
    head, tail = old[:place], old[place + 1 :]
    if way == 0:
        return head + tail
    if way == 1:
        return old[: place + 1] + old[place:]
    if isinstance(old, bytes):
        return head + bytes([old[place] ^ (1 << chance.randrange(8))]) + tail
    letter = chr(ord(old[place]) ^ (1 << chance.randrange(5)))
    return head + letter + tail
