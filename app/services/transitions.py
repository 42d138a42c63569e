"""The only place that assigns a task's state, always with the event that tells of it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import Any

from sqlalchemy import (
    ColumnElement,
    Connection,
    FromClause,
    Select,
    bindparam,
    insert,
    literal_column,
    update,
)

from app.domain.errors import IllegalTransition
from app.domain.event_types import EventType
from app.domain.states import TRANSITIONS, State
from app.services import record
from app.storage.prepared import Prepared
from app.storage.tables import AnyRow, tasks

_ENTER = Prepared(insert(tasks))
_CLAIMED = (
    tasks.c.id,
    tasks.c.kind,
    tasks.c.payload,
    tasks.c.attempt,
    tasks.c.timeout_ms,
    tasks.c.priority,
    tasks.c.session_key,
    tasks.c.submitted_by,
    tasks.c.created_at,
)


def is_pending(table: FromClause = tasks) -> ColumnElement[bool]:
    """Return the condition with a literal state, which lets SQLite use the partial indexes."""
    return table.c.state == literal_column("'pending'")


def enter(conn: Connection, rows: Sequence[Mapping[str, Any]]) -> None:
    """Insert new tasks, all of them pending; the caller appends ``task.submitted`` for each."""
    _ENTER.insert(conn, [{**row, "state": State.PENDING.value, "attempt": 0} for row in rows])


def move(
    conn: Connection,
    task_id: str,
    *,
    from_: State,
    to: State,
    type_: EventType,
    at: int,
    actor: str,
    attempt: int | None,
    values: Mapping[str, Any],
    **detail: Any,  # noqa: ANN401 - see record.append
) -> None:
    """Move one task from one state to another and put the event beside it.

    A compare-and-set: raises ``IllegalTransition`` when the task is not in *from_* (somebody got
    there first) or when the table of transitions has no such way. *values* are the other columns
    that change with the state.
    """
    if (from_, to, type_) not in TRANSITIONS:
        raise IllegalTransition(f"A task never goes from {from_} to {to} by {type_}.")
    binds = {f"v_{name}": value for name, value in values.items()}
    moved = _move_statement(tuple(values)).run(
        conn, {"b_id": task_id, "b_from": from_.value, "b_to": to.value, **binds}
    )
    if moved != 1:
        raise IllegalTransition(f"The task is no longer {from_}.")
    record.append(conn, type_, at=at, actor=actor, task_id=task_id, attempt=attempt, **detail)


def claim(
    conn: Connection,
    taking: Prepared,
    *,
    values: Mapping[str, Any],
    at: int,
    actor: str,
) -> list[AnyRow]:
    """Move the pending tasks that *taking* chooses to ``claimed``, in one statement.

    *taking* is made by ``prepare_claim``; *values* are for the query in it and for ``claimed_by``,
    ``lease_hash``, ``lease_expires_at``. Returns the rows taken, in the order in which they are
    to be run.
    """
    taken = taking.all(conn, {**values, "claimed_at": at})
    ordered = sorted(taken, key=lambda row: (-row.priority, row.id))
    for row in ordered:
        record.append(
            conn,
            EventType.TASK_CLAIMED,
            at=at,
            actor=actor,
            task_id=row.id,
            attempt=row.attempt,
        )
    return ordered


@lru_cache(maxsize=64)
def _move_statement(columns: tuple[str, ...]) -> Prepared:
    return Prepared(
        update(tasks)
        .where(tasks.c.id == bindparam("b_id"), tasks.c.state == bindparam("b_from"))
        .values(state=bindparam("b_to"), **{name: bindparam(f"v_{name}") for name in columns})
    )


def prepare_claim(chosen: Select[tuple[str]]) -> Prepared:
    """Return the statement that claims the tasks whose ids the query *chosen* gives."""
    return Prepared(
        update(tasks)
        .where(tasks.c.id.in_(chosen))
        .values(
            state=State.CLAIMED.value,
            attempt=tasks.c.attempt + 1,
            claimed_by=bindparam("claimed_by"),
            lease_hash=bindparam("lease_hash", type_=tasks.c.lease_hash.type),
            lease_expires_at=bindparam("lease_expires_at"),
            claimed_at=bindparam("claimed_at"),
        )
        .returning(*_CLAIMED),
    )
