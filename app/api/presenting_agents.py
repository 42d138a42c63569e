"""How sessions look on the wire, and on which way a task of an agent was sent."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

from app.domain.kinds import AGENT_KINDS, Kind, cli_of
from app.services.record import DISPATCH_FIELDS
from app.services.sessions import Session
from app.storage.tables import AnyRow

_NOT_SAID = {"origin": "unknown", "dispatchMode": "unspecified", "responseMode": "direct-callback"}
_ENTRYPOINTS: dict[str, str] = {kind.value: cli_of(kind) for kind in AGENT_KINDS} | {
    Kind.CLAUDE_CLI.value: "cc"
}
NOWHERE: dict[str, Any] = dict.fromkeys(DISPATCH_FIELDS)


def session_id(row: AnyRow) -> str | None:
    """Return the session of the task in *row*, as clients know it."""
    return row.session_key.partition(":")[2] if row.session_key else None


def of_dispatch(row: AnyRow) -> dict[str, Any]:
    """Return what a result's metadata holds besides its outcome's; none once the payload is gone."""
    if row.payload is None:
        return {}
    said = json.loads(row.payload)
    return {**_dispatched(row.kind, said), "sessionId": session_id(row)}


def of_event(row: AnyRow) -> dict[str, Any]:
    """Return the fields of an event that tell how its task was sent; empty where it is no agent's."""
    if row.kind not in AGENT_KINDS:
        return NOWHERE
    return _dispatched(row.kind, row._asdict())


def _dispatched(kind: str, said: dict[str, Any]) -> dict[str, Any]:
    usual = {**_NOT_SAID, "entrypoint": _ENTRYPOINTS[kind]}
    return {name: said.get(name) or usual[name] for name in DISPATCH_FIELDS}


def session(one: Session, *, now: int) -> dict[str, Any]:
    """Return one session as lists show it."""
    return {
        "sessionId": one.session_id,
        "cliType": cli_of(one.kind),
        "lastActivity": one.last_at,
        "taskCount": one.tasks,
        "callbackChannel": one.channel,
        "createdAt": one.created_at,
        "unfinished": one.unfinished,
        "active": one.is_active(now),
    }


def recent(one: dict[str, Any]) -> dict[str, Any]:
    """Return a session that a worker told of; its time as text, as old programs know it."""
    at = datetime.fromtimestamp(one["lastModified"] / 1000, UTC)
    return {**one, "lastModified": at.isoformat("T", "milliseconds").replace("+00:00", "Z")}
