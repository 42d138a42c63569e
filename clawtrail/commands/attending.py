"""Handing over a task and staying with it until it ends, through Ctrl-C too."""

from __future__ import annotations

import signal
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from types import FrameType
from typing import Literal

import click

from clawtrail import exits
from clawtrail.answers import Chunk, Unfinished
from clawtrail.client import Client
from clawtrail.commands.live import LiveOutput
from clawtrail.errors import Conflict
from clawtrail.following import Merged
from clawtrail.result import Result
from clawtrail.tasks import Task
from clawtrail.terminal import one_line

# A short task is over in this time and costs one round trip; output of a longer one should not wait longer.
_SHORT = 0.3
# After so many seconds somebody at a terminal wants to know why nothing happens.
_PUZZLING = 2.0


@dataclass(frozen=True)
class Interrupt:
    """Ctrl-C was pressed."""


Seen = Chunk | Unfinished | Result | Interrupt
Choice = Literal["c", "d", "w"]


def perform(
    client: Client,
    task: Task,
    *,
    live: LiveOutput | None = None,
    on_result: Callable[[Result], None] | None = None,
) -> int:
    """Hand over *task*, stay with it to its end and return the exit status.

    *live* takes its output as it comes, *on_result* its result; both may be left out.
    Ctrl-C cancels the task, or asks first on a terminal; a second one leaves at once. What was cancelled
    that way is 130.
    """
    result = _start(client, task)
    cancelled = False
    if isinstance(result, Unfinished):
        try:
            result, cancelled = _attend(client, result.task_id, live)
        except _Left:
            return exits.INTERRUPTED
    elif live is not None:
        _show(client, result, live)
    if live is not None:
        live.finish()
    if on_result is not None:
        on_result(result)
    return conclude(result, interrupted=cancelled)


def conclude(result: Result, *, interrupted: bool = False) -> int:
    """Say on standard error what the exit status cannot, and return that status."""
    sentence = exits.sentence_of_task(result)
    if sentence is not None:
        click.echo(f"clawtrail: {one_line(sentence)}", err=True)
    return exits.INTERRUPTED if interrupted and not result.ok else exits.status_of_task(result)


def _start(client: Client, task: Task) -> Result | Unfinished:
    try:
        return client.start(task, wait=_SHORT)
    except KeyboardInterrupt:
        said = "Left before the server had answered; `clawtrail tasks` shows whether it has the task."
        click.echo(f"clawtrail: {said}", err=True)
        raise


def _attend(client: Client, task_id: str, live: LiveOutput | None) -> tuple[Result, bool]:
    """Return the result, and whether Ctrl-C has cancelled it; raises ``_Left`` when somebody wants to go."""
    seen: Merged[Seen] = Merged(*_sources(client, task_id, with_output=live is not None))
    cancelled = False
    with _ctrl_c_into(seen):
        for item in seen:
            if isinstance(item, Chunk) and live is not None:
                live.write(item)
            elif isinstance(item, Unfinished):
                _tell_why_nothing_happens(item)
            elif isinstance(item, Interrupt):
                if cancelled or (choice := _ask(task_id)) == "d":
                    click.echo(f"clawtrail: Left; `clawtrail watch {task_id}` goes on from here.", err=True)
                    raise _Left
                if choice == "c":
                    cancelled = _cancel(client, task_id)
                else:
                    click.echo("clawtrail: Waiting on.", err=True)
            elif isinstance(item, Result):
                result = item
    return result, cancelled


class _Left(Exception):
    """Somebody wants to leave the task alone."""


def _sources(client: Client, task_id: str, *, with_output: bool) -> Iterator[Iterator[Seen]]:
    if with_output:
        yield client.output(task_id, stream="stdout")
        yield client.output(task_id, stream="stderr")
    yield _ending(client, task_id)


def _ending(client: Client, task_id: str) -> Iterator[Unfinished | Result]:
    """Yield how the task stands when that may puzzle somebody, and its result when it has ended."""
    standing = client.get(task_id, wait=_PUZZLING)
    yield standing
    if isinstance(standing, Unfinished):
        yield client.wait(task_id)


def _tell_why_nothing_happens(standing: Unfinished) -> None:
    if standing.status == "pending" and sys.stderr.isatty():
        task_id = standing.task_id
        click.echo(f"clawtrail: Waiting for a worker; `clawtrail show {task_id}` says why.", err=True)


def _show(client: Client, result: Result, live: LiveOutput) -> None:
    """Show the output of a task that has ended at once; fetch its bytes where its text is not all of them."""
    if result.truncated or "\ufffd" in result.stdout + result.stderr:
        for chunk in client.output(result.task_id):
            live.write(chunk)
    else:
        live.write(Chunk("stdout", 0, result.stdout.encode("utf-8", "surrogatepass")))
        live.write(Chunk("stderr", 0, result.stderr.encode("utf-8", "surrogatepass")))


@contextmanager
def _ctrl_c_into(seen: Merged[Seen]) -> Iterator[None]:
    """Let Ctrl-C arrive as an item among the others, not as an exception in the midst of them."""

    def put(_number: int, _frame: FrameType | None) -> None:
        seen.put(Interrupt())

    before = signal.signal(signal.SIGINT, put)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)


def _ask(task_id: str) -> Choice:
    """Ask what Ctrl-C is to mean; where nobody can be asked it means cancel, and so does a second Ctrl-C."""
    if not (sys.stdin.isatty() and sys.stderr.isatty()):
        return "c"
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        click.echo(f"\nTask {task_id} is still running over there.", err=True)
        answer: Choice = click.prompt(
            "[c]ancel it, [d]etach and let it run, or [w]ait on",
            type=click.Choice(["c", "d", "w"]),
            show_choices=False,
            err=True,
        )
    except click.Abort:
        return "c"
    finally:
        signal.signal(signal.SIGINT, before)
    return answer


def _cancel(client: Client, task_id: str) -> bool:
    click.echo("clawtrail: Cancelling; Ctrl-C again leaves at once.", err=True)
    try:
        client.cancel(task_id, reason="Ctrl-C")
    except Conflict:
        return False  # it has ended by itself meanwhile, and its result is on the way
    return True
