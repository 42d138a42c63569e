"""``clawtrail approve`` and ``clawtrail deny``: answering the questions of workers."""

from __future__ import annotations

import os
import sys

import click

from clawtrail.client import Client
from clawtrail.commands.approvals import block
from clawtrail.commands.options import connected, json_option
from clawtrail.commands.printing import print_json
from clawtrail.manual import ManualCommand
from clawtrail.questions import Approval
from clawtrail.terminal import one_line

_WHOLE = 32
_SHORTEST = 4
_LOOKED_THROUGH = 500


@click.command(cls=ManualCommand)
@click.argument("approval_id", metavar="ID")
@click.option("--comment", metavar="TEXT", help="Why, for the record.")
@click.option("--sign", is_flag=True, help="Sign the answer, with your only key where none is set.")
@click.option("--key", metavar="KEY", help="Sign the answer with this key: its name, or its file.")
@click.option("--yes", is_flag=True, help="Sign without being asked whether the text was read.")
@json_option
@connected
def approve(
    client: Client,
    *,
    approval_id: str,
    comment: str | None,
    sign: bool,
    key: str | None,
    yes: bool,
    as_json: bool,
) -> None:
    """Say yes to a worker's question.

    The worker that asked then runs exactly what it asked for, once, within 30 minutes. If anything of it
    has changed by then, it asks anew. The first answer counts; nobody can answer for a task that he
    submitted himself. This needs a token of the role approver or admin.

    With --sign or --key the answer is signed for the worker that asked, which may demand that. The text that
    you sign is shown first; the worker takes the answer only for the text that it wrote itself.

    ID is the id of a question, or the start of one that no other question has (4 characters or more).

    Examples:
      clawtrail approve 3f2c
      clawtrail approve 3f2c --comment 'as agreed on the phone'
      clawtrail approve 3f2c --key ann

    """
    signature = None
    approval_id = _whole_id(client, approval_id)
    if sign or key is not None:
        signature = _signed(_waiting(client, approval_id), key, unread=yes)
    answered = client.questions.approve(approval_id, comment=comment, signature=signature)
    _print(answered, as_json=as_json)


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
    answered = client.questions.deny(_whole_id(client, approval_id), comment=comment)
    _print(answered, as_json=as_json)


def _print(answered: Approval, *, as_json: bool) -> None:
    if as_json:
        print_json(answered.raw)
    else:
        click.echo(one_line(f"Task {answered.task_id} is {answered.state}."))


def _waiting(client: Client, approval_id: str) -> Approval:
    """Return the question as it waits; raises ``click.UsageError`` where it does not."""
    waiting = client.questions.list(limit=_LOOKED_THROUGH).members
    found = next((one for one in waiting if one.approval_id == approval_id), None)
    if found is None:
        raise click.UsageError(f"No question {approval_id} waits.")
    return found


def _signed(question: Approval, key: str | None, *, unread: bool) -> str:
    """Show what is signed, ask whether it was read, and sign: to this text the worker holds its own."""
    from clawtrail import keys, signing  # noqa: PLC0415 - cryptography takes long to load, and few need it

    named = key or os.environ.get("CLAWTRAIL_SIGNING_KEY")
    signer = keys.find(named or keys.only())
    click.echo(block(question), err=True)
    if not unread:
        if not sys.stdin.isatty():
            raise click.UsageError(
                "A signed answer is for what was read: say --yes where nobody can be asked."
            )
        click.confirm(f"Sign yes to this as {signer.name}?", abort=True, err=True)
    return signing.sign_yes(signer, question.raw)


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
