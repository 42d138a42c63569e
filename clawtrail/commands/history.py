"""``clawtrail history``: what the record says of one task."""

from __future__ import annotations

import click

from clawtrail.answers import Event
from clawtrail.client import Client
from clawtrail.commands.ids import whole_id
from clawtrail.commands.options import connected, json_option
from clawtrail.commands.printing import (
    compact,
    instant,
    moment,
    on_terminal,
    print_json,
    print_table,
    print_tabs,
)
from clawtrail.manual import ManualCommand

_TITLES = ("at", "event", "by", "attempt", "detail")


@click.command(cls=ManualCommand)
@click.argument("task_id", metavar="ID")
@json_option
@connected
def history(client: Client, *, task_id: str, as_json: bool) -> None:
    """Show what the record says of one task.

    ID is a task's id, the start or end of one (4 characters or more, of the newest 500), or the word
    last. The oldest event comes first. On a terminal this is a table; in a pipe there is a line for each
    event, with tabs between: seq, time, event, actor, attempt, detail.

    Examples:
      clawtrail history 3f2c
      clawtrail history last --json | jq -r '.type'

    """
    events = client.history(whole_id(client, task_id))
    if as_json:
        for event in events:
            print_json(event.raw)
    elif on_terminal():
        print_table(_TITLES, ((moment(event.at), *_rest(event)) for event in events))
    else:
        print_tabs((str(event.seq), instant(event.at), *_rest(event)) for event in events)


def _rest(event: Event) -> tuple[str, ...]:
    attempt = "" if event.attempt is None else str(event.attempt)
    detail = ", ".join(f"{name}={compact(value)}" for name, value in event.detail.items())
    return (event.type, event.actor, attempt, detail)
