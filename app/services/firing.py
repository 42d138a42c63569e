"""Firing schedules: for each instant one ordinary task, or the reason why there is none, and never two."""

from __future__ import annotations

import json
import uuid
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, and_, bindparam, literal_column, not_, select, update

from app.domain import actors
from app.domain.entropy import random_bytes
from app.domain.errors import BudgetSpent, InvalidRequest, QueueFull, ScheduleBusy
from app.domain.event_types import EventType
from app.domain.kinds import AGENT_KINDS
from app.domain.roles import Principal
from app.domain.schedules import Misfire, Overlap, PauseReason, SkipReason
from app.domain.timing import GRACE_MS
from app.services import access, budgets, record, schedules, submitting, timetables
from app.services.submitting import Once, Order
from app.storage import tables
from app.storage.tables import AnyRow, tasks

ACTOR = "system:janitor"
AT_ONCE = 100
"""So many schedules are looked at in one round; the others come in the next."""

_table = tables.schedules
_WITH_TASK = select(_table, tasks.c.finished_at.label("last_finished_at")).outerjoin(
    tasks, tasks.c.id == _table.c.last_task_id
)
_IS_ACTIVE = _table.c.state == literal_column("'active'")
_HAS_UNFINISHED = and_(_table.c.last_task_id.is_not(None), tasks.c.finished_at.is_(None))
# What is to come after the last task is not due until that has ended; its instant waits for it.
_CAN_FIRE = _WITH_TASK.where(_IS_ACTIVE, not_(and_(_table.c.overlap == Overlap.QUEUE.value, _HAS_UNFINISHED)))
_DUE = (
    _CAN_FIRE.where(_table.c.next_at <= bindparam("now"))
    .order_by(_table.c.next_at, _table.c.name)
    .limit(AT_ONCE)
)
_ONE_DUE = _CAN_FIRE.where(
    _table.c.name == bindparam("name"),
    _table.c.next_at == bindparam("instant"),
    _table.c.next_at <= bindparam("now"),
)


@dataclass(frozen=True, slots=True)
class House:
    """What a firing has to know of the service that it happens in.

    ``room`` tells how many more tasks the queue takes, ``shared`` whether there is a shared token,
    ``limit`` what a token without a budget of its own may spend on agents, None for no limit.
    """

    new_id: Callable[[], str]
    room: Callable[[], int]
    shared: bool
    limit: int | None


def list_due(conn: Connection, *, now: int) -> list[tuple[str, int]]:
    """Return names and instants of the schedules that have to be fired; reading alone."""
    return [(row.name, row.next_at) for row in conn.execute(_DUE, {"now": now})]


def fire(conn: Connection, name: str, instant: int, house: House, *, now: int) -> None:
    """Deal with one *instant* of a schedule: submit its task, or say on the record why not.

    The instant is gone from the table with it, in the same transaction, so that nobody deals with it again:
    not the next round, not after a crash, not when the clock is set back. When it is no longer what the
    schedule waits for, nothing happens. A schedule whose maker has no valid token, or whose timetable has
    no time any more, is paused.
    """
    row = conn.execute(_ONE_DUE, {"name": name, "instant": instant, "now": now}).first()
    if row is None:
        return
    maker = access.find_holder(conn, row.created_by, shared=house.shared, now=now)
    if maker is None:
        schedules.pause(conn, name, actor=ACTOR, now=now, why=PauseReason.TOKEN)
        return
    try:
        _Firing(conn, row, maker, house, now).run()
    except InvalidRequest:
        schedules.pause(conn, name, actor=ACTOR, now=now, why=PauseReason.TIMETABLE)


def run_now(
    conn: Connection, name: str, house: House, *, actor: str, now: int, once: Once | None = None
) -> str:
    """Submit a schedule's task now, besides its instants, and return its id; a paused one can be run, too.

    With *once*, a repeated request returns the id of the first one's task. Raises ``ScheduleNotFound``,
    ``Forbidden``, ``ScheduleBusy``, ``QueueFull``, and ``BudgetSpent`` when its maker's budget is.
    """
    row = schedules.get_own(conn, name, actor=actor)
    by = actors.schedule(name)
    earlier = [] if once is None else submitting.find_earlier(conn, by, once, 1)
    if earlier:
        return earlier[0]
    if row.last_task_id is not None and _is_unfinished(conn, row.last_task_id):
        raise ScheduleBusy(f"Its last task {row.last_task_id} is not finished; wait for it or cancel it.")
    if house.room() < 1:
        raise QueueFull
    maker = access.find_holder(conn, row.created_by, shared=house.shared, now=now)
    if maker is None:
        raise InvalidRequest(f"{row.created_by}, who made this schedule, has no valid token any more.")
    order = _order(row, house.new_id(), now)
    _check_budget(conn, order, maker, house, now=now)
    return _submit(conn, row, order, actor=actor, now=now, once=once)


