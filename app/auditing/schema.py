"""The tables, indexes, views and triggers that a database has to have: those that the migrations make."""

from __future__ import annotations

import tempfile
from functools import cache
from pathlib import Path

from app.auditing.faults import Faults
from app.auditing.scanning import Scan
from app.storage import engine, migrating

_QUERY = "SELECT type, name, tbl_name, sql FROM sqlite_schema WHERE name NOT LIKE 'sqlite_stat%'"
_MUST_NOT_BE_STRANGE = ("trigger", "table")


def compare(scan: Scan, faults: Faults) -> bool:
    """Compare the schema with what this version's migrations make; say whether all of that is there.

    Indexes and views of one's own are no fault, but triggers and tables are: they could act.
    """
    found = {row[:2]: row[2:] for row in scan.rows(_QUERY)}
    sound = True
    for (type_, name), made in expected().items():
        has = found.pop((type_, name), None)
        if has != made:
            what = "is missing" if has is None else "is not as this version makes it"
            faults.add(f"the {type_} {name} {what}")
            sound = sound and type_ != "table"
    for type_, name in found:
        if type_ in _MUST_NOT_BE_STRANGE:
            faults.add(f"there is a {type_} {name} that this version does not make")
    return sound


@cache
def expected() -> dict[tuple[str, str], tuple[str, str | None]]:
    """Return what the migrations make in an empty database; they take a moment."""
    with tempfile.TemporaryDirectory(prefix="clawtrail-schema-") as folder:
        making = engine.writing_engine(Path(folder) / "empty.db")
        migrating.upgrade(making)
        with making.connect() as conn:
            rows = conn.exec_driver_sql(_QUERY).all()
        making.dispose()
    return {(type_, name): (table, sql) for type_, name, table, sql in rows}
