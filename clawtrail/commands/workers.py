"""``clawtrail workers``: the workers that the server knows."""

from __future__ import annotations

import click

from clawtrail.answers import WorkerSeen
from clawtrail.client import Client
from clawtrail.commands.options import connected, json_option
from clawtrail.commands.printing import instant, print_json, print_rows
from clawtrail.manual import ManualCommand

_TITLES = ("worker", "online", "state", "free", "held", "last seen", "version", "labels", "kinds")


@click.command(cls=ManualCommand)
@json_option
@connected
def workers(client: Client, *, as_json: bool) -> None:
    """List the workers that the server knows: whether they are there, how busy they are, what they can do.

    On a terminal this is a table; in a pipe there is a line for each worker, with tabs between: worker,
    online or offline, state, free slots, tasks held, last seen, version, labels, kinds.

    Examples:
      clawtrail workers
      clawtrail workers --json | jq -r 'select(.online) | .workerId'

    """
    known = client.workers()
    if as_json:
        for worker in known:
            print_json(worker.raw)
    else:
        print_rows(_TITLES, map(_row, known))


def _row(worker: WorkerSeen) -> tuple[str, ...]:
    return (
        worker.worker_id,
        "online" if worker.online else "offline",
        worker.state,
        str(worker.free),
        str(worker.held),
        instant(worker.last_seen_at),
        worker.version,
        " ".join(worker.labels),
        " ".join(worker.kinds),
    )
