"""Larger alterations, by somebody who can redo leaves, tiles and signatures."""

from __future__ import annotations

import random
import sqlite3
from collections.abc import Callable

from benchmarks.mutating.cells import Change
from clawtrail.formats import leaves, merkle
from clawtrail.formats.checkpoints import Checkpoint, sign
from clawtrail.formats.notes import Signer

WIDTH = 256
Attack = Callable[[sqlite3.Connection, random.Random, Signer], Change]
"""Takes the database, chance, and the true key, which only the worst attacker has."""


def edit_and_recompute(conn: sqlite3.Connection, chance: random.Random, _signer: Signer) -> Change:
    """Change an event with its leaf and the tiles."""
    _edit_event(conn, chance)
    _tiles(conn)
    return Change("an event was changed; leaf and tiles redone")


def edit_and_sign_otherwise(conn: sqlite3.Connection, chance: random.Random, signer: Signer) -> Change:
    """Change an event with its leaf, the tiles and all checkpoints, signed with a key of one's own."""
    _edit_event(conn, chance)
    _tiles(conn)
    _sign(conn, Signer(signer.name, chance.randbytes(32)))
    return Change("an event was changed; all redone, signed with another key of the same name")


def edit_and_sign_truly(conn: sqlite3.Connection, chance: random.Random, signer: Signer) -> Change:
    """Change an event that no table shows, and redo everything with the true key."""
    row = conn.execute("SELECT seq FROM events WHERE type IN ('access.denied', 'worker.noted')").fetchall()
    seq = chance.choice(row)[0]
    conn.execute("UPDATE events SET actor = 'worker:nobody' WHERE seq = ?", (seq,))
    _redo_leaves(conn, seq)
    _tiles(conn)
    _sign(conn, signer)
    return Change("an event was changed; all redone, signed with the true key")


def drop_event(conn: sqlite3.Connection, chance: random.Random, _signer: Signer) -> Change:
    """Take an event out of the middle, renumber what follows and redo leaves and tiles."""
    _drop_event(conn, chance, "SELECT seq FROM events")
    _tiles(conn)
    return Change("an event was taken out; numbers, leaves and tiles redone")


def drop_and_sign_otherwise(conn: sqlite3.Connection, chance: random.Random, signer: Signer) -> Change:
    """Take an event out that no table shows, and redo everything with a key of one's own."""
    _drop_event(conn, chance, "SELECT seq FROM events WHERE type IN ('access.denied', 'verdict.given')")
    _tiles(conn)
    _sign(conn, Signer(signer.name, chance.randbytes(32)))
    return Change("an event was taken out; all redone, signed with another key of the same name")


def drop_and_sign_truly(conn: sqlite3.Connection, chance: random.Random, signer: Signer) -> Change:
    """Take an event out that no table shows, and redo everything with the true key."""
    _drop_event(conn, chance, "SELECT seq FROM events WHERE type IN ('access.denied', 'verdict.given')")
    _tiles(conn)
    _sign(conn, signer)
    return Change("an event was taken out; all redone, signed with the true key")


def cut_events(conn: sqlite3.Connection, chance: random.Random, _signer: Signer) -> Change:
    """Cut off the end of the record, and nothing else."""
    _cut(conn, _size(conn) - chance.randrange(1, 60))
    return Change("the tail was cut off")


def cut_all_but_tables(conn: sqlite3.Connection, chance: random.Random, _signer: Signer) -> Change:
    """Cut off the end of the record, with the tiles and checkpoints over it."""
    end = _size(conn) - chance.randrange(1, 60)
    _cut(conn, end)
    conn.execute("DELETE FROM tiles WHERE (nr + 1) * 256 > ?", (end,))
    conn.execute("DELETE FROM checkpoints WHERE size > ?", (end,))
    return Change("the tail was cut off, with tiles and checkpoints")


def cut_everything(conn: sqlite3.Connection, _chance: random.Random, _signer: Signer) -> Change:
    """Cut off the last event, which no table shows, with its checkpoint: the record as it was before."""
    end = _size(conn) - 1
    _cut(conn, end)
    conn.execute("DELETE FROM tiles WHERE (nr + 1) * 256 > ?", (end,))
    conn.execute("DELETE FROM checkpoints WHERE size > ?", (end,))
    return Change("the tail was cut off, so that the tables agree")


