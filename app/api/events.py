"""The record over HTTP, as old programs read it and with a cursor."""

from __future__ import annotations

from typing import Any

from app.api import answers, models, presenting
from app.api.routing import READERS, Call, Nothing, Routes
from app.services import record

routes = Routes("events")


@routes("GET", "/events", roles=READERS, query=models.ListEvents, answers=answers.EventPage)
def list_events(call: Call[Nothing, models.ListEvents]) -> dict[str, Any]:
    """List events, the newest first; ``cursor`` is the ``seq`` to go on before."""
    asked = call.query
    rows = call.service.read(
        lambda conn: record.list_events(
            conn, limit=asked.limit, task_id=asked.task_id, type_=asked.type, before=asked.cursor
        ),
    )
    more = len(rows) == asked.limit
    return {
        "events": [presenting.old_event(row) for row in rows],
        "nextCursor": rows[-1].seq if more else None,
    }


@routes("GET", "/events/stats", roles=READERS, answers=answers.EventStats)
def event_stats(call: Call[Nothing, Nothing]) -> dict[str, Any]:
    """Count the events by type, in our form and in that of older programs."""
    counts = call.service.read(record.count_by_type)
    oldest, newest = call.service.read(record.bounds)
    stats = {
        "count": sum(counts.values()),
        "oldestCreatedAt": oldest,
        "newestCreatedAt": newest,
        "byType": [
            {"type": name, "count": counts[name]} for name in sorted(counts, key=lambda n: (-counts[n], n))
        ],
    }
    return {"total": stats["count"], "byType": counts, "stats": stats}
