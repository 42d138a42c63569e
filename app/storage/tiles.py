"""The tiles of the Merkle tree over the record: 256 hashes each, of which only the roots are stored anew."""

from __future__ import annotations

from sqlalchemy import Connection, bindparam, insert, select

from app.domain.errors import RecordDamaged
from app.storage.prepared import Prepared
from app.storage.tables import events, tiles
from clawtrail.formats import merkle

LEVELS = 8
"""How many levels of the tree one tile spans."""

WIDTH = 1 << LEVELS

_INSERT = Prepared(insert(tiles))
_LEAVES = Prepared(
    select(events.c.leaf)
    .where(events.c.seq >= bindparam("first"), events.c.seq < bindparam("end"))
    .order_by(events.c.seq),
)
_ROOTS = Prepared(
    select(tiles.c.root)
    .where(
        tiles.c.level == bindparam("level"), tiles.c.nr >= bindparam("first"), tiles.c.nr < bindparam("end")
    )
    .order_by(tiles.c.nr),
)


def close_full(conn: Connection, before: int, after: int) -> None:
    """Store the root of each tile that became full as the record grew from *before* to *after* events.

    Call it in the transaction that inserts those events: a full tile without its root is never on
    the disk. Raises ``RecordDamaged`` when earlier events are gone.
    """
    level, first, end = 0, before // WIDTH, after // WIDTH
    while first < end:
        for nr in range(first, end):
            root = merkle.fold(hashes(conn, level, nr, WIDTH))
            _INSERT.run(conn, {"level": level, "nr": nr, "root": root})
        level, first, end = level + 1, first // WIDTH, end // WIDTH


def hashes(conn: Connection, level: int, nr: int, width: int) -> list[bytes]:
    """Return the first *width* hashes of tile *nr* on *level*: leaves on level 0, roots of tiles above.

    They must be there: ask only for what is inside of the record. Raises ``RecordDamaged`` otherwise.
    """
    first = nr * WIDTH
    span = {"first": first, "end": first + width}
    found = _ROOTS.all(conn, {**span, "level": level - 1}) if level else _LEAVES.all(conn, span)
    if len(found) != width:
        raise RecordDamaged
    return [row[0] for row in found]
