"""Staying with a task until it ends: its output as it comes, and what Ctrl-C does meanwhile."""

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
from clawtrail.answers import Chunk
from clawtrail.client import Client
from clawtrail.commands.live import LiveOutput
from clawtrail.errors import Conflict
from clawtrail.following import Merged
from clawtrail.result import Result
from clawtrail.terminal import one_line


@dataclass(frozen=True)
class Interrupt:
    """Ctrl-C was pressed."""


Seen = Chunk | Result | Interrupt
Choice = Literal["c", "d", "w"]


def attend(
    client: Client,
    task_id: str,
    *,
    live: LiveOutput | None = None,
    on_result: Callable[[Result], None] | None = None,
) -> int:
    """Stay with a task of ours to its end and return the exit status.

    *live* takes its output as it comes, *on_result* its result; both may be left out.

    Ctrl-C cancels the task, or asks first on a terminal; a second one leaves at once. What was cancelled
    that way is 130.
    """
    seen: Merged[Seen] = Merged(*_sources(client, task_id, with_output=live is not None))
    cancelled = False
    with _ctrl_c_into(seen):
        for item in seen:
            if isinstance(item, Chunk) and live is not None:
                live.write(item)
            elif isinstance(item, Interrupt):
                if cancelled or (choice := _ask(task_id)) == "d":
                    click.echo(f"clawtrail: Left; `clawtrail watch {task_id}` goes on from here.", err=True)
                    return exits.INTERRUPTED
                if choice == "c":
                    cancelled = _cancel(client, task_id)
            elif isinstance(item, Result):
                result = item
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


def _sources(client: Client, task_id: str, *, with_output: bool) -> Iterator[Iterator[Seen]]:
    if with_output:
        yield client.output(task_id, stream="stdout")
        yield client.output(task_id, stream="stderr")
    yield ending(client, task_id)


def ending(client: Client, task_id: str) -> Iterator[Result]:
    """Yield the one result of a task when it has ended."""
    yield client.wait(task_id)


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
        answer = click.prompt(
            "[c]ancel it, [d]etach and let it run, or [w]ait on",
            type=click.Choice(["c", "d", "w"]),
            show_choices=False,
            err=True,
        )
    except click.Abort:
        return "c"
    finally:
        signal.signal(signal.SIGINT, before)
    return "d" if answer == "d" else "w" if answer == "w" else "c"


def _cancel(client: Client, task_id: str) -> bool:
    click.echo("clawtrail: Cancelling; Ctrl-C again leaves at once.", err=True)
    try:
        client.cancel(task_id, reason="Ctrl-C")
    except Conflict:
        return False  # it has ended by itself meanwhile, and its result is on the way
    return True
