"""``clawtrail schedule pause``, ``resume``, ``run`` and ``remove``."""

from __future__ import annotations

import click

from clawtrail.client import Client
from clawtrail.commands.options import connected, json_option
from clawtrail.commands.printing import print_json
from clawtrail.commands.schedule_looking import tell
from clawtrail.manual import ManualCommand
from clawtrail.terminal import one_line


@click.command(cls=ManualCommand)
@click.argument("name")
@json_option
@connected
def pause(client: Client, *, name: str, as_json: bool) -> None:
    """Let a schedule rest until it is resumed.

    Times that pass meanwhile are not made up for. Its last task, if it goes on, is not touched.

    Examples:
      clawtrail schedule pause backup

    """
    tell(client.schedules.pause(name), as_json=as_json)


@click.command(cls=ManualCommand)
@click.argument("name")
@json_option
@connected
def resume(client: Client, *, name: str, as_json: bool) -> None:
    """Let a paused schedule go on with its next time.

    Examples:
      clawtrail schedule resume backup

    """
    tell(client.schedules.resume(name), as_json=as_json)


@click.command(cls=ManualCommand)
@click.argument("name")
@json_option
@connected
def run(client: Client, *, name: str, as_json: bool) -> None:
    """Run a schedule's task now, besides its times.

    Prints the task's id and leaves; `clawtrail watch ID` follows it. While the last task of the schedule is
    not finished this is refused, whatever its overlap policy. A paused schedule can be run, too.

    Examples:
      clawtrail schedule run backup
      clawtrail watch "$(clawtrail schedule run backup)"

    """
    submitted = client.schedules.run(name)
    print_json({"taskId": submitted.task_id}) if as_json else click.echo(submitted.task_id)


@click.command(cls=ManualCommand)
@click.argument("name")
@json_option
@connected
def remove(client: Client, *, name: str, as_json: bool) -> None:
    """End a schedule; its tasks stay.

    What it ran is deleted with it; the record keeps that it was there, and when it fired. The name stays
    with who made it: others cannot take it, but an admin.

    Examples:
      clawtrail schedule remove backup

    """
    client.schedules.remove(name)
    print_json({"name": name}) if as_json else click.echo(one_line(f"{name} is removed."))