def drop_trigger(conn: sqlite3.Connection, chance: random.Random, _signer: Signer) -> Change:
    """Drop one of the triggers that keep the record insert-only, or put a lame one in its place."""
    name, table = chance.choice(
        conn.execute("SELECT name, tbl_name FROM sqlite_schema WHERE type='trigger'").fetchall()
    )
    conn.execute(f"DROP TRIGGER {name}")
    if chance.random() < 0.5:
        conn.execute(f"CREATE TRIGGER {name} BEFORE UPDATE ON {table} BEGIN SELECT 1; END")
    return Change("a trigger was dropped or made lame")


def drop_checkpoints(conn: sqlite3.Connection, chance: random.Random, _signer: Signer) -> Change:
    """Take checkpoints out of their table: the newest, or all."""
    newest = "DELETE FROM checkpoints WHERE size = (SELECT max(size) FROM checkpoints)"
    conn.execute(chance.choice(["DELETE FROM checkpoints", newest]))
    return Change("checkpoints were taken out", "checkpoints")


IN_PLACE: tuple[Attack, ...] = (
    edit_and_recompute,
    edit_and_sign_otherwise,
    edit_and_sign_truly,
    drop_event,
    drop_and_sign_otherwise,
    drop_and_sign_truly,
    cut_events,
    cut_all_but_tables,
    cut_everything,
    drop_trigger,
    drop_checkpoints,
)


def _size(conn: sqlite3.Connection) -> int:
    return int(conn.execute("SELECT max(seq) + 1 FROM events").fetchone()[0])


def _edit_event(conn: sqlite3.Connection, chance: random.Random) -> None:
    seq = chance.randrange(_size(conn))
    changes = ["at = at + 1", "actor = actor || 'x'", "detail = '{\"a\":1}'", "task_id = 'another'"]
    change = chance.choice(changes)
    conn.execute(f"UPDATE events SET {change} WHERE seq = ?", (seq,))  # noqa: S608 - words of our own
    _redo_leaves(conn, seq)


def _drop_event(conn: sqlite3.Connection, chance: random.Random, query: str) -> None:
    seq = chance.choice(conn.execute(query).fetchall())[0]
    conn.execute("DELETE FROM events WHERE seq = ?", (seq,))
    conn.execute("UPDATE events SET seq = -seq WHERE seq > ?", (seq,))
    conn.execute("UPDATE events SET seq = -seq - 1 WHERE seq < 0")
    _redo_leaves(conn, seq)


def _cut(conn: sqlite3.Connection, end: int) -> None:
    conn.execute("DELETE FROM events WHERE seq >= ?", (end,))


def _redo_leaves(conn: sqlite3.Connection, first: int) -> None:
    names = "seq, at, type, task_id, attempt, actor, detail"
    rows = conn.execute(f"SELECT {names} FROM events WHERE seq >= ?", (first,)).fetchall()  # noqa: S608 - our own
    for seq, at, type_, task_id, attempt, actor, detail in rows:
        text = leaves.event_text(
            seq=seq, at=at, type_=type_, task_id=task_id, attempt=attempt, actor=actor, detail=detail
        )
        conn.execute("UPDATE events SET leaf = ? WHERE seq = ?", (leaves.leaf(text), seq))


def _hashes(conn: sqlite3.Connection) -> list[bytes]:
    return [row[0] for row in conn.execute("SELECT leaf FROM events ORDER BY seq")]


def _tiles(conn: sqlite3.Connection) -> None:
    hashes = _hashes(conn)
    conn.execute("DELETE FROM tiles")
    for nr in range(len(hashes) // WIDTH):
        root = merkle.fold(hashes[nr * WIDTH : (nr + 1) * WIDTH])
        conn.execute("INSERT INTO tiles VALUES (0, ?, ?)", (nr, root))


def _sign(conn: sqlite3.Connection, signer: Signer) -> None:
    hashes = _hashes(conn)
    rows = conn.execute("SELECT size, signed_at FROM checkpoints").fetchall()
    conn.execute("DELETE FROM checkpoints")
    for size in sorted({min(size, len(hashes)) for size, _at in rows}):
        root = merkle.root(hashes[:size])
        note = sign(Checkpoint(signer.name, size, root), signer)
        conn.execute("INSERT INTO checkpoints VALUES (?, ?, ?, ?)", (size, root, note, rows[0][1]))
