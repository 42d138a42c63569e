"""Migrations: they lead to the tables in the code, and back."""

from __future__ import annotations

from pathlib import Path

import pytest
from alembic.config import Config
from alembic.script import ScriptDirectory
from sqlalchemy import inspect, text

import migrations
from app.storage import engine, migrating
from app.storage.tables import metadata
from tests.support import acts
from tests.support.database import Database


def shape(db: Database, table: str) -> dict[str, tuple[str, bool, int]]:
    """Return type, nullability and place in the primary key of each column, as the database has them."""
    rows = db.read(lambda conn: conn.execute(text(f"PRAGMA table_info('{table}')")).all())
    return {row.name: (row.type, not row.notnull and not row.pk, row.pk) for row in rows}


def test_the_migrations_lead_to_the_tables_in_the_code(db: Database) -> None:
    """After upgrading, tables, columns, types, nullability and primary keys are what the code says."""
    found = set(db.read(lambda conn: inspect(conn).get_table_names()))
    assert found - {"alembic_version"} == set(metadata.tables)
    dialect = db.writing.dialect
    for table in metadata.tables.values():
        keys = [column.name for column in table.primary_key]
        said = {
            column.name: (
                column.type.compile(dialect),
                bool(column.nullable),
                keys.index(column.name) + 1 if column.name in keys else 0,
            )
            for column in table.columns
        }
        assert shape(db, table.name) == said, table.name


def test_every_table_is_strict(db: Database) -> None:
    """SQLite checks the types itself: each table of ours is STRICT, and those keyed by text have no rowid."""
    rows = db.read(lambda conn: conn.execute(text("PRAGMA table_list")).all())
    ours = {row.name: row for row in rows if row.name in metadata.tables}
    assert all(row.strict for row in ours.values())
    for name, table in metadata.tables.items():
        assert bool(ours[name].wr) == (not table.dialect_options["sqlite"]["with_rowid"])


def test_head_is_the_newest_revision_of_one_line() -> None:
    """The revision that the code is written for is the only head of the migrations."""
    config = Config()
    config.set_main_option("script_location", str(Path(migrations.__file__).parent))
    assert ScriptDirectory.from_config(config).get_heads() == [migrating.HEAD]


def test_down_to_nothing_and_up_again(db: Database) -> None:
    """Every migration can be taken back, and what it left can be migrated anew."""
    before = {name: shape(db, name) for name in metadata.tables}
    acts.submit(db)
    migrating.downgrade(db.writing, "base")
    assert set(db.read(lambda conn: inspect(conn).get_table_names())) <= {"alembic_version"}
    assert migrating.revision(db.writing) is None
    assert migrating.upgrade(db.writing) == (None, migrating.HEAD)
    assert {name: shape(db, name) for name in metadata.tables} == before
    assert db.read(lambda conn: conn.execute(text("SELECT count(*) FROM tasks")).scalar()) == 0


def test_upgrading_twice_does_nothing(db: Database) -> None:
    """A database that is up to date stays as it is, with what is in it."""
    task_id = acts.submit(db)
    assert migrating.upgrade(db.writing) == (migrating.HEAD, migrating.HEAD)
    assert db.state(task_id) == "pending"


def test_a_database_from_the_future_is_refused(db: Database) -> None:
    """A revision that this version does not know is left alone, with a sentence that says what to do."""
    db.write(lambda conn: conn.exec_driver_sql("UPDATE alembic_version SET version_num = '9999'"))
    with pytest.raises(migrating.SchemaFromTheFuture, match=r"9999.*newer"):
        migrating.upgrade(db.writing)
    assert migrating.revision(db.writing) == "9999"


def test_a_new_file_has_no_revision(tmp_path: Path) -> None:
    """An empty file is told from a migrated one."""
    writing = engine.writing_engine(tmp_path / "new.db")
    assert migrating.revision(writing) is None
    writing.dispose()
