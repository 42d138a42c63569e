"""What agents cost: charged on the record, and asked before the next one is taken."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from math import isfinite
from typing import Any

from sqlalchemy import Connection, and_, bindparam, func, literal_column, or_, select

from app.domain import actors
from app.domain.errors import BudgetSpent
from app.domain.event_types import EventType
from app.domain.kinds import AGENT_KINDS
from app.domain.timing import BUDGET_MS
from app.services import agents, record
from app.services.attempts import Reporter
from app.storage.prepared import Prepared
from app.storage.tables import AnyRow, events, tasks

MICROS = 1_000_000
"""Money is whole millionths of a dollar, since the record holds no fractions."""

MOST_MICROS = 10**12
"""No charge is larger: whatever a worker tells, sums stay whole numbers that every program can read."""


@dataclass(frozen=True, slots=True)
class Spent:
    """What was charged to somebody within the period, the oldest first as (when, micros), and their sum."""

    charges: tuple[tuple[int, int], ...]
    total: int


_CHARGES = (
    select(events.c.at, events.c.detail, tasks.c.submitted_by, tasks.c.on_behalf_of)
    .join(tasks, tasks.c.id == events.c.task_id)
    .where(
        events.c.type == literal_column(f"'{EventType.BUDGET_CHARGED.value}'"),
        events.c.at > bindparam("since"),
    )
    .order_by(events.c.at)
)
_ALL_CHARGED = Prepared(_CHARGES)
# Who made a schedule pays for its tasks, see ``actors.answerable``.
_IS_OWN = tasks.c.submitted_by == bindparam("payer")
_IS_OF_SCHEDULE = and_(
    tasks.c.submitted_by.between(actors.SCHEDULES, actors.SCHEDULES + "~"),
    tasks.c.on_behalf_of == bindparam("payer"),
)
_CHARGED = Prepared(_CHARGES.where(or_(_IS_OWN, _IS_OF_SCHEDULE)))
# Two statements: for one with OR, SQLite would look through all tasks of agents.
_PROMISED = tuple(
    select(func.sum(agents.member("maxCostUsd").as_float())).where(
        is_payers, tasks.c.finished_at.is_(None), agents.is_agent()
    )
    for is_payers in (_IS_OWN, _IS_OF_SCHEDULE)
)


def micros(usd: object) -> int | None:
    """Return an amount of dollars, as a worker or client tells it, in millionths; None for what is none."""
    if isinstance(usd, bool) or not isinstance(usd, int | float) or not isfinite(usd) or usd < 0:
        return None
    return min(round(usd * MICROS), MOST_MICROS)


def dollars(amount: int) -> float:
    """Return millionths as dollars, for answers."""
    return amount / MICROS


def charge(
    conn: Connection, row: AnyRow, metadata: Mapping[str, Any] | None, *, attempt: int, by: Reporter, now: int
) -> None:
    """Put on the record what an attempt of an agent cost, as its outcome's *metadata* tells (``costUsd``).

    Late outcomes are charged too: the money is spent. Call it once for each outcome that is kept.
    """
    cost = micros((metadata or {}).get("costUsd")) if row.kind in AGENT_KINDS else None
    if cost:
        record.append(
            conn,
            EventType.BUDGET_CHARGED,
            at=now,
            actor=by.actor,
            task_id=row.id,
            attempt=attempt,
            cost_micros=cost,
        )


def spent(conn: Connection, payer: str, *, now: int) -> Spent:
    """Return what was charged for the tasks of *payer* within the last ``BUDGET_MS``."""
    rows = _CHARGED.all(conn, {"payer": payer, "since": now - BUDGET_MS})
    charges = tuple((row.at, _cost(row.detail)) for row in rows)
    return Spent(charges, sum(cost for _, cost in charges))


def spent_by_all(conn: Connection, *, now: int) -> dict[str, int]:
    """Return what was charged within the last ``BUDGET_MS``, by who pays for it."""
    totals: dict[str, int] = {}
    for row in _ALL_CHARGED.all(conn, {"since": now - BUDGET_MS}):
        payer = actors.answerable(row.submitted_by, row.on_behalf_of)
        totals[payer] = totals.get(payer, 0) + _cost(row.detail)
    return totals


def check(conn: Connection, payer: str, *, limit: int, wanted: int, now: int) -> None:
    """Raise ``BudgetSpent`` when *payer* may not have another task of an agent that may cost *wanted*.

    Counted are the charges of the period and what the unfinished tasks may cost at most. One without such a
    limit of its own counts only when it has ended: it is taken as long as anything is left.
    """
    done = spent(conn, payer, now=now)
    promised = sum(micros(conn.execute(each, {"payer": payer}).scalar()) or 0 for each in _PROMISED)
    left = limit - done.total - promised
    if left > 0 and wanted <= left:
        return
    frees_at = _frees_at(done, limit - promised - max(wanted, 1))
    raise BudgetSpent(
        _sentence(limit, done.total, promised, wanted, frees_at),
        limitUsd=dollars(limit),
        spentUsd=dollars(done.total),
        promisedUsd=dollars(promised),
        freesAt=frees_at,
    )


def _cost(detail: str) -> int:
    return int(json.loads(detail)["cost_micros"])


def _frees_at(done: Spent, allowed: int) -> int | None:
    """Return when the charges of the period will be *allowed* at most; None when time alone will not do."""
    total = done.total
    if allowed < 0 or total <= allowed:
        return None
    for at, cost in done.charges:
        total -= cost
        if total <= allowed:
            return at + BUDGET_MS
    return None


def _sentence(limit: int, total: int, promised: int, wanted: int, frees_at: int | None) -> str:
    what = (
        f"This token may spend ${dollars(limit):.2f} on agents in 24 hours; ${dollars(total):.2f} are spent"
    )
    if promised:
        what += f" and ${dollars(promised):.2f} are promised to tasks that are not finished"
    if wanted > limit:
        return (
            f"{what}. A task that may cost ${dollars(wanted):.2f} is more than that: give a lower maxCostUsd."
        )
    if frees_at is None:
        return f"{what}. Wait until one of them has ended, or give a lower maxCostUsd."
    when = datetime.fromtimestamp(frees_at / 1000, UTC)
    return f"{what}. Enough is free again at {when:%Y-%m-%d %H:%M:%S} UTC."
