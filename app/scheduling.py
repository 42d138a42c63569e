"""Firing the schedules that are due, one act for each."""

from __future__ import annotations

import logging

from app.services import firing
from app.services.firing import House
from app.storage.readers import Readers
from app.storage.writer import Writer

_log = logging.getLogger("clawtrail.schedules")


class Scheduling:
    """Looks for schedules that are due. Only the janitor's thread calls it."""

    def __init__(self, *, writer: Writer, reader: Readers, house: House) -> None:
        self._writer = writer
        self._reader = reader
        self._house = house

    def fire(self, now: int) -> None:
        """Fire what is due at *now*; most times that is one look at an index."""
        with self._reader.connect() as conn:
            due = firing.list_due(conn, now=now)
        for name, instant in due:
            try:
                self._fire(name, instant, now)
            except Exception:  # noqa: BLE001 - one schedule must not hold up the others and the janitor's round
                _log.exception("the schedule %s could not be fired; the next round tries again", name)

    def _fire(self, name: str, instant: int, now: int) -> None:
        self._writer.perform(lambda conn: firing.fire(conn, name, instant, self._house, now=now))
