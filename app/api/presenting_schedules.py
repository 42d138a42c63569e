"""Schedules as clients see them: their task in the words in which it was sent."""

from __future__ import annotations

import json
from typing import Any

from app.api import presenting
from app.domain.kinds import AGENT_KINDS, Kind
from app.domain.schedules import ScheduleState
from app.services import timetables
from app.storage.tables import AnyRow

_FLAT = (Kind.COMMAND, *AGENT_KINDS)
"""Kinds whose content stands beside the options of the task; that of others is in ``payload``."""


def schedule(row: AnyRow) -> dict[str, Any]:
    """Return one schedule as lists show it."""
    return {
        "name": row.name,
        "state": row.state,
        "pausedWhy": row.paused_why,
        "cron": row.cron,
        "tz": row.tz,
        "misfire": row.misfire,
        "overlap": row.overlap,
        "summary": presenting.one_line(row.kind, row.payload),
        "task": _task(row),
        "createdBy": row.created_by,
        "createdAt": row.created_at,
        "nextAt": row.next_at,
        "lastAt": row.last_at,
        "lastTaskId": row.last_task_id,
        "lastState": row.last_state,
    }


def whole(row: AnyRow, *, now: int) -> dict[str, Any]:
    """Return one schedule with its next five times as ISO 8601, each with its offset; none while it rests."""
    is_active = row.state == ScheduleState.ACTIVE
    ahead = timetables.upcoming(row.cron, row.tz, max(now, row.last_at or 0)) if is_active else []
    return {**schedule(row), "next": ahead}


def _task(row: AnyRow) -> dict[str, Any]:
    content = json.loads(row.payload)
    said = {
        "kind": row.kind,
        **(content if row.kind in _FLAT else {"payload": content}),
        "timeout": row.timeout_ms,
        "priority": row.priority,
        "effect": row.effect,
        "labels": json.loads(row.labels) if row.labels else None,
        "tags": json.loads(row.tags) if row.tags else None,
        "sessionId": row.session_key.partition(":")[2] if row.session_key else None,
        "maxAttempts": row.max_attempts,
        "ttl": row.ttl_ms,
    }
    return {name: value for name, value in said.items() if value is not None}
