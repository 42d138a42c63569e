"""Tiles: their roots are stored in the transaction that fills them, and by the migration."""

from __future__ import annotations

import pytest

from app.domain.errors import RecordDamaged, StorageFailed
from app.storage import migrating, tiles
from app.storage.tables import tiles as table
from clawtrail.formats import merkle
from tests.support.database import Database
from tests.support.lines import add_lines, leaves_of

Roots = dict[tuple[int, int], bytes]


def stored(db: Database) -> Roots:
    """Return the stored root of each tile by its level and number."""
    query = table.select()
    return db.read(lambda conn: {(row.level, row.nr): row.root for row in conn.execute(query)})


def expected(leaves: list[bytes]) -> Roots:
    """Return what has to be stored for these leaves, computed from all of them at once."""
    return {
        (level, nr): merkle.root(leaves[nr * span : (nr + 1) * span])
        for level, span in ((0, 256), (1, 65_536))
        for nr in range(len(leaves) // span)
    }


@pytest.mark.parametrize("in_one", [1, 7, 255, 256, 257, 700])
def test_each_full_tile_has_its_root(db: Database, in_one: int) -> None:
    """However many lines a transaction has, the tiles that it fills are stored with it, and no others."""
    add_lines(db, 770, in_one=in_one)
    assert stored(db) == expected(leaves_of(db))
    assert len(stored(db)) == 3


def test_tiles_of_tiles_are_stored(db: Database) -> None:
    """With 65,536 lines a tile of the next level is full, also when one transaction fills both."""
    add_lines(db, 65_500, in_one=10_000)
    assert max(stored(db)) == (0, 254)
    add_lines(db, 100)
    assert stored(db) == expected(leaves_of(db))
    assert max(stored(db)) == (1, 0)


def test_a_tile_and_its_lines_are_one_transaction(db: Database) -> None:
    """When the tile cannot be stored, the lines that would fill it are not on the record either."""
    add_lines(db, 255)
    with db.writing.begin() as conn:
        conn.exec_driver_sql("INSERT INTO tiles VALUES (0, 0, zeroblob(32))")
    with pytest.raises(StorageFailed):
        add_lines(db, 1)
    assert len(leaves_of(db)) == 255


def test_a_migrated_database_has_the_tiles_of_its_past(db: Database) -> None:
    """A record that was begun before there were tiles gets the very ones that it would have had."""
    add_lines(db, 66_000, in_one=10_000)
    grown = stored(db)
    migrating.downgrade(db.writing, "0002")
    assert migrating.upgrade(db.writing) == ("0002", migrating.HEAD)
    assert stored(db) == grown
    add_lines(db, 256)
    assert stored(db) == expected(leaves_of(db))


def test_a_record_with_a_hole_is_not_migrated(db: Database) -> None:
    """When lines are missing, the migration says so instead of building a tree without them."""
    add_lines(db, 300)
    migrating.downgrade(db.writing, "0002")
    with db.writing.begin() as conn:
        conn.exec_driver_sql("DROP TRIGGER events_no_delete")
        conn.exec_driver_sql("DELETE FROM events WHERE seq = 17")
    with pytest.raises(ValueError, match="missing from the record"):
        migrating.upgrade(db.writing)


def test_a_tile_with_a_hole_stops_the_writing(db: Database) -> None:
    """Lines that were taken out behind the service's back are noticed when their tile becomes full."""
    add_lines(db, 200)
    with db.writing.begin() as conn:
        conn.exec_driver_sql("DROP TRIGGER events_no_delete")
        conn.exec_driver_sql("DELETE FROM events WHERE seq = 17")
    with pytest.raises(RecordDamaged):
        add_lines(db, 56, in_one=56)
    assert len(leaves_of(db)) == 199


def test_the_hashes_of_a_tile_are_leaves_or_roots(db: Database) -> None:
    """Level 0 is made of leaves, level 1 of the roots of level 0; what is not there is said to be damage."""
    add_lines(db, 600)
    leaves, roots = leaves_of(db), stored(db)
    assert db.read(lambda conn: tiles.hashes(conn, 0, 1, 256)) == leaves[256:512]
    assert db.read(lambda conn: tiles.hashes(conn, 0, 2, 5)) == leaves[512:517]
    assert db.read(lambda conn: tiles.hashes(conn, 1, 0, 2)) == [roots[0, 0], roots[0, 1]]
    with pytest.raises(RecordDamaged):
        db.read(lambda conn: tiles.hashes(conn, 0, 2, 89))
