"""No event is larger than an entry of the log can be."""

from __future__ import annotations

import pytest
from sqlalchemy import Connection

from app.domain.errors import InvalidRequest
from app.domain.event_types import EventType
from app.services import record, tree
from app.storage.ledger import MAX_DETAIL_BYTES
from clawtrail.formats import canonical, tiles
from tests.support.database import Database

AROUND = len('{"note":""}')


def note(db: Database, text: str) -> None:
    """Put a line with *text* on the record."""

    def act(conn: Connection) -> None:
        record.append(conn, EventType.WORKER_NOTED, at=db.now, actor="worker:wim", note=text)

    db.write(act)


@pytest.mark.parametrize("letter", ["a", "\u00e9", "\u4e2d", "\U0001f41d", '"', "\x01"])
def test_the_limit_is_in_bytes(db: Database, letter: str) -> None:
    """The longest text that is taken fits into a bundle, whatever its letters; one letter more is refused."""
    weight = len(canonical.text({"note": letter}).encode()) - AROUND
    most = (MAX_DETAIL_BYTES - AROUND) // weight
    note(db, letter * most)
    (text,) = db.read(lambda conn: tree.entries(conn, 0, 1))
    assert tiles.decode_bundle(tiles.encode_bundle([text.encode()])) == [text.encode()]
    with pytest.raises(InvalidRequest, match="too many for the record"):
        note(db, letter * (most + 1))
    assert db.read(tree.size) == 1
