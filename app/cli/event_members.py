"""One event of the record as names and values: what logs in JSON and exported files have alike."""

from __future__ import annotations

from typing import Any

from app.storage.tables import AnyRow


def members(row: AnyRow, *, time: str, summary: str | None, detail: dict[str, Any]) -> dict[str, Any]:
    """Return the columns of *row* under their public names, its *time* as text behind the number of it."""
    return {
        "seq": row.seq,
        "at": row.at,
        "time": time,
        "type": row.type,
        "actor": row.actor,
        "taskId": row.task_id,
        "attempt": row.attempt,
        "kind": row.kind,
        "summary": summary,
        "detail": detail,
    }
