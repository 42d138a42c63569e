"""Whoever holds the server's computer: changes the record behind the service, with its key at hand."""

from __future__ import annotations

import shutil
import sqlite3
from contextlib import closing
from pathlib import Path

from clawtrail.formats import leaves


def copy_aside(data: Path, aside: Path) -> None:
    """Keep the database and the key of a stopped server, as a backup or the start of a fork."""
    aside.mkdir()
    for file in data.iterdir():
        if file.suffix in {".db", ".key"}:
            shutil.copy(file, aside / file.name)


def put_back(aside: Path, data: Path) -> None:
    """Put what was kept in the place of the database of a stopped server."""
    for file in data.iterdir():
        if file.suffix in {".db", ".key"} or file.name.endswith(("-wal", "-shm")):
            file.unlink()
    for file in aside.iterdir():
        shutil.copy(file, data / file.name)


def rewrite_an_event(data: Path, old: str, new: str) -> None:
    """Put *new* for *old* in every event of a stopped server, so that nothing in the file contradicts it.

    Leaves are reckoned anew and old checkpoints removed: the next start signs the changed record with
    the real key.
    """
    with closing(sqlite3.connect(data / "clawtrail.db")) as conn, conn:
        triggers = conn.execute("SELECT name, sql FROM sqlite_master WHERE type = 'trigger'").fetchall()
        for name, _ in triggers:
            conn.execute(f"DROP TRIGGER {name}")
        query = "SELECT seq, at, type, task_id, attempt, actor, detail FROM events WHERE detail LIKE ?"
        found = conn.execute(query, (f"%{old}%",)).fetchall()
        assert found
        for seq, at, type_, task_id, attempt, actor, detail in found:
            said = detail.replace(old, new)
            text = leaves.event_text(
                seq=seq, at=at, type_=type_, task_id=task_id, attempt=attempt, actor=actor, detail=said
            )
            change = "UPDATE events SET detail = ?, leaf = ? WHERE seq = ?"
            conn.execute(change, (said, leaves.leaf(text), seq))
        conn.execute("DELETE FROM checkpoints")
        for _, statement in triggers:
            conn.execute(statement)
