"""Task ids as people type and see them: whole, or as much of them as tells them apart, or ``last``."""

from __future__ import annotations

from itertools import islice

import click

from clawtrail.client import Client

_WHOLE = 32
_SHORTEST = 4
_LOOKED_THROUGH = 500


def short_id(task_id: str) -> str:
    """Return the end of an id, which tells it from the others: its start is the time when it was made."""
    return task_id[-8:]


def whole_id(client: Client, given: str) -> str:
    """Return the id that *given* means: ``last``, or the start or end of an id of the newest 500 tasks.

    What is long enough for a whole id is not looked up. Raises ``click.UsageError`` where several tasks
    or none have such an id, or fewer than 4 characters are given.
    """
    if len(given) >= _WHOLE:
        return given
    if given == "last":
        for newest in client.list(limit=1):
            return newest.task_id
        raise click.UsageError("There is no task yet.")
    if len(given) < _SHORTEST:
        raise click.UsageError(f"{given!r} is too short for a part of a task id: give at least 4 characters.")
    newest_ids = (task.task_id for task in islice(client.list(limit=_LOOKED_THROUGH), _LOOKED_THROUGH))
    found = [task_id for task_id in newest_ids if task_id.startswith(given) or task_id.endswith(given)]
    if len(found) == 1:
        return found[0]
    if found:
        raise click.UsageError(f"{given!r} is part of several ids: {', '.join(found[:5])}")
    raise click.UsageError(
        f"None of the newest {_LOOKED_THROUGH} tasks has an id that begins or ends with {given!r}."
    )
