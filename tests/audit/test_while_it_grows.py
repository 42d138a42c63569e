"""A record that grows while it is checked: nothing is taken for a fault that is only new."""

from __future__ import annotations

import threading

from app.auditing import verifying
from app.auditing.verifying import Report
from app.services import checkpoints
from clawtrail.formats.notes import Signer
from tests.support import acts
from tests.support.database import Database

CHECKS = 40


def test_a_growing_record_is_good_at_every_moment(db: Database) -> None:
    """Forty checks, one after the other while tasks come, run, end and are signed, find no fault."""
    signer = Signer.generate("grows.example/log")
    begun, enough = threading.Event(), threading.Event()

    def grow() -> None:
        while not enough.is_set():
            acts.submit(db)
            claimed = acts.started(db)
            acts.output(db, claimed, b"y")
            acts.result(db, claimed)
            begun.set()
            acts.submit(db)
            drawn = db.read(lambda conn: checkpoints.draw_up(conn, signer, now=db.now))
            acts.cancel(db, acts.submit(db))
            acts.claim(db, free=2)
            # Kept when the record is larger already, as it happens to a server under load.
            db.write(lambda conn, drawn=drawn: checkpoints.keep(conn, drawn))  # type: ignore[misc]

    growing = threading.Thread(target=grow)
    growing.start()
    assert begun.wait(30)
    try:
        reports: list[Report] = []
        for _ in range(CHECKS):
            since = reports[-1].seen if reports and len(reports) % 2 else None
            reports.append(
                db.read(
                    lambda conn, since=since: verifying.verify(  # type: ignore[misc]
                        conn, verifiers=[signer.verifier], now=db.now, since=since, limit=5
                    )
                )
            )
    finally:
        enough.set()
        growing.join()
    assert [fault for report in reports for fault in report.faults] == []
    assert reports[-1].size > reports[0].size
