"""Cells of another type than their column, which only a change of the file itself can make, are named."""

from __future__ import annotations

from contextlib import closing
from typing import Any

import pytest

from app.auditing.faults import OF_ANOTHER_TYPE
from app.domain.roles import Role
from app.services import access
from app.storage import engine
from app.storage.tiles import WIDTH
from tests.audit.test_alike import live_alike
from tests.support import acts
from tests.support.database import Database

CELLS = [
    ("tasks", "timeout_ms", "CAST(timeout_ms AS TEXT)"),
    ("tasks", "kind", "CAST(kind AS BLOB)"),
    ("tasks", "payload", "CAST(payload AS BLOB)"),
    ("outcomes", "exit_code", "CAST(exit_code AS TEXT)"),
    ("outcomes", "truncated", "CAST(truncated AS TEXT)"),
    ("outcomes", "duration_ms", "CAST(duration_ms AS TEXT)"),
    ("outcomes", "stdout_bytes", "CAST(stdout_bytes AS TEXT)"),
    ("output", "data", "CAST(data AS TEXT)"),
    ("tasks", "timeout_ms", "CAST(timeout_ms AS REAL)"),
    ("tasks", "finished_at", "CAST(finished_at AS REAL)"),
    ("outcomes", "nr", "CAST(nr AS REAL)"),
    ("outcomes", "exit_code", "CAST(exit_code AS REAL)"),
    ("outcomes", "stdout_bytes", "CAST(stdout_bytes AS REAL)"),
    ("output", "attempt", "CAST(attempt AS REAL)"),
]


def retype(db: Database, table: str, column: str, value: str, *, key: tuple[str, object]) -> None:
    """Write one cell past ``STRICT``, and leave the schema as it was."""
    of_table = "FROM sqlite_schema WHERE tbl_name = ? AND type = ?"
    with closing(_open(db)) as conn:
        triggers = conn.execute(f"SELECT name, sql {of_table}", (table, "trigger")).fetchall()
        for name, _sql in triggers:
            conn.execute(f"DROP TRIGGER {name}")
        [made] = conn.execute(f"SELECT sql {of_table}", (table, "table")).fetchone()
    loose = made.replace(",\n STRICT", "").replace("STRICT", "")
    for type_ in ("TEXT", "INTEGER"):
        loose = loose.replace(f"\t{column} {type_}", f"\t{column} BLOB")
    _define(db, table, loose)
    with closing(_open(db)) as conn:
        conn.execute(f"UPDATE {table} SET {column} = {value} WHERE {key[0]} = ?", key[1:])
    _define(db, table, made)
    with closing(_open(db)) as conn:
        for _name, sql in triggers:
            conn.execute(sql)


def _open(db: Database) -> Any:  # noqa: ANN401 - a connection of either driver
    # The library that has the file open already: two in one process would break each other's locks.
    return engine.sqlite_module().connect(str(db.path), isolation_level=None)


def _define(db: Database, table: str, sql: str) -> None:
    with closing(_open(db)) as conn:
        conn.execute("PRAGMA writable_schema = ON")
        conn.execute("UPDATE sqlite_schema SET sql = ? WHERE type = 'table' AND name = ?", (sql, table))


@pytest.mark.parametrize("place", [0, -1])
def test_a_cell_of_a_task_with_the_same_text_is_named(db: Database, place: int) -> None:
    """Text for a number, bytes for a text and 5.0 for 5 are found in a task, its outcome and output."""
    task_id = live_alike(db)[place]
    for table, column, value in CELLS:
        key = ("id" if table == "tasks" else "task_id", task_id)
        with closing(_open(db)) as conn:
            [before] = conn.execute(f"SELECT {column} FROM {table} WHERE {key[0]} = ?", key[1:]).fetchone()
        retype(db, table, column, value, key=key)
        assert [fault.task_id for fault in db.faults()][:1] == [task_id], f"{table}.{column}"
        retype(db, table, column, _literal(before), key=key)
        assert db.faults() == [], f"{table}.{column}"


def _literal(value: object) -> str:
    return f"x'{value.hex()}'" if isinstance(value, bytes) else repr(value)


@pytest.mark.parametrize("column", ["type", "actor", "detail", "at", "attempt"])
def test_a_cell_of_an_event_is_named(db: Database, column: str) -> None:
    """The event with such a cell is named, also when it is the newest."""
    live_alike(db)
    for seq in (db.events()[-1].seq, 9):
        value = f"CAST({column} AS {'TEXT' if column in ('at', 'attempt') else 'BLOB'})"
        retype(db, "events", column, value, key=("seq", seq))
        fault = db.faults()[0]
        assert (fault.seq, fault.what) == (seq, OF_ANOTHER_TYPE)


@pytest.mark.parametrize("column", ["at", "attempt"])
def test_a_fraction_in_an_event_is_named(db: Database, column: str) -> None:
    """The event in which 5.0 stands for 5 has another leaf then."""
    live_alike(db)
    for seq in (db.events()[-1].seq, 9):
        [before] = [row for row in db.events() if row.seq == seq]
        retype(db, "events", column, f"CAST({column} AS REAL)", key=("seq", seq))
        assert db.faults()[0].seq == seq
        retype(db, "events", column, _literal(getattr(before, column)), key=("seq", seq))
        assert db.faults() == []


@pytest.mark.parametrize(("table", "column"), [("tokens", "created_at"), ("tiles", "level")])
def test_a_cell_of_a_small_table_is_named(db: Database, table: str, column: str) -> None:
    """What is not read row by row is looked through by SQLite, and its words name table and column."""
    token, role, by = "x" * 20, Role.CLIENT, "system:operator"
    db.write(
        lambda conn: access.create(
            conn, name="ada", role=role, token=token, expires_at=None, actor=by, now=db.now
        )
    )
    while len(db.events()) < WIDTH:
        live_alike(db)
    assert db.faults() == []
    retype(db, table, column, f"CAST({column} AS REAL)", key=("1", 1))
    found = f"SQLite finds in the table {table}: non-INTEGER value in {table}.{column}"
    assert [fault.what for fault in db.faults()][:1] == [found]


def test_a_number_in_place_of_its_text_is_named(db: Database) -> None:
    """An actor that spells a number is fine as text, and a fault as a number."""
    acts.submit(db, actor="7")
    acts.submit(db, actor="7")
    assert db.faults() == []
    retype(db, "events", "actor", "7", key=("seq", 1))
    assert [(fault.seq, fault.what) for fault in db.faults()][:1] == [(1, OF_ANOTHER_TYPE)]
