"""The only place that assigns a task's state, always with the event that tells of it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import Any

from sqlalchemy import (
    ColumnElement,
    Connection,
    FromClause,
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
from app.storage.tables import tasks

_ENTER = Prepared(insert(tasks))


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


@lru_cache(maxsize=64)
def _move_statement(columns: tuple[str, ...]) -> Prepared:
    return Prepared(
        update(tasks)
        .where(tasks.c.id == bindparam("b_id"), tasks.c.state == bindparam("b_from"))
        .values(state=bindparam("b_to"), **{name: bindparam(f"v_{name}") for name in columns})
    )
