"""``clawtrail watch``: a task's states and output while they happen."""

from __future__ import annotations

import sys
from collections.abc import Iterator

import click

from clawtrail.answers import Chunk, Event
from clawtrail.client import Client
from clawtrail.commands.attending import conclude
from clawtrail.commands.ids import whole_id
from clawtrail.commands.live import LiveOutput
from clawtrail.commands.options import connected, json_option
from clawtrail.commands.printing import moment, print_json
from clawtrail.following import Merged
from clawtrail.manual import ManualCommand
from clawtrail.result import Result
from clawtrail.terminal import one_line

# Events have no long poll of their own: they are looked up this often while the task has not ended.
_LOOK_EVERY = 1.0

Seen = Chunk | Event | Result


@click.command(cls=ManualCommand)
@click.argument("task_id", metavar="ID")
@json_option
@connected
def watch(client: Client, *, task_id: str, as_json: bool) -> int:
    """Follow one task: its states and its output.

    States come on standard error, its output where it belongs. Begins with what has happened so far and
    ends with the task's own exit status, as `clawtrail run` does. Ctrl-C leaves the task alone and ends
    with 130. With --json, every event and piece of output is a line.

    ID is a task's id, the start or end of one (4 characters or more, of the newest 500), or the word last.

    Examples:
      clawtrail watch last
      clawtrail watch 3f2c 2>/dev/null | tee build.log

    """
    whole = whole_id(client, task_id)
    print_event = _print_as_json if as_json else _print_event
    so_far = client.history(whole)
    for event in so_far:
        print_event(event)
    seen: Merged[Seen] = Merged(
        client.output(whole, stream="stdout"),
        client.output(whole, stream="stderr"),
        _states(client, whole, after=so_far[-1].seq if so_far else -1),
    )
    live = LiveOutput()
    for item in seen:
        if isinstance(item, Result):
            result = item
        elif isinstance(item, Event):
            print_event(item)
        elif as_json:
            _print_as_json(item)
        else:
            live.write(item)
    live.finish()
    return conclude(result)


def _states(client: Client, task_id: str, *, after: int) -> Iterator[Event | Result]:
    """Yield the events of a task beyond *after* as they come, and at last its result."""
    standing = client.get(task_id)
    while True:
        for event in client.history(task_id):
            if event.seq > after:
                after = event.seq
                yield event
        if isinstance(standing, Result):
            yield standing
            return
        standing = client.get(task_id, wait=_LOOK_EVERY)


def _print_event(event: Event) -> None:
    sys.stdout.flush()
    click.echo(one_line(f"[{moment(event.at)}] {event.type} by {event.actor}"), err=True)


def _print_as_json(item: Event | Chunk) -> None:
    if isinstance(item, Event):
        print_json(item.raw)
    else:
        text = item.data.decode("utf-8", "replace")
        print_json({"stream": item.stream, "from": item.start, "skipped": item.skipped, "text": text})
