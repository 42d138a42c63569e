"""Finding the task that somebody means by a part of its id."""

from __future__ import annotations

import click
from sqlalchemy import Connection

from app.services import browsing

_SHORTEST_PART = 4


def whole_id(conn: Connection, given: str) -> str:
    """Return the id that *given* is, or is the start or end of among the newest 500; ``last`` is the newest.

    Raises ``click.BadParameter`` when that is no task or several.
    """
    if given != "last" and len(given) < _SHORTEST_PART:
        raise click.BadParameter(f"{given!r} is too short for a part of an id.", param_hint="--task")
    newest = 1 if given == "last" else 500
    found = browsing.find_task_ids(conn, "" if given == "last" else given, newest=newest)
    if len(found) == 1:
        return found[0]
    if not found:
        raise click.BadParameter(f"no task has the id {given!r}, or one that begins or ends so.")
    raise click.BadParameter(f"{given!r} is part of several ids: {', '.join(found[:5])}", param_hint="--task")
