"""One event of the record in the Open Cybersecurity Schema Framework, class API Activity.

API Activity, since each event is an actor's act on the service: who did what to which task or token, by
which operation. Process Activity would tell of a process with its number and its parent on a device, and
no event of the record knows those. https://schema.ocsf.io/1.6.0/classes/api_activity
"""

from __future__ import annotations

from typing import Any

from app.api.health import VERSION as PROGRAM
from app.domain.event_types import EventType
from app.storage.tables import AnyRow

VERSION = "1.6.0"
CATEGORY = 6
CLASS = 6003
CREATE, READ, UPDATE, DELETE, OTHER = 1, 2, 3, 4, 99
_NAMES = {CREATE: "Create", READ: "Read", UPDATE: "Update", DELETE: "Delete", OTHER: "Other"}
_ACTIVITIES = {
    EventType.TASK_SUBMITTED: CREATE,
    EventType.TOKEN_CREATED: CREATE,
    EventType.SCHEDULE_ADDED: CREATE,
    EventType.WORKER_REGISTERED: CREATE,
    EventType.WORKER_NOTED: CREATE,
    EventType.TOOL_USED: CREATE,
    EventType.BUDGET_CHARGED: CREATE,
    EventType.CALLBACK_SENT: CREATE,
    EventType.CALLBACK_FAILED: CREATE,
    EventType.NOTIFICATION_SENT: CREATE,
    EventType.NOTIFICATION_FAILED: CREATE,
    EventType.CONTENT_REDACTED: DELETE,
    EventType.TOKEN_REVOKED: DELETE,
    EventType.SCHEDULE_REMOVED: DELETE,
    EventType.ACCESS_DENIED: OTHER,
    EventType.SERVER_STARTED: OTHER,
    EventType.SERVER_STOPPED: OTHER,
}
"""What is not here changes something that is there: Update."""
_INFORMATIONAL, _LOW, _MEDIUM, _HIGH = 1, 2, 3, 4
_SEVERITY_NAMES = {_INFORMATIONAL: "Informational", _LOW: "Low", _MEDIUM: "Medium", _HIGH: "High"}
_SEVERITIES = {
    EventType.TASK_FAILED: _LOW,
    EventType.TASK_EXPIRED: _LOW,
    EventType.LEASE_EXPIRED: _LOW,
    EventType.CALLBACK_FAILED: _LOW,
    EventType.NOTIFICATION_FAILED: _LOW,
    EventType.TASK_LOST: _MEDIUM,
    EventType.OUTCOME_REFUSED: _MEDIUM,
    EventType.ACCESS_DENIED: _MEDIUM,
    EventType.KEY_CHANGED: _HIGH,
    EventType.RECORD_RESTORED: _HIGH,
    EventType.RECORD_CONTRADICTED: _HIGH,
}
_FAILURES = frozenset(_SEVERITIES) - {EventType.KEY_CHANGED, EventType.RECORD_RESTORED}
_SUCCESS, _FAILURE = 1, 2


def event(row: AnyRow, detail: dict[str, Any], summary: str | None) -> dict[str, Any]:
    """Return an event of the record as one of OCSF; what has no place there stands in ``unmapped``."""
    activity = _ACTIVITIES.get(row.type, UPDATE)
    severity = _SEVERITIES.get(row.type, _INFORMATIONAL)
    status = _FAILURE if row.type in _FAILURES else _SUCCESS
    told: dict[str, Any] = {
        "activity_id": activity,
        "activity_name": _NAMES[activity],
        "category_uid": CATEGORY,
        "category_name": "Application Activity",
        "class_uid": CLASS,
        "class_name": "API Activity",
        "type_uid": CLASS * 100 + activity,
        "type_name": f"API Activity: {_NAMES[activity]}",
        "severity_id": severity,
        "severity": _SEVERITY_NAMES[severity],
        "status_id": status,
        "status": "Success" if status == _SUCCESS else "Failure",
        "time": row.at,
        "message": row.type if summary is None else f"{row.type}: {summary}",
        "metadata": {
            "version": VERSION,
            "product": {"name": "Clawtrail", "vendor_name": "Clawtrail", "version": PROGRAM},
            "uid": str(row.seq),
            "sequence": row.seq,
            "event_code": row.type,
            "log_name": "record",
        },
        "actor": {"app_name": "Clawtrail", "user": _user(row.actor)},
        "api": {"operation": row.type, "service": {"name": "clawtrail"}},
        "src_endpoint": _source(row.actor),
        "unmapped": {"attempt": row.attempt, "detail": detail},
    }
    if row.task_id is not None:
        told["metadata"]["correlation_uid"] = row.task_id
        told["resources"] = [{"uid": row.task_id, "type": f"task/{row.kind}", "name": summary or row.task_id}]
    return told


def _user(actor: str) -> dict[str, Any]:
    role, _, name = actor.partition(":")
    return {"name": name or actor, "uid": actor, "type_id": 99, "type": role}


def _source(actor: str) -> dict[str, str]:
    """Return where an act came from: the record knows the address of strangers only, else by which name."""
    role, _, name = actor.partition(":")
    if role == "address":
        return {"ip": name}
    return {"name": name} if role == "worker" else {"svc_name": actor}
