"""``clawtrail workers``: the workers that the server knows."""

from __future__ import annotations

from collections.abc import Callable

import click

from clawtrail.answers import WorkerSeen
from clawtrail.client import Client
from clawtrail.commands.options import connected, json_option
from clawtrail.commands.printing import instant, moment, on_terminal, print_json, print_table, print_tabs
from clawtrail.manual import ManualCommand

_TITLES = (
    *("worker", "online", "state", "free", "held", "last seen", "version", "labels", "kinds"),
    "sandboxes",
)


@click.command(cls=ManualCommand)
@json_option
@connected
def workers(client: Client, *, as_json: bool) -> None:
    """List the workers that the server knows.

    For each: whether it is there, how busy it is, what it can do.

    On a terminal this is a table; in a pipe there is a line for each worker, with tabs between: worker,
    online or offline, state, free slots, tasks held, last seen, version, labels, kinds,
    sandboxes.

    Examples:
      clawtrail workers
      clawtrail workers --json | jq -r 'select(.online) | .workerId'

    """
    known = client.workers()
    if as_json:
        for worker in known:
            print_json(worker.raw)
    elif on_terminal():
        print_table(_TITLES, (_row(worker, moment) for worker in known), narrow=3)
    else:
        print_tabs(_row(worker, instant) for worker in known)


def _row(worker: WorkerSeen, at: Callable[[int | None], str]) -> tuple[str, ...]:
    return (
        worker.worker_id,
        "online" if worker.online else "offline",
        worker.state,
        str(worker.free),
        str(worker.held),
        at(worker.last_seen_at),
        worker.version,
        " ".join(worker.labels),
        " ".join(worker.kinds),
        " ".join(worker.sandboxes),
    )
