"""``clawtrail audit key``: the key that checks what this record's server signs."""

from __future__ import annotations

from typing import Any

import click

from app.cli.leaving import leave, or_leave
from app.cli.opening import database
from app.cli.options import database_options
from app.storage import key_file
from clawtrail.manual import ManualCommand


@click.command("key", cls=ManualCommand)
@database_options
def key(**given: Any) -> None:  # noqa: ANN401 - options by name
    """Print the verifier key of the record: what others need to check receipts and checkpoints.

    It is one line, NAME+ID+KEY, and no secret. The private key stays in its file beside the database, from
    which this is read; so it takes a user who may read that. The server need not run.

    Give the line to whoever is to check something by a way that they trust. GET /log/key says it too, but
    who takes it from the server trusts the server.

    Examples:
      clawtrail audit key --data /var/lib/clawtrail
      clawtrail audit key > log.key

    """
    path = key_file.key_path(database(given))
    try:
        signer = or_leave(lambda: key_file.load(path))
    except FileNotFoundError:
        leave(f"There is no key at {path} yet. The server makes it at its first start.")
    click.echo(str(signer.verifier))
