"""Checkpoints: signed as the record grows, all kept, and compared with the record at each start."""

from __future__ import annotations

import pytest
from sqlalchemy import Connection

from app.services import checkpoints
from app.services.checkpoints import RecordContradicted, Signed
from clawtrail.formats import merkle
from clawtrail.formats.checkpoints import open_checkpoint
from clawtrail.formats.notes import Signer
from tests.support.database import Database
from tests.support.lines import add_lines, leaves_of

SIGNER = Signer.generate("log.example.net/ours")
OTHER = Signer.generate("log.example.net/theirs")


def sign(db: Database, signer: Signer = SIGNER) -> Signed:
    """Sign the record as it is now, and keep that."""
    drawn = db.read(lambda conn: checkpoints.draw_up(conn, signer, now=db.now))
    return db.write(lambda conn: checkpoints.keep(conn, drawn))


def check(db: Database, signer: Signer = SIGNER, *, accept: bool = False) -> None:
    """Do what a server does when it starts."""
    db.write(lambda conn: checkpoints.check(conn, signer, accept=accept, now=db.now))


def behind_its_back(db: Database, *statements: str) -> None:
    """Change the database as somebody does who has the file, past all triggers."""

    def change(conn: Connection) -> None:
        names = conn.exec_driver_sql("SELECT name FROM sqlite_schema WHERE type = 'trigger'").scalars().all()
        for name in names:
            conn.exec_driver_sql(f'DROP TRIGGER "{name}"')
        for statement in statements:
            conn.exec_driver_sql(statement)

    db.write(change)


def test_a_checkpoint_states_size_and_root(db: Database) -> None:
    """What is signed is the record's size and root, and the key's owner vouches for both."""
    add_lines(db, 300)
    signed = sign(db)
    stated = open_checkpoint(signed.note, SIGNER.verifier)
    assert (stated.origin, stated.size, stated.root) == (SIGNER.name, 300, merkle.root(leaves_of(db)))
    assert (signed.size, signed.root, signed.signed_at) == (300, stated.root, db.now)
    assert db.read(checkpoints.find_newest) == signed


def test_nothing_is_signed_twice(db: Database) -> None:
    """A record that has not grown keeps its checkpoint, whoever draws up another."""
    add_lines(db, 3)
    first = sign(db)
    db.pass_time(5000)
    assert sign(db) == first
    add_lines(db, 1)
    assert sign(db).size == 4


def test_an_older_one_comes_too_late(db: Database) -> None:
    """Of two that were drawn up at the same time, the smaller is not kept after the larger."""
    add_lines(db, 3)
    older = db.read(lambda conn: checkpoints.draw_up(conn, SIGNER, now=db.now))
    add_lines(db, 3)
    newer = sign(db)
    assert db.write(lambda conn: checkpoints.keep(conn, older)) == newer


def test_a_sound_record_is_served(db: Database) -> None:
    """Without a checkpoint, with one of this size, and with one of an earlier size, nothing is said."""
    check(db)
    for _ in range(2):
        add_lines(db, 300)
        check(db)
        sign(db)
        check(db)
    assert len(db.events()) == 600


def test_another_key_is_on_the_record(db: Database) -> None:
    """The first start with another key says which one signs from now on, and which did before."""
    add_lines(db, 3)
    sign(db)
    check(db, OTHER)
    told = db.events()[-1]
    assert (told.type, told.actor) == ("key.changed", "system:server")
    assert str(OTHER.verifier) in told.detail
    assert f"{SIGNER.name}+{SIGNER.verifier.key_id.hex()}" in told.detail
    sign(db, OTHER)
    check(db, OTHER)
    assert len(db.events()) == 4


@pytest.mark.parametrize("gone", ["seq >= 250", "seq >= 290", "seq = 299", "seq = 280", "seq = 17"])
def test_missing_events_are_noticed(db: Database, gone: str) -> None:
    """With signed events gone, at the end or in a tile that is not full, the record is not served at all.

    What is gone from a full tile does not change the root, which comes from the tile's own: for that
    there is the full verification.
    """
    add_lines(db, 300)
    sign(db)
    behind_its_back(db, f"DELETE FROM events WHERE {gone}")
    if gone == "seq = 17":
        check(db)
        return
    with pytest.raises(RecordContradicted, match="a checkpoint of 300 events was signed"):
        check(db, accept=True)


ALTERED = {
    "a leaf": "UPDATE events SET leaf = zeroblob(32) WHERE seq = 290",
    "a tile": "UPDATE tiles SET root = zeroblob(32)",
    "the signed root": "UPDATE checkpoints SET root = zeroblob(32)",
    "the note": "UPDATE checkpoints SET note = 'nothing'",
    "the note's size": "UPDATE checkpoints SET note = replace(note, '300', '301')",
}


@pytest.mark.parametrize("statement", ALTERED.values(), ids=ALTERED)
def test_a_contradiction_is_not_served(db: Database, statement: str) -> None:
    """A record that is not what was signed is refused, with what to do, and nothing is written."""
    add_lines(db, 300)
    sign(db)
    behind_its_back(db, statement)
    with pytest.raises(RecordContradicted, match="clawtrail audit verify"):
        check(db)
    assert len(db.events()) == 300


@pytest.mark.parametrize("statement", ALTERED.values(), ids=ALTERED)
def test_a_contradiction_may_be_accepted(db: Database, statement: str) -> None:
    """Told so, the server goes on, puts it on the record, and the next checkpoint fits again."""
    add_lines(db, 300)
    sign(db)
    behind_its_back(db, statement)
    check(db, accept=True)
    told = db.events()[-1]
    assert told.type == "record.contradicted"
    assert '"size":300' in told.detail
    sign(db)
    check(db)
    assert len(db.events()) == 301


def test_another_checkpoint_in_its_place_is_noticed(db: Database) -> None:
    """A signed note of another size, put where the newest one was, does not pass."""
    add_lines(db, 200)
    small = sign(db)
    add_lines(db, 100)
    sign(db)
    behind_its_back(
        db,
        "DELETE FROM checkpoints WHERE size = 200",
        f"UPDATE checkpoints SET note = '{small.note}' WHERE size = 300",
    )
    with pytest.raises(RecordContradicted, match="its note says something else"):
        check(db)
