"""Ordering a task once more, from what was kept of it."""

from __future__ import annotations

from sqlalchemy import Connection

from app.domain.errors import IllegalTransition
from app.services import lookup
from app.services.submitting import Order


def order_again(conn: Connection, task_id: str) -> Order:
    """Return the order that repeats a task: same content and options, without its dates.

    The caller gives it an id of its own. Raises ``TaskNotFound``, and ``IllegalTransition`` when
    the content was redacted.
    """
    row = lookup.get_task(conn, task_id)
    if row.payload is None:
        raise IllegalTransition("The content of this task was redacted; it cannot be sent again.")
    return Order(
        id=row.id,
        kind=row.kind,
        payload=row.payload,
        timeout_ms=row.timeout_ms,
        effect=row.effect,
        priority=row.priority,
        labels=row.labels,
        tags=row.tags,
        session_key=row.session_key,
        on_behalf_of=row.on_behalf_of,
        rerun_of=row.id,
        max_attempts=row.max_attempts,
    )
