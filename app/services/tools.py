"""Tools that agents use in their runs, as workers see them."""

from __future__ import annotations

import json
from dataclasses import dataclass

from sqlalchemy import Connection, bindparam, select

from app.domain.errors import IllegalTransition
from app.domain.event_types import EventType
from app.domain.states import State
from app.services import attempts, record
from app.services.attempts import Reporter
from app.storage.prepared import Prepared
from app.storage.tables import AnyRow, events


@dataclass(frozen=True, slots=True)
class ToolUse:
    """A tool that an agent used, with a short text of what for; *number* counts those of an attempt."""

    tool: str
    input: str
    verdict: str | None = None
    number: int | None = None


def tell_use(conn: Connection, token: str, use: ToolUse, *, by: Reporter, now: int) -> None:
    """Put on the record that an agent used a tool, or was kept from it.

    A use whose number is not above those told before is one told again, and changes nothing. Raises
    ``LeaseLost``, and ``IllegalTransition`` for an attempt that is not running.
    """
    lease, row = attempts.find(conn, token)
    held = attempts.held(lease, row, by)
    if held.state != State.RUNNING:
        raise IllegalTransition("This attempt was never started; report its start first.")
    if use.number is not None and use.number <= _last_number(conn, held):
        return
    record.append(
        conn,
        EventType.TOOL_USED,
        at=now,
        actor=by.actor,
        task_id=held.id,
        attempt=held.attempt,
        tool=use.tool,
        input=use.input or None,
        verdict=use.verdict,
        number=use.number,
    )


_LAST_USE = Prepared(
    select(events.c.detail)
    .where(
        events.c.task_id == bindparam("task_id"),
        events.c.attempt == bindparam("attempt"),
        events.c.type == EventType.TOOL_USED.value,
    )
    .order_by(events.c.seq.desc())
    .limit(1),
)


def _last_number(conn: Connection, row: AnyRow) -> int:
    """Return the number of the last use on the record, as far as it is committed; 0 without one."""
    found = _LAST_USE.scalar(conn, {"task_id": row.id, "attempt": row.attempt})
    return 0 if found is None else int(json.loads(found).get("number", 0))
