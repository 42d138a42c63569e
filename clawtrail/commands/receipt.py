"""``clawtrail receipt``: what is on the record of one task, as a text that proves it."""

from __future__ import annotations

import sys
from pathlib import Path

import click

from clawtrail.client import Client
from clawtrail.commands.ids import whole_id
from clawtrail.commands.options import connected, json_option
from clawtrail.commands.printing import print_json
from clawtrail.manual import ManualCommand
from clawtrail.terminal import harmless


@click.command(cls=ManualCommand)
@click.argument("task_id", metavar="ID")
@click.option(
    "--output",
    "-o",
    type=click.Path(path_type=Path, dir_okay=False, writable=True),
    metavar="FILE",
    help="Write it to FILE instead of standard output.",
)
@json_option
@connected
def receipt(client: Client, *, task_id: str, output: Path | None, as_json: bool) -> None:
    """Fetch a text that proves what the record says of a task.

    A receipt holds the task's events with what was asked for and what came of it, and the proof that they are
    in the record. Whoever has the record's verifier key can check it with `clawtrail verify`, without the
    server. The receipt of a task that is not finished proves what has happened so far.

    ID is a task's id, the start or end of one (4 characters or more, of the newest 500), or the word
    last. Keep the bytes as they are: with one of them changed, the receipt proves nothing.

    Examples:
      clawtrail receipt last > receipt.txt
      clawtrail receipt 3f2c -o receipt.txt
      clawtrail verify receipt.txt --key log.key

    """
    whole = whole_id(client, task_id)
    text = client.receipt(whole)
    if output is not None:
        output.write_bytes(text.encode())
    elif as_json:
        print_json({"taskId": whole, "receipt": text})
    elif sys.stdout.isatty():
        click.echo(harmless(text), nl=False)
    else:
        sys.stdout.buffer.write(text.encode())
