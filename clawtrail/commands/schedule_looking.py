"""``clawtrail schedule list`` and ``show``."""

from __future__ import annotations

from collections.abc import Callable

import click

from clawtrail.client import Client
from clawtrail.commands.options import connected, json_option
from clawtrail.commands.printing import (
    compact,
    instant,
    moment,
    on_terminal,
    print_json,
    print_pairs,
    print_table,
    print_tabs,
)
from clawtrail.manual import ManualCommand
from clawtrail.schedules import Schedule
from clawtrail.terminal import one_line

_TITLES = ("name", "state", "next", "cron", "tz", "last", "ended", "by", "what")


@click.command("list", cls=ManualCommand)
@json_option
@connected
def list_(client: Client, *, as_json: bool) -> None:
    """List all schedules by name.

    On a terminal this is a table; in a pipe there is a line for each schedule, with tabs between: name,
    state (with the reason when the server paused it), next time, cron expression, time zone, last time,
    state of the last task, who made it, what it runs. Times are local.

    Examples:
      clawtrail schedule list
      clawtrail schedule list --json | jq -r 'select(.state == "paused") | .name'

    """
    known = client.schedules.list()
    if as_json:
        for one in known:
            print_json(one.raw)
    elif on_terminal():
        print_table(_TITLES, (_row(one, moment) for one in known))
    else:
        print_tabs(_row(one, instant) for one in known)


@click.command(cls=ManualCommand)
@click.argument("name")
@json_option
@connected
def show(client: Client, *, name: str, as_json: bool) -> None:
    """Show one schedule and its next five times.

    The times are those of its own zone, with their offset from UTC.

    Examples:
      clawtrail schedule show backup
      clawtrail schedule show backup --json | jq -r '.next[0]'

    """
    found = client.schedules.show(name)
    if as_json:
        print_json(found.raw)
        return
    print_pairs(
        (
            ("name", found.name),
            ("state", _state(found)),
            ("cron", f"{found.cron} ({found.tz})"),
            ("policies", f"misfire {found.misfire}, overlap {found.overlap}"),
            ("made by", found.created_by),
            ("task", compact(found.raw.get("task"))),
            ("last time", instant(found.last_at)),
            ("last task", " ".join(filter(None, (found.last_task_id, found.last_state)))),
            *(("next", time) for time in found.upcoming),
        )
    )


def tell(found: Schedule, *, as_json: bool) -> None:
    """Print how a schedule stands after a change of it."""
    if as_json:
        print_json(found.raw)
        return
    click.echo(one_line(f"{found.name} is {_state(found)}."))
    for time in found.upcoming:
        click.echo(f"  {one_line(time)}")


def _state(found: Schedule) -> str:
    return f"{found.state} ({found.paused_why})" if found.paused_why else found.state


def _row(one: Schedule, at: Callable[[int | None], str]) -> tuple[str, ...]:
    times = (at(one.next_at), one.cron, one.tz, at(one.last_at))
    return (one.name, _state(one), *times, one.last_state or "", one.created_by, one.summary)
