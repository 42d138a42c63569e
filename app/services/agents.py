"""Tasks of agents in SQL: which they are, and what stands in their payload."""

from __future__ import annotations

from typing import Any

from sqlalchemy import JSON, ColumnElement, FromClause, literal_column, or_, type_coerce

from app.domain.kinds import AGENT_KINDS
from app.storage.tables import tasks


def is_agent(table: FromClause = tasks) -> ColumnElement[bool]:
    """Return the condition for tasks of agents, word for word as the partial indexes have it."""
    return or_(*(table.c.kind == literal_column(f"'{kind.value}'") for kind in AGENT_KINDS))


def member(name: str) -> Any:  # noqa: ANN401 - a JSON member in SQL, to be taken as_string() or as_float()
    """Return a member of the payload as an expression; NULL where there is none. Not for ``Prepared``."""
    return type_coerce(tasks.c.payload, JSON)[name]
