"""Reading tasks: one, a page of them, their numbers. Readers only; nothing here writes."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, cast

from sqlalchemy import Connection, and_, bindparam, func, select

from app.domain.errors import TaskNotFound
from app.domain.states import FINISHED
from app.services import transitions
from app.storage.prepared import Prepared
from app.storage.tables import AnyRow, outcomes, tasks, workers

_ACCEPTED = and_(
    outcomes.c.task_id == tasks.c.id,
    outcomes.c.attempt == tasks.c.attempt,
    outcomes.c.nr == 0,
)
_WITH_OUTCOME = select(
    tasks,
    outcomes.c.exit_code,
    outcomes.c.error,
    outcomes.c.duration_ms,
    outcomes.c.metadata,
    outcomes.c.truncated,
    outcomes.c.stdout_bytes,
    outcomes.c.stderr_bytes,
).outerjoin(outcomes, _ACCEPTED)
_ONE = Prepared(_WITH_OUTCOME.where(tasks.c.id == bindparam("id")))
_STATE = Prepared(select(tasks.c.state).where(tasks.c.id == bindparam("id")))


@dataclass(frozen=True, slots=True, kw_only=True)
class Filters:
    """What a page of tasks is narrowed to; None narrows nothing. Times are epoch ms."""

    states: Sequence[str] = ()
    kind: str | None = None
    actor: str | None = None
    worker: str | None = None
    text: str | None = None
    tag: str | None = None
    since: int | None = None
    until: int | None = None


def get_task(conn: Connection, task_id: str) -> AnyRow:
    """Return a task with its accepted outcome, if it has one; raises ``TaskNotFound``."""
    row = _ONE.first(conn, {"id": task_id})
    if row is None:
        raise TaskNotFound
    return cast("AnyRow", row)


def get_state(conn: Connection, task_id: str) -> str:
    """Return the state of a task; raises ``TaskNotFound``."""
    state = _STATE.scalar(conn, {"id": task_id})
    if state is None:
        raise TaskNotFound
    return str(state)


def list_tasks(conn: Connection, filters: Filters, *, limit: int, before: str | None) -> list[AnyRow]:
    """Return up to *limit* tasks that pass *filters*, newest first, from the id *before* on."""
    query = _WITH_OUTCOME.order_by(tasks.c.id.desc()).limit(limit)
    if before is not None:
        query = query.where(tasks.c.id < before)
    for condition in _conditions(filters):
        query = query.where(condition)
    return list(conn.execute(query))


def list_outcomes(conn: Connection, task_id: str) -> list[AnyRow]:
    """Return every outcome of a task, late ones too, in the order of attempts."""
    return list(
        conn.execute(
            select(outcomes).where(outcomes.c.task_id == task_id).order_by(outcomes.c.attempt, outcomes.c.nr),
        ),
    )


def count_by_state(conn: Connection) -> dict[str, int]:
    """Return how many tasks there are in each state."""
    query = select(tasks.c.state, func.count()).group_by(tasks.c.state)
    return {word: number for word, number in conn.execute(query)}  # noqa: C416 - a result has keys() of its own


def count_pending(conn: Connection) -> int:
    """Return how many tasks wait to be claimed."""
    return conn.execute(select(func.count()).where(transitions.is_pending())).scalar() or 0


def count_unfinished(conn: Connection) -> int:
    """Return how many tasks are pending or held."""
    held = select(func.count()).where(tasks.c.lease_expires_at.is_not(None))
    return count_pending(conn) + (conn.execute(held).scalar() or 0)


def count_finished(conn: Connection) -> int:
    """Return how many tasks have ended."""
    total = conn.execute(select(func.count()).select_from(tasks)).scalar() or 0
    return total - count_unfinished(conn)


def list_workers(conn: Connection) -> list[AnyRow]:
    """Return every worker ever seen with the number of tasks that it holds."""
    held = (
        select(func.count())
        .where(tasks.c.claimed_by == workers.c.id, tasks.c.lease_expires_at.is_not(None))
        .scalar_subquery()
    )
    return list(conn.execute(select(workers, held.label("held")).order_by(workers.c.id)))


def _conditions(filters: Filters) -> list[Any]:
    found: list[Any] = []
    if filters.states:
        found.append(tasks.c.state.in_(filters.states))
    if filters.kind is not None:
        found.append(tasks.c.kind == filters.kind)
    if filters.actor is not None:
        found.append(tasks.c.submitted_by == filters.actor)
    if filters.worker is not None:
        found.append(tasks.c.claimed_by == filters.worker)
    if filters.text is not None:
        found.append(tasks.c.payload.contains(_in_json(filters.text)[1:-1], autoescape=True))
    if filters.tag is not None:
        found.append(tasks.c.tags.contains(_in_json(filters.tag), autoescape=True))
    if filters.since is not None:
        found.append(tasks.c.created_at >= filters.since)
    if filters.until is not None:
        found.append(tasks.c.created_at < filters.until)
    return found


def _in_json(text: str) -> str:
    """Return *text* as it stands in the JSON that the tables keep."""
    return json.dumps(text, ensure_ascii=False)


FINISHED_WORDS = frozenset(state.value for state in FINISHED)
"""The finished states as the words that rows hold."""
