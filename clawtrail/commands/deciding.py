"""``clawtrail approve`` and ``clawtrail deny``: answering the questions of workers."""

from __future__ import annotations

import click

from clawtrail.client import Client
from clawtrail.commands.options import connected, json_option
from clawtrail.commands.printing import print_json
from clawtrail.manual import ManualCommand
from clawtrail.terminal import one_line

_WHOLE = 32
_SHORTEST = 4
_LOOKED_THROUGH = 500


@click.command(cls=ManualCommand)
@click.argument("approval_id", metavar="ID")
@click.option("--comment", metavar="TEXT", help="Why, for the record.")
@json_option
@connected
def approve(client: Client, *, approval_id: str, comment: str | None, as_json: bool) -> None:
    """Say yes to a worker's question.

    The worker that asked then runs exactly what it asked for, once, within 30 minutes. If anything of it
    has changed by then, it asks anew. The first answer counts; nobody can answer for a task that he
    submitted himself. This needs a token of the role approver or admin.

    ID is the id of a question, or the start of one that no other question has (4 characters or more).

    Examples:
      clawtrail approve 3f2c
      clawtrail approve 3f2c --comment 'as agreed on the phone'

    """
    _decide(client, approval_id, yes=True, comment=comment, as_json=as_json)


@click.command(cls=ManualCommand)
@click.argument("approval_id", metavar="ID")
@click.option("--comment", metavar="TEXT", help="Why, for the record and for whoever submitted the task.")
@json_option
@connected
def deny(client: Client, *, approval_id: str, comment: str | None, as_json: bool) -> None:
    """Say no to a worker's question.

    The task ends as denied and nothing of it is run. The first answer counts.
    This needs a token of the role approver or admin.

    ID is the id of a question, or the start of one that no other question has (4 characters or more).

    Examples:
      clawtrail deny 3f2c --comment 'not on a Friday'

    """
    _decide(client, approval_id, yes=False, comment=comment, as_json=as_json)


def _decide(client: Client, given: str, *, yes: bool, comment: str | None, as_json: bool) -> None:
    decide = client.questions.approve if yes else client.questions.deny
    answered = decide(_whole_id(client, given), comment=comment)
    if as_json:
        print_json(answered.raw)
    else:
        click.echo(one_line(f"Task {answered.task_id} is {answered.state}."))


def _whole_id(client: Client, given: str) -> str:
    """Return the id that *given* begins; raises ``click.UsageError`` where several or none do."""
    if len(given) >= _WHOLE:
        return given
    if len(given) < _SHORTEST:
        raise click.UsageError(f"{given!r} is too short for the start of an id: give at least 4 characters.")
    waiting = client.questions.list(limit=_LOOKED_THROUGH).members
    found = [one.approval_id for one in waiting if one.approval_id.startswith(given)]
    if len(found) == 1:
        return found[0]
    if found:
        raise click.UsageError(f"{given!r} begins several ids: {', '.join(found[:5])}")
    raise click.UsageError(f"No question that waits has an id that begins with {given!r}.")
