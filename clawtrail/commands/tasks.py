"""``clawtrail tasks``: the tasks there are."""

from __future__ import annotations

import click

from clawtrail import moments
from clawtrail.answers import Summary
from clawtrail.client import Client
from clawtrail.commands.ids import short_id
from clawtrail.commands.options import connected, json_option
from clawtrail.commands.printing import (
    duration,
    instant,
    moment,
    on_terminal,
    print_json,
    print_table,
    print_tabs,
)
from clawtrail.manual import ManualCommand

_TITLES = ("task", "created", "state", "exit", "took", "by", "what")


@click.command(cls=ManualCommand)
@click.option("--state", "states", multiple=True, help="Only those in this state; may be repeated.")
@click.option("--kind", help="Only this kind, such as command or file-read.")
@click.option("--actor", help="Only those that this one submitted, such as client:discord-bot.")
@click.option("--worker", help="Only those that this worker took.")
@click.option("--search", "-q", "q", metavar="TEXT", help="Only those with this in their command or path.")
@click.option("--since", type=moments.moment, metavar="WHEN", help="Only those made since then.")
@click.option("--until", type=moments.moment, metavar="WHEN", help="Only those made before then.")
@click.option("--tag", help="Only those with this tag.")
@click.option("--limit", type=click.IntRange(min=1), default=50, show_default=True, help="At most so many.")
@json_option
@connected
def tasks(
    client: Client,
    *,
    states: tuple[str, ...],
    kind: str | None,
    actor: str | None,
    worker: str | None,
    q: str | None,
    since: int | None,
    until: int | None,
    tag: str | None,
    limit: int,
    as_json: bool,
) -> None:
    """List tasks, newest first.

    WHEN is how long ago (90s, 2h, 7d), or a date or time in ISO 8601. On a terminal this is a table; in a
    pipe there is a line for each task, without a title, with tabs between: id, created, state, exit code,
    duration in ms, kind, actor, worker, what.

    Examples:
      clawtrail tasks --state failed --since 1d
      clawtrail tasks -q 'git push' --actor client:discord-bot
      clawtrail tasks --json --limit 1000 | jq -r 'select(.exitCode > 0) | .summary'
      clawtrail tasks --state pending --state running | cut -f1 | xargs -n1 clawtrail cancel

    """
    found = client.list(
        state=states or None,
        kind=kind,
        actor=actor,
        worker=worker,
        q=q,
        since=since,
        until=until,
        tag=tag,
        limit=limit,
    )
    if as_json:
        for task in found:
            print_json(task.raw)
    elif on_terminal():
        print_table(_TITLES, map(_row, found), narrow=2)
    else:
        print_tabs(map(_line, found))


def _row(task: Summary) -> tuple[str, ...]:
    """Return what fits on a screen."""
    code = "" if task.exit_code is None else str(task.exit_code)
    known = (short_id(task.task_id), moment(task.created_at), task.state, code, duration(task.duration_ms))
    return (*known, task.actor, task.summary)


def _line(task: Summary) -> tuple[str, ...]:
    """Return all of it, for programs."""
    code = "" if task.exit_code is None else str(task.exit_code)
    took = "" if task.duration_ms is None else str(task.duration_ms)
    known = (task.task_id, instant(task.created_at), task.state, code, took, task.kind)
    return (*known, task.actor, task.worker or "", task.summary)
