"""Whether record and tables agree, by everything that can tell."""

from __future__ import annotations

from app.auditing import verifying
from tests.support.database import Database


def sound(db: Database) -> None:
    """Fail unless the replay and the whole check find nothing wrong."""
    report = db.read(lambda conn: verifying.verify(conn, verifiers=(), now=db.now, limit=9))
    assert report.faults == []
    assert report.seen is not None
    assert db.faults() == []