class _Firing:
    """One instant of one schedule, and what is decided about it."""

    def __init__(self, conn: Connection, row: AnyRow, maker: Principal, house: House, now: int) -> None:
        self._conn = conn
        self._row = row
        self._maker = maker
        self._house = house
        self._now = now
        waited = row.overlap == Overlap.QUEUE and (row.last_finished_at or 0) > row.next_at
        self._is_late = now - (row.last_finished_at if waited else row.next_at) > GRACE_MS
        self._waited = waited

    def run(self) -> None:
        row, now = self._row, self._now
        if self._is_late and row.misfire == Misfire.SKIP:
            # What lies within the grace is not missed yet: it is the next round's.
            self._skip(row.next_at, self._after(now - GRACE_MS), SkipReason.MISFIRE)
            return
        following = self._after(row.next_at)
        passed = (self._is_late or self._waited) and following <= now
        ahead = self._after(now) if passed else following
        order = _order(row, self._house.new_id(), now)
        reason = self._reason(order)
        if reason is not None:
            self._skip(row.next_at, ahead, reason)
            return
        _submit(self._conn, row, order, actor=ACTOR, now=now, instant=row.next_at, next_at=following)
        if passed:
            why = SkipReason.MISFIRE if self._is_late else SkipReason.OVERLAP
            self._skip(following, ahead, why)

    def _reason(self, order: Order) -> SkipReason | None:
        row = self._row
        if row.last_task_id is not None and row.last_finished_at is None:
            return SkipReason.OVERLAP
        if self._house.room() < 1:
            return SkipReason.QUEUE_FULL
        try:
            _check_budget(self._conn, order, self._maker, self._house, now=self._now)
        except BudgetSpent:
            return SkipReason.BUDGET
        return None

    def _after(self, at: int) -> int:
        return timetables.first_after(self._row.cron, self._row.tz, at)

    def _skip(self, instant: int, next_at: int, why: SkipReason) -> None:
        """Leave out *instant* and all that come after it before *next_at*."""
        name = self._row.name
        self._conn.execute(update(_table).where(_table.c.name == name).values(next_at=next_at))
        record.append(
            self._conn,
            EventType.SCHEDULE_SKIPPED,
            at=self._now,
            actor=ACTOR,
            name=name,
            instant=instant,
            next_at=next_at,
            why=why.value,
        )


def _submit(
    conn: Connection,
    row: AnyRow,
    order: Order,
    *,
    actor: str,
    now: int,
    once: Once | None = None,
    instant: int | None = None,
    next_at: int | None = None,
) -> str:
    """Submit *order* as the schedule's, and say who let it fire: *instant* tells for which time."""
    [task_id] = submitting.submit(conn, [order], actor=actors.schedule(row.name), now=now, once=once)
    values: dict[str, Any] = {"last_task_id": task_id}
    if instant is not None:
        values |= {"last_at": instant, "next_at": next_at}
    conn.execute(update(_table).where(_table.c.name == row.name).values(values))
    record.append(
        conn,
        EventType.SCHEDULE_FIRED,
        at=now,
        actor=actor,
        task_id=task_id,
        name=row.name,
        instant=instant,
        next_at=next_at,
    )
    return task_id


def _order(row: AnyRow, task_id: str, now: int) -> Order:
    payload, session_key = row.payload, row.session_key
    if row.kind in AGENT_KINDS and session_key is None:  # each firing begins a session of its own
        session = str(uuid.UUID(bytes=random_bytes(16), version=4))
        told = {**json.loads(payload), "sessionId": session, "isNew": True}
        payload, session_key = _encode(told), f"{row.kind}:{session}"
    return Order(
        id=task_id,
        kind=row.kind,
        payload=payload,
        timeout_ms=row.timeout_ms,
        effect=row.effect,
        priority=row.priority,
        labels=row.labels,
        tags=row.tags,
        session_key=session_key,
        on_behalf_of=row.created_by,
        max_attempts=row.max_attempts,
        expires_at=None if row.ttl_ms is None else now + row.ttl_ms,
    )


_encode = json.JSONEncoder(ensure_ascii=False, separators=(",", ":")).encode


def _check_budget(conn: Connection, order: Order, maker: Principal, house: House, *, now: int) -> None:
    """Raise ``BudgetSpent`` when who made the schedule may not spend on another task of an agent."""
    limit = house.limit if maker.max_cost_micros is None else maker.max_cost_micros
    if order.kind in AGENT_KINDS and limit is not None:
        wanted = budgets.micros(json.loads(order.payload).get("maxCostUsd")) or 0
        budgets.check(conn, str(order.on_behalf_of), limit=limit, wanted=wanted, now=now)


def _is_unfinished(conn: Connection, task_id: str) -> bool:
    found = conn.execute(select(tasks.c.finished_at).where(tasks.c.id == task_id)).first()
    return found is not None and found.finished_at is None
