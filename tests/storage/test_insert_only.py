"""The record cannot be changed, not even from a plain ``sqlite3`` shell."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from tests.support import acts
from tests.support.database import Database

# Every insert-only table, with a row for those that the acts of the fixture leave empty: the one list of
# them in the tests, which has to name the same tables as the triggers in the schema do.
INSERT_ONLY = {
    "events": "",
    "outcomes": "",
    "output": "",
    "tiles": "VALUES (0, 0, randomblob(32))",
    "checkpoints": "VALUES (1, zeroblob(32), 'note', 1)",
    "redactions": "VALUES ('of-another-task', 'output', 'a password', 'system:operator', 1)",
}
_TRIGGERS = ("no_update", "no_delete", "no_replace")


def shell(path: Path, *statements: str) -> subprocess.CompletedProcess[str]:
    """Run statements in the ``sqlite3`` program, as somebody with access to the file would."""
    return subprocess.run(
        ["sqlite3", "-batch", "-quote", str(path), *statements],
        capture_output=True,
        text=True,
        timeout=20,
        check=False,
    )


@pytest.fixture(scope="module")
def kept(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A closed database with a finished task and a row in every insert-only table; no test changes it."""
    db = Database(tmp_path_factory.mktemp("kept"))
    acts.submit(db)
    claimed = acts.started(db)
    acts.output(db, claimed, b"hello\n")
    acts.result(db, claimed)
    db.close()
    for table, row in INSERT_ONLY.items():
        if row:
            assert not shell(db.path, f"INSERT INTO {table} {row}").stderr
    return db.path


def ask(path: Path, query: str) -> list[str]:
    """Return the lines that *query* gives."""
    done = shell(path, query)
    assert not done.stderr
    return done.stdout.splitlines()


def dump(path: Path, table: str) -> list[str]:
    """Return all that is in *table*."""
    return ask(path, f"SELECT * FROM {table}")


def columns(path: Path, table: str) -> tuple[list[str], list[str]]:
    """Return the names of all columns of *table*, quoted for SQL, and of those of its primary key."""
    names = ask(path, f"SELECT name FROM pragma_table_info('{table}')")
    keys = ask(path, f"SELECT name FROM pragma_table_info('{table}') WHERE pk ORDER BY pk")
    return [f'"{name[1:-1]}"' for name in names], [f'"{name[1:-1]}"' for name in keys]


def changes(path: Path, table: str) -> list[str]:
    """List the statements by which somebody could try to change what is in *table*."""
    names, keys = columns(path, table)
    key, other = ", ".join(keys), names[-1]
    another = f"CASE typeof({other}) WHEN 'integer' THEN {other} + 1 ELSE zeroblob(32) END"
    last_is_other = ", ".join([*names[:-1], another])
    keys_as_text = ", ".join(f"CAST({name} AS TEXT)" if name in keys else name for name in names)
    updates = [f"SET {name} = {name}" for name in names] + [
        f"SET {name} = NULL" for name in names if name not in keys
    ]
    updates += [
        f"SET ({key}, {other}) = (SELECT {key}, {other} FROM {table})",
        f"SET {keys[-1]} = 7",
        f"SET {other} = {another}",
    ]
    changed = [f"UPDATE {way}{table} {one}" for one in updates for way in ("", "OR IGNORE ", "OR REPLACE ")]
    changed += [f"UPDATE OR {way} {table} SET {other} = {other}" for way in ("FAIL", "ROLLBACK", "ABORT")]
    changed += [f"UPDATE {table} SET {other} = x.{other} FROM {table} AS x"]
    deleted = [f"DELETE FROM {table}", f"DELETE FROM {table} WHERE true RETURNING *"]
    deleted += [f"DELETE FROM {table} WHERE {keys[0]} IN (SELECT {keys[0]} FROM {table} LIMIT 1)"]
    rows = [f"SELECT * FROM {table} WHERE true", f"SELECT {last_is_other} FROM {table} WHERE true"]
    rows += [f"SELECT {keys_as_text} FROM {table} WHERE true"]
    ways = ("OR REPLACE ", "OR IGNORE ", "OR FAIL ", "OR ROLLBACK ", "OR ABORT ", "")
    inserted = [f"INSERT {way}INTO {table} {row}" for row in rows for way in ways]
    inserted += [f"REPLACE INTO {table} {row}" for row in rows]
    upserts = (
        f"({key}) DO UPDATE SET {other} = excluded.{other}",
        f"DO UPDATE SET {other} = excluded.{other}",
        f"({key}) DO UPDATE SET {other} = {other} WHERE true",
        f"({key}) DO NOTHING",
        "DO NOTHING",
    )
    inserted += [f"INSERT INTO {table} {row} ON CONFLICT {upsert}" for row in rows for upsert in upserts]
    return changed + deleted + inserted


def rowid_changes(path: Path, table: str) -> list[str]:
    """List the statements that try the same by the hidden number of a row; none where rows have none."""
    if shell(path, f"SELECT rowid FROM {table}").stderr:
        return []
    names, _ = columns(path, table)
    rest = ", ".join(names[1:])
    tries = [f"UPDATE {table} SET {name} = {name} + 9" for name in ("rowid", "oid", "_rowid_")]
    tries += [f"DELETE FROM {table} WHERE rowid >= 0"]
    tries += [f"REPLACE INTO {table} (rowid, {rest}) SELECT rowid, {rest} FROM {table}"]
    return tries


