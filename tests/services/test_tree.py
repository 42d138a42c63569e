"""The tree over the record: roots and proofs that a stranger's check takes, from few reads."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from random import Random

import pytest
from sqlalchemy import Connection

from app.services import tree
from app.services.tree import Tree
from app.storage.tables import events
from clawtrail.formats import leaves, merkle
from tests.support.database import Database
from tests.support.lines import add_lines, leaves_of

SIZE = 66_100
SIZES = [1, 2, 3, 255, 256, 257, 511, 512, 513, 65_535, 65_536, 65_537, 65_792, 65_793, SIZE]


@pytest.fixture(scope="module")
def long(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Database, list[bytes]]]:
    """A record that has filled a tile of the second level, and its leaves; no test adds to it."""
    db = Database(tmp_path_factory.mktemp("long"))
    add_lines(db, SIZE, in_one=10_000)
    yield db, leaves_of(db)
    db.let_go()


def test_an_empty_record_has_the_empty_root(db: Database) -> None:
    """Before the first line the size is 0, and the root is the one of the empty tree."""
    assert db.read(tree.size) == 0
    assert db.read(lambda conn: tree.root(conn, 0)) == merkle.empty_root()


@pytest.mark.parametrize("size", SIZES)
def test_roots_are_those_of_all_leaves(long: tuple[Database, list[bytes]], size: int) -> None:
    """The root from the tiles is the one that all leaves give, at each size around the edges of tiles."""
    db, hashes = long
    assert db.read(lambda conn: tree.root(conn, size)) == merkle.root(hashes[:size])


@pytest.mark.parametrize("size", SIZES)
def test_inclusion_is_proven(long: tuple[Database, list[bytes]], size: int) -> None:
    """Each line's proof leads to the root, and to no other line."""
    db, hashes = long
    chosen = {0, size - 1, size // 2, *(Random(size).randrange(size) for _ in range(20))}
    root = merkle.root(hashes[:size])
    for seq in chosen:
        proof = db.read(partial(tree.inclusion, seq=seq, size=size))
        merkle.verify_inclusion(hashes[seq], seq, size, proof, root)
        with pytest.raises(merkle.ProofRejected):
            merkle.verify_inclusion(hashes[seq - 1], seq, size + (size == 1), proof, root)


@pytest.mark.parametrize("new", SIZES)
def test_consistency_is_proven(long: tuple[Database, list[bytes]], new: int) -> None:
    """A record is shown to begin with what it was at every earlier size."""
    db, hashes = long
    for old in [size for size in SIZES if size <= new]:
        proof = db.read(partial(tree.consistency, old=old, new=new))
        roots = merkle.root(hashes[:old]), merkle.root(hashes[:new])
        merkle.verify_consistency(old, new, proof, *roots)


def test_what_is_not_in_the_tree_is_refused(long: tuple[Database, list[bytes]]) -> None:
    """There is no proof for a line beyond the size, nor for a record that shrinks."""
    db, _ = long
    with pytest.raises(merkle.BeyondTree):
        db.read(lambda conn: tree.inclusion(conn, 10, 10))
    with pytest.raises(merkle.BeyondTree):
        db.read(lambda conn: tree.consistency(conn, 11, 10))


def test_a_proof_reads_few_tiles(long: tuple[Database, list[bytes]]) -> None:
    """All proofs of a tree share what was loaded: two tiles of a level at the most for one line."""
    db, _ = long

    def look(conn: Connection) -> int:
        grown = Tree(conn, SIZE)
        grown.inclusion(300)
        grown.inclusion(301)
        grown.root()
        return len(grown._loaded)  # noqa: SLF001 - what is counted here is the reading

    assert db.read(look) <= 6


def test_entries_hash_to_their_tile(long: tuple[Database, list[bytes]]) -> None:
    """The entries of a bundle are the texts whose leaf hashes the tile has, in the same order."""
    db, hashes = long
    texts = db.read(lambda conn: tree.entries(conn, 3, 256))
    assert [leaves.leaf(text) for text in texts] == hashes[768:1024]
    tile = db.read(lambda conn: tree.tile(conn, 0, 3, 256))
    assert tile == b"".join(hashes[768:1024])
    row = db.read(lambda conn: conn.execute(events.select().where(events.c.seq == 768)).one())
    assert tree.text_of(row) == texts[0]
