"""Schedules: what is submitted again and again, when, and by whose will; each change is on the record."""

from __future__ import annotations

from base64 import b64encode
from dataclasses import asdict, dataclass, replace
from typing import Any

from sqlalchemy import Connection, bindparam, func, insert, select, update

from app.domain.entropy import random_bytes
from app.domain.errors import Forbidden, InvalidRequest, ScheduleExists, ScheduleNotFound
from app.domain.event_types import EventType
from app.domain.roles import Role
from app.domain.schedules import MOST_SCHEDULES, PauseReason, ScheduleState
from app.services import record, timetables
from app.storage.prepared import Prepared
from app.storage.tables import AnyRow, schedules, tasks
from clawtrail.formats.leaves import salted_digest

SALT_BYTES = 16

_BY_NAME = Prepared(select(schedules).where(schedules.c.name == bindparam("name")))
_SHOWN = select(schedules, tasks.c.state.label("last_state")).outerjoin(
    tasks, tasks.c.id == schedules.c.last_task_id
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Definition:
    """What a schedule submits and when. ``payload`` is JSON text; the rest of a task as in an ``Order``.

    ``ttl_ms`` is for how long after its instant a task may wait for its start.
    """

    cron: str
    tz: str
    misfire: str
    overlap: str
    kind: str
    payload: str
    timeout_ms: int
    effect: str | None = None
    priority: int = 0
    labels: str | None = None
    tags: str | None = None
    session_key: str | None = None
    max_attempts: int | None = None
    ttl_ms: int | None = None


_MEMBERS = tuple(Definition.__dataclass_fields__)


def definition_of(row: AnyRow) -> Definition:
    """Return what the row of a schedule says that it submits, and when."""
    return Definition(**{name: getattr(row, name) for name in _MEMBERS})


def add(conn: Connection, name: str, definition: Definition, *, actor: str, now: int) -> None:
    """Keep a new schedule, which is active from now on.

    The same schedule again by the same *actor* changes nothing. Raises ``InvalidRequest`` for a timetable
    that cannot be, ``ScheduleExists``, and ``Forbidden`` for the name of a removed one of somebody else.
    """
    next_at = timetables.first_after(definition.cron, definition.tz, now)
    before = _BY_NAME.first(conn, {"name": name})
    if before is not None and before.state != ScheduleState.REMOVED:
        if before.created_by == actor and _is_same(before, definition):
            return
        raise ScheduleExists
    if before is not None:
        _check_rights(before, actor)
        conn.execute(schedules.delete().where(schedules.c.name == name))
    if _count(conn) >= MOST_SCHEDULES:
        raise InvalidRequest(f"There are {MOST_SCHEDULES} schedules already; remove one that is not needed.")
    row = {**_content(definition), "name": name, "created_by": actor, "created_at": now}
    conn.execute(insert(schedules), [{**row, "state": ScheduleState.ACTIVE.value, "next_at": next_at}])
    told = _told(definition, row["payload_digest"])
    record.append(conn, EventType.SCHEDULE_ADDED, at=now, actor=actor, name=name, next_at=next_at, **told)


def change(conn: Connection, name: str, changes: dict[str, Any], *, actor: str, now: int) -> None:
    """Replace members of a schedule's ``Definition``; what changes nothing is not on the record.

    It stays its maker's, who answers for its tasks. With another timetable it goes on with the first instant
    after *now*. Raises ``ScheduleNotFound``, ``Forbidden``, ``InvalidRequest``.
    """
    row = get_own(conn, name, actor=actor)
    definition = replace(definition_of(row), **changes)
    next_at = timetables.first_after(definition.cron, definition.tz, max(now, row.last_at or 0))
    if _is_same(row, definition):
        return
    if row.state != ScheduleState.ACTIVE or (definition.cron, definition.tz) == (row.cron, row.tz):
        next_at = row.next_at
    content = _content(definition)
    _set(conn, name, **content, next_at=next_at)
    told = _told(definition, content["payload_digest"])
    record.append(conn, EventType.SCHEDULE_CHANGED, at=now, actor=actor, name=name, next_at=next_at, **told)


def pause(conn: Connection, name: str, *, actor: str, now: int, why: PauseReason | None = None) -> None:
    """Let a schedule rest until it is resumed; one that rests already stays as it is.

    *why* is said where the service does it by itself. Raises ``ScheduleNotFound``, ``Forbidden``.
    """
    row = get_own(conn, name, actor=actor)
    if row.state == ScheduleState.PAUSED:
        return
    _set(conn, name, state=ScheduleState.PAUSED.value, next_at=None, paused_why=why)
    record.append(conn, EventType.SCHEDULE_PAUSED, at=now, actor=actor, name=name, why=why)


def resume(conn: Connection, name: str, *, actor: str, now: int) -> None:
    """Let a schedule go on with its first instant after *now*, and never with one that it has fired for.

    Raises ``ScheduleNotFound``, ``Forbidden``, and ``InvalidRequest`` when it has no instant any more.
    """
    row = get_own(conn, name, actor=actor)
    if row.state == ScheduleState.ACTIVE:
        return
    next_at = timetables.first_after(row.cron, row.tz, max(now, row.last_at or 0))
    _set(conn, name, state=ScheduleState.ACTIVE.value, next_at=next_at, paused_why=None)
    record.append(conn, EventType.SCHEDULE_RESUMED, at=now, actor=actor, name=name, next_at=next_at)


def remove(conn: Connection, name: str, *, actor: str, now: int) -> None:
    """End a schedule and delete its content; its tasks and what the record tells of it stay.

    Raises ``ScheduleNotFound``, ``Forbidden``.
    """
    get_own(conn, name, actor=actor)
    gone = dict.fromkeys(("next_at", "paused_why", "payload", "payload_salt"))
    _set(conn, name, state=ScheduleState.REMOVED.value, **gone)
    record.append(conn, EventType.SCHEDULE_REMOVED, at=now, actor=actor, name=name)


def get_schedule(conn: Connection, name: str) -> AnyRow:
    """Return a schedule with the state of its last task (``last_state``); raises ``ScheduleNotFound``."""
    row = conn.execute(_SHOWN.where(schedules.c.name == name)).first()
    if row is None or row.state == ScheduleState.REMOVED:
        raise ScheduleNotFound
    return row


def get_own(conn: Connection, name: str, *, actor: str) -> AnyRow:
    """Return a schedule that *actor* may change: who made it, an admin, and the service itself.

    Raises ``ScheduleNotFound``, ``Forbidden``.
    """
    row = get_schedule(conn, name)
    _check_rights(row, actor)
    return row


def list_schedules(conn: Connection) -> list[AnyRow]:
    """Return all schedules that are not removed, by name, each with the state of its last task."""
    there = _SHOWN.where(schedules.c.state != ScheduleState.REMOVED.value)
    return list(conn.execute(there.order_by(schedules.c.name)))


def _check_rights(row: AnyRow, actor: str) -> None:
    if actor != row.created_by and not actor.startswith((f"{Role.ADMIN}:", "system:")):
        raise Forbidden(f"This schedule is {row.created_by}'s: nobody else may change it, but an admin.")


def _is_same(row: AnyRow, definition: Definition) -> bool:
    return definition_of(row) == definition


def _content(definition: Definition) -> dict[str, Any]:
    salt = random_bytes(SALT_BYTES)
    digest = salted_digest(salt, definition.payload.encode("utf-8"))
    return {**asdict(definition), "payload_salt": salt, "payload_digest": digest}


def _told(definition: Definition, digest: bytes) -> dict[str, Any]:
    """Return what the record tells of a definition: all of it, but its content as a salted digest."""
    return {
        **asdict(definition),
        "payload": b64encode(digest).decode(),
        "priority": definition.priority or None,
    }


def _count(conn: Connection) -> int:
    there = schedules.c.state != ScheduleState.REMOVED.value
    return conn.execute(select(func.count()).select_from(schedules).where(there)).scalar() or 0


def _set(conn: Connection, name: str, **values: Any) -> None:  # noqa: ANN401 - of any column
    conn.execute(update(schedules).where(schedules.c.name == name).values(**values))
