"""Sessions of agents, as their tasks tell of them; and those that workers found on their computers."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import ColumnElement, Connection, bindparam, delete, func, insert, literal_column, select

from app.domain.timing import ACTIVE_MS
from app.services import agents
from app.storage.prepared import Prepared
from app.storage.tables import AnyRow, recent_sessions, tasks

NOT_YET: ColumnElement[int] = literal_column("9007199254740991")
"""When an unfinished task will have ended, as the index has it: after everything else."""

_KEYED = tasks.c.session_key.is_not(None)
_LAST = func.max(func.coalesce(tasks.c.finished_at, tasks.c.started_at, tasks.c.created_at))
_IS_ACTIVE = func.coalesce(tasks.c.finished_at, NOT_YET) > bindparam("since")
# Not the column itself, nor any condition on it: else SQLite walks through all sessions in their order,
# instead of taking the few tasks that something happened to lately.
_KEY = func.coalesce(tasks.c.session_key, "").label("key")
_ACTIVE = Prepared(
    select(_KEY, func.min(tasks.c.kind).label("kind"), _LAST.label("last_at"))
    .where(agents.is_agent(), _IS_ACTIVE)
    .group_by(_KEY),
)
_CHANNEL = (
    select(agents.member("callbackChannel").as_string())
    .where(
        agents.is_agent(),
        tasks.c.session_key == bindparam("session_key"),
        agents.member("callbackChannel").as_string().is_not(None),
    )
    .order_by(tasks.c.id.desc())
    .limit(1)
)


@dataclass(frozen=True, slots=True)
class Session:
    """One session of an agent: how many tasks it had, since when, and when something happened last."""

    session_id: str
    kind: str
    tasks: int
    created_at: int
    last_at: int
    unfinished: int
    channel: str | None

    def is_active(self, now: int) -> bool:
        """Say whether something goes on in it, or did lately."""
        return self.unfinished > 0 or self.last_at > now - ACTIVE_MS


@dataclass(frozen=True, slots=True)
class Active:
    """The sessions that are active: how many of each kind, and their oldest and newest last activity."""

    by_kind: dict[str, int]
    oldest_at: int | None
    newest_at: int | None


def list_sessions(conn: Connection, *, kind: str | None, limit: int) -> list[Session]:
    """Return up to *limit* sessions of *kind*, or of all agents, the one with the newest activity first."""
    conditions: list[ColumnElement[bool]] = [agents.is_agent(), _KEYED]
    if kind is not None:
        conditions.append(tasks.c.kind == kind)
    query = (
        select(
            tasks.c.session_key,
            func.min(tasks.c.kind).label("kind"),
            func.count().label("tasks"),
            func.min(tasks.c.created_at).label("created_at"),
            _LAST.label("last_at"),
            (func.count() - func.count(tasks.c.finished_at)).label("unfinished"),
        )
        .where(*conditions)
        .group_by(tasks.c.session_key)
        .order_by(literal_column("last_at").desc(), tasks.c.session_key)
        .limit(limit)
    )
    return [_session(conn, row) for row in conn.execute(query)]


def active(conn: Connection, *, now: int) -> Active:
    """Return the numbers of the sessions that are active at *now*."""
    rows = _ACTIVE.all(conn, {"since": now - ACTIVE_MS})
    by_kind: dict[str, int] = {}
    for row in rows:
        by_kind[row.kind] = by_kind.get(row.kind, 0) + 1
    instants = [row.last_at for row in rows]
    return Active(by_kind, min(instants, default=None), max(instants, default=None))


def keep_recent(
    conn: Connection, worker_id: str, cli: str, found: Sequence[Mapping[str, Any]], *, now: int
) -> None:
    """Keep what a worker found of sessions on its computer, in the place of what it told before."""
    here = (recent_sessions.c.worker_id == worker_id, recent_sessions.c.cli == cli)
    conn.execute(delete(recent_sessions).where(*here))
    row = {"worker_id": worker_id, "cli": cli, "sessions": json.dumps(list(found)), "told_at": now}
    conn.execute(insert(recent_sessions), row)


def list_recent(conn: Connection, cli: str, *, limit: int) -> list[dict[str, Any]] | None:
    """Return the *limit* sessions of all workers that changed last, newest first; None when none was told."""
    rows = conn.execute(
        select(recent_sessions.c.worker_id, recent_sessions.c.sessions).where(recent_sessions.c.cli == cli),
    ).all()
    if not rows:
        return None
    found = [{**one, "worker": row.worker_id} for row in rows for one in json.loads(row.sessions)]
    return sorted(found, key=lambda one: -int(one["lastModified"]))[:limit]


def _session(conn: Connection, row: AnyRow) -> Session:
    return Session(
        session_id=row.session_key.partition(":")[2],
        kind=row.kind,
        tasks=row.tasks,
        created_at=row.created_at,
        last_at=row.last_at,
        unfinished=row.unfinished,
        channel=conn.execute(_CHANNEL, {"session_key": row.session_key}).scalar(),
    )
