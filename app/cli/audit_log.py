"""``clawtrail audit log``: the record as people read logs."""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import click
from sqlalchemy import Connection

from app.cli import log_lines, opening, task_ids
from app.cli.leaving import leave
from app.cli.options import database_options
from app.services import browsing
from app.services.browsing import Filters
from app.storage import changes
from app.storage.tables import AnyRow
from clawtrail.manual import ManualCommand
from clawtrail.moments import moment

_USUAL = 50
_LOOK_EVERY_S = 0.5


@click.command("log", cls=ManualCommand)
@click.option("--task", metavar="ID", help="Only events of this task: its id, a part of it, or last.")
@click.option("--actor", metavar="WHO", help="Only what this one did, such as client:ada or 'worker:*'.")
@click.option("--kind", help="Only events of tasks of this kind, such as command or file-read.")
@click.option("--type", "type_", metavar="TYPE", help="Only this type, such as task.failed or 'token.*'.")
@click.option("--since", type=moment, metavar="WHEN", help="Only what happened since then.")
@click.option("--until", type=moment, metavar="WHEN", help="Only what happened before then.")
@click.option("--limit", "-n", type=click.IntRange(min=0), help="Only the last so many.")
@click.option("--follow", "-f", is_flag=True, help="Go on with new events as they come, until Ctrl-C.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON, one event a line.")
@database_options
def log(
    *,
    task: str | None,
    actor: str | None,
    kind: str | None,
    type_: str | None,
    since: int | None,
    until: int | None,
    limit: int | None,
    follow: bool,
    as_json: bool,
    **given: Any,  # noqa: ANN401 - options by name
) -> None:
    """Print the record, as people read logs.

    One event a line, the newest last: time, who did it, what happened, the end of the task's id, what the
    task does, and what else is known. Without --since, --until or --task these are the last 50 events.

    The lines come straight from the database file, which is only read, while the server runs too. No token
    is needed, but the right to read the file: its owner has it, nobody else.

    WHEN is how long ago (90s, 2h, 7d), or a date or time in ISO 8601, local unless it says otherwise. WHO and
    TYPE fit exactly, or with a * at their end by what stands before it. ID is a task's id, the start or end
    of one (4 characters or more, of the newest 500), or the word last.

    Examples:
      clawtrail audit log
      clawtrail audit log --follow --type 'task.*'
      clawtrail audit log --actor client:discord-bot --since 2h
      clawtrail audit log --task 7f3a19c2
      clawtrail audit log --type access.denied --since 2026-11-01 --until 2026-11-08
      clawtrail audit log --json --since 1d | jq -r 'select(.detail.exit_code > 0) | .summary'

    """
    if follow and until is not None:
        raise click.UsageError("--follow has no end, and --until is one: give only one of them.")
    with opening.reader(given) as (path, conn):
        filters = Filters(actor=actor, kind=kind, type=type_, since=since, until=until)
        if task is not None:
            filters = replace(filters, task_id=task_ids.whole_id(conn, task))
        show = _Show(as_json=as_json)
        opened = path.stat()
        seen = changes.version(conn)  # before the end is read, so that nothing comes between the two
        end = browsing.newest_seq(conn)
        for page in browsing.pages(conn, filters, after=_start(conn, filters, limit, end), end=end):
            show(page)
        if follow:
            for page in _new_pages(path, opened, conn, filters, end=end, seen=seen):
                show(page)


class _Show:
    """Prints pages of events, in colours where a person looks."""

    def __init__(self, *, as_json: bool) -> None:
        self._as_json = as_json
        self._coloured = sys.stdout.isatty() and not os.environ.get("NO_COLOR")
        self._width = log_lines.ACTOR_WIDTH

    def __call__(self, page: list[AnyRow]) -> None:
        if self._as_json:
            lines = [log_lines.as_json(row) for row in page]
        else:
            # The widest so far: with --follow nobody knows who comes.
            self._width = log_lines.actor_width(page, at_least=self._width)
            lines = [log_lines.line(row, coloured=self._coloured, width=self._width) for row in page]
        click.echo("\n".join(lines))


def _start(conn: Connection, filters: Filters, limit: int | None, end: int) -> int:
    """Return the seq behind which to begin."""
    if limit == 0:
        return end
    if limit is None:
        if filters.since is not None or filters.until is not None or filters.task_id is not None:
            return -1
        limit = _USUAL
    return browsing.seq_before_last(conn, filters, limit, end=end)


def _new_pages(
    path: Path, opened: os.stat_result, conn: Connection, filters: Filters, *, end: int, seen: int
) -> Iterator[list[AnyRow]]:
    """Yield what comes after *end*, for ever; *seen* is the version of the database in which that was it."""
    while True:
        version = changes.version(conn)
        if version != seen:
            after, end, seen = end, browsing.newest_seq(conn), version
            yield from browsing.pages(conn, filters, after=after, end=end)
        elif not path.exists() or not os.path.samestat(opened, path.stat()):
            leave(f"The database at {path} was put in another's place. Start this command again.")
        time.sleep(_LOOK_EVERY_S)