def test_the_list_names_every_insert_only_table(kept: Path) -> None:
    """The tables with triggers against a change are those listed here, each has all three, and each a row."""
    triggers = set(ask(kept, "SELECT name FROM sqlite_schema WHERE type = 'trigger'"))
    found = {name.strip("'").removesuffix("_no_update") for name in triggers if "_no_update" in name}
    assert found == set(INSERT_ONLY)
    assert triggers >= {f"'{table}_{trigger}'" for table in INSERT_ONLY for trigger in _TRIGGERS}
    assert all(dump(kept, table) for table in INSERT_ONLY)


@pytest.mark.parametrize("recursive", ["OFF", "ON"])
@pytest.mark.parametrize("table", INSERT_ONLY)
def test_no_statement_changes_what_is_on_record(kept: Path, table: str, recursive: str) -> None:
    """UPDATE, DELETE, REPLACE, upsert and the rest are refused, whatever the shell's settings."""
    before = dump(kept, table)
    assert before
    for change in changes(kept, table) + rowid_changes(kept, table):
        done = shell(kept, f"PRAGMA recursive_triggers={recursive}", change)
        assert f"{table} is insert-only" in done.stderr, (change, done)
        assert dump(kept, table) == before, change


@pytest.mark.parametrize("table", INSERT_ONLY)
def test_a_row_can_be_replaced_by_no_other_key(kept: Path, table: str) -> None:
    """The key that the third trigger looks at is the only one: REPLACE deletes by any unique one."""
    unique = f"SELECT origin FROM pragma_index_list('{table}') WHERE \"unique\" AND origin <> 'pk'"
    assert ask(kept, unique) == []
    _, keys = columns(kept, table)
    kind = ask(kept, f"SELECT upper(type) FROM pragma_table_info('{table}') WHERE pk = 1")
    has_rowid = not shell(kept, f"SELECT rowid FROM {table}").stderr
    assert not has_rowid or (len(keys), kind) == (1, ["'INTEGER'"])


@pytest.mark.parametrize("trigger", _TRIGGERS)
@pytest.mark.parametrize("table", INSERT_ONLY)
def test_each_trigger_is_needed(kept: Path, tmp_path: Path, table: str, trigger: str) -> None:
    """Without any one of the three, one of the statements above does change the table."""
    copy = tmp_path / "copy.db"
    copy.write_bytes(kept.read_bytes())
    assert not shell(copy, f"DROP TRIGGER {table}_{trigger}").stderr
    before = dump(copy, table)
    tries = changes(copy, table)
    assert any(shell(copy, change).args and dump(copy, table) != before for change in reversed(tries))


def test_tables_that_may_change_do_change(kept: Path, tmp_path: Path) -> None:
    """The triggers stand on the record alone: the same shell can change what is no record."""
    copy = tmp_path / "copy.db"
    copy.write_bytes(kept.read_bytes())
    assert not shell(copy, "UPDATE tasks SET priority = 7").stderr
    assert ask(copy, "SELECT priority FROM tasks") == ["7"]


@pytest.mark.parametrize(
    "change",
    [
        "state = 'completed'",
        "state = 'completed', finished_at = 1",
        "finished_at = 1",
        "state = 'running', started_at = 1",
        "state = 'claimed', claimed_by = 'wim'",
        "state = 'claimed', lease_expires_at = 1",
        "lease_expires_at = 1",
        "claimed_by = 'wim'",
        "state = 'asleep'",
        "effect = 'harmless'",
        "attempt = 2",
        "attempt = -1",
        "priority = 'high'",
    ],
)
def test_states_and_times_are_tied_together(db: Database, change: str) -> None:
    """The table refuses a state without its times, times without their state, and words it does not know."""
    task_id = acts.submit(db)
    db.close()
    refused = shell(db.path, f"UPDATE tasks SET {change} WHERE id = '{task_id}'")
    assert "constraint" in refused.stderr or "cannot store" in refused.stderr, refused


@pytest.mark.parametrize(
    "row",
    [
        "VALUES (-1, 1, 't', NULL, NULL, 'a', '{}', zeroblob(32))",
        "VALUES (9999, 1, 't', NULL, NULL, 'a', '{}', zeroblob(31))",
        "VALUES (9999, 1, 't', NULL, NULL, 'a', '{}', NULL)",
        "VALUES (9999, 'noon', 't', NULL, NULL, 'a', '{}', zeroblob(32))",
    ],
)
def test_an_event_has_a_place_and_a_leaf(db: Database, row: str) -> None:
    """An event without its 32-byte leaf, with a negative number or a time of words is refused."""
    db.close()
    assert shell(db.path, f"INSERT INTO events {row}").stderr


def test_only_one_outcome_of_an_attempt_is_accepted(kept: Path) -> None:
    """A second accepted outcome beside the first is refused by the table itself."""
    columns = "exit_code, reason, error, duration_ms, metadata, stdout_bytes, stderr_bytes, stdout_digest"
    columns += ", stderr_digest, truncated, lease_hash, salt, digest, reported_at"
    refused = shell(
        kept,
        f"INSERT INTO outcomes (task_id, attempt, nr, accepted, {columns})"
        f" SELECT task_id, attempt, 1, 1, {columns} FROM outcomes",
    )
    assert "CHECK" in refused.stderr
