"""The Merkle tree over the record: its root, and proofs that a line is in it and that it only grew."""

from __future__ import annotations

from sqlalchemy import Connection, bindparam, func, select

from app.domain.errors import RecordDamaged
from app.storage import tiles
from app.storage.prepared import Prepared
from app.storage.tables import AnyRow, events
from clawtrail.formats import leaves, merkle

_LAST = Prepared(select(func.max(events.c.seq)))
_ENTRIES = Prepared(
    select(events)
    .where(events.c.seq >= bindparam("first"), events.c.seq < bindparam("end"))
    .order_by(events.c.seq),
)


class Tree:
    """The tree of the record's first *size* events, as one connection sees it.

    A record only grows, so what is read here stays true. What was loaded for one proof serves the
    next one: make one for each request, for one thread. Raises ``RecordDamaged`` where events or
    tiles are gone, ``BeyondTree`` for what is not in the tree.
    """

    def __init__(self, conn: Connection, size: int) -> None:
        self._conn = conn
        self.size = size
        self._loaded: dict[tuple[int, int], list[list[bytes]]] = {}

    def root(self) -> bytes:
        """Return the tree's root."""
        return merkle.root_of(self.size, self._subtree)

    def inclusion(self, seq: int) -> list[bytes]:
        """Return the proof that event *seq* is in the tree."""
        return merkle.inclusion(seq, self.size, self._subtree)

    def consistency(self, old: int) -> list[bytes]:
        """Return the proof that this tree begins with the tree of the first *old* events."""
        return merkle.consistency(old, self.size, self._subtree)

    def _subtree(self, level: int, index: int) -> bytes:
        """Return the root of one perfect subtree: a hash of a tile, or a node between its hashes."""
        height, inside = divmod(level, tiles.LEVELS)
        nr, place = divmod(index, 1 << (tiles.LEVELS - inside))
        return self._levels(height, nr)[inside][place]

    def _levels(self, height: int, nr: int) -> list[list[bytes]]:
        """Return the hashes of one tile and all that can be built on them, level by level."""
        found = self._loaded.get((height, nr))
        if found is None:
            whole = self.size >> (tiles.LEVELS * height)
            width = min(tiles.WIDTH, whole - nr * tiles.WIDTH)
            found = [tiles.hashes(self._conn, height, nr, width)]
            while len(found[-1]) > 1:
                below = found[-1]
                found.append([merkle.node(*below[at : at + 2]) for at in range(0, len(below) - 1, 2)])
            self._loaded[height, nr] = found
        return found


def size(conn: Connection) -> int:
    """Return how many events are on the record."""
    last = _LAST.scalar(conn)
    return 0 if last is None else int(last) + 1


def root(conn: Connection, size: int) -> bytes:
    """Return the root over the record's first *size* events."""
    return Tree(conn, size).root()


def inclusion(conn: Connection, seq: int, size: int) -> list[bytes]:
    """Return the proof that event *seq* is among the record's first *size* events; see ``Tree``."""
    return Tree(conn, size).inclusion(seq)


def consistency(conn: Connection, old: int, new: int) -> list[bytes]:
    """Return the proof that the first *new* events begin with the first *old* ones; see ``Tree``."""
    return Tree(conn, new).consistency(old)


def tile(conn: Connection, level: int, nr: int, width: int) -> bytes:
    """Return the first *width* hashes of one tile, one after the other; they must be in the record."""
    return b"".join(tiles.hashes(conn, level, nr, width))


def entries(conn: Connection, nr: int, width: int) -> list[str]:
    """Return the canonical texts of the first *width* events of the tile *nr* on level 0.

    They must be in the record; raises ``RecordDamaged`` when some are gone.
    """
    first = nr * tiles.WIDTH
    found = _ENTRIES.all(conn, {"first": first, "end": first + width})
    if len(found) != width:
        raise RecordDamaged
    return [text_of(row) for row in found]


def leaf_of(conn: Connection, seq: int) -> bytes:
    """Return the leaf of event *seq*, which must be on the record."""
    nr, place = divmod(seq, tiles.WIDTH)
    return tiles.hashes(conn, 0, nr, place + 1)[place]


def text_of(row: AnyRow) -> str:
    """Return the canonical text of an event's row: what its leaf is the hash of."""
    return leaves.event_text(
        seq=row.seq,
        at=row.at,
        type_=row.type,
        task_id=row.task_id,
        attempt=row.attempt,
        actor=row.actor,
        detail=row.detail,
    )
