"""``clawtrail watch``: a task's states and output while they happen."""

from __future__ import annotations

from collections.abc import Iterator

import click

from clawtrail.answers import Chunk, Event
from clawtrail.client import Client
from clawtrail.commands.attending import conclude
from clawtrail.commands.ids import whole_id
from clawtrail.commands.live import LiveOutput
from clawtrail.commands.options import connected, json_option
from clawtrail.commands.printing import instant, print_json
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
    """Follow one task: its states on standard error, its output on standard output and error.

    Begins with what has happened so far and ends with the task's own exit status, as `clawtrail run` does.
    Ctrl-C leaves the task alone and ends with 130. With --json, every event and piece of output is a line.

    ID is a task's id, the start of one (4 characters or more, of the newest 500 tasks), or the word last.

    Examples:
      clawtrail watch last
      clawtrail watch 3f2c 2>/dev/null | tee build.log

    """
    whole = whole_id(client, task_id)
    live = LiveOutput()
    seen: Merged[Seen] = Merged(
        client.output(whole, stream="stdout"), client.output(whole, stream="stderr"), _states(client, whole)
    )
    for item in seen:
        if isinstance(item, Result):
            result = item
        elif as_json:
            print_json(_as_json(item))
        elif isinstance(item, Event):
            live.say(f"{instant(item.at)} {one_line(item.type)} by {one_line(item.actor)}")
        else:
            live.write(item)
    live.finish()
    return conclude(result)


def _states(client: Client, task_id: str) -> Iterator[Event | Result]:
    """Yield the events of a task as they come, and at last its result."""
    newest = -1
    while True:
        standing = client.get(task_id, wait=0.0 if newest < 0 else _LOOK_EVERY)
        for event in client.history(task_id):
            if event.seq > newest:
                newest = event.seq
                yield event
        if isinstance(standing, Result):
            yield standing
            return


def _as_json(item: Event | Chunk) -> object:
    if isinstance(item, Event):
        return item.raw
    text = item.data.decode("utf-8", "replace")
    return {"stream": item.stream, "from": item.start, "skipped": item.skipped, "text": text}
