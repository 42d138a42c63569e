"""Receipts over HTTP: what is on the record of one task, in a text that proves it offline."""

from __future__ import annotations

from flask import Response
from sqlalchemy import Connection

from app.api.log import text
from app.api.routing import READERS, Call, Nothing, Routes
from app.services import lookup, receipts, record
from app.storage.tables import AnyRow

routes = Routes("receipts")
PATIENCE_S = 1.0
"""The longest that a receipt waits for a checkpoint, so that at most one is signed in a second."""


@routes("GET", "/tasks/{task_id}/receipt", roles=READERS)
def get_receipt(call: Call[Nothing, Nothing], task_id: str) -> Response:
    """Return the task's events with their contents, proofs and a checkpoint, as one text."""
    service = call.service

    def look(conn: Connection) -> list[AnyRow]:
        lookup.get_state(conn, task_id)
        return record.list_task_events(conn, task_id)

    events = service.read(look)
    with call.doorway.admission() as admitted:
        patience = PATIENCE_S if admitted else 0.0
        signed = service.signing.covering(events[-1].seq + 1, patience=patience)
    return text(service.read(lambda conn: receipts.write(conn, task_id, events, signed)))
