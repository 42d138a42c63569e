"""``clawtrail cancel`` and ``clawtrail rerun``: ending a task, and doing it again."""

from __future__ import annotations

import click

from clawtrail.client import Client
from clawtrail.commands.ids import whole_id
from clawtrail.commands.options import connected, json_option
from clawtrail.commands.printing import print_json
from clawtrail.manual import ManualCommand
from clawtrail.terminal import one_line


@click.command(cls=ManualCommand)
@click.argument("task_id", metavar="ID")
@click.option("--reason", help="Why, for the record.")
@json_option
@connected
def cancel(client: Client, *, task_id: str, reason: str | None, as_json: bool) -> None:
    """Ask for the end of a task.

    One that has not started is cancelled at once. A running one is stopped by its worker as soon as it hears
    of it; `clawtrail watch` shows when. One that has ended cannot be cancelled (exit status 1).

    ID is a task's id, the start or end of one (4 characters or more, of the newest 500), or the word last.

    Examples:
      clawtrail cancel 3f2c --reason 'wrong folder'
      clawtrail cancel last

    """
    whole = whole_id(client, task_id)
    state = client.cancel(whole, reason=reason)
    if as_json:
        print_json({"taskId": whole, "state": state})
    elif state == "cancelled":
        click.echo(f"Task {one_line(whole)} is cancelled.")
    else:
        click.echo(f"Task {one_line(whole)} is {one_line(state)}; its worker is told to stop it.")


@click.command(cls=ManualCommand)
@click.argument("task_id", metavar="ID")
@json_option
@connected
def rerun(client: Client, *, task_id: str, as_json: bool) -> None:
    """Make a new task with the content of an old one.

    Its id is printed. The old one stays as it is; the record says that the new one repeats it. Ask
    yourself first whether it may be done twice: `clawtrail show` says what is known about that.

    ID is a task's id, the start or end of one (4 characters or more, of the newest 500), or the word last.

    Examples:
      clawtrail watch "$(clawtrail rerun 3f2c)"

    """
    submitted = client.rerun(whole_id(client, task_id))
    if as_json:
        print_json({"taskId": submitted.task_id, "rerunOf": submitted.rerun_of})
    else:
        click.echo(one_line(submitted.task_id))
