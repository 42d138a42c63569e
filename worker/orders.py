"""What running asks of an executor: the order it gets, the run it writes to, the ending it gives back."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from pydantic import JsonValue

from worker.items import Ending
from worker.output import StreamName


@dataclass(frozen=True)
class Plan:
    """What exactly a command starts: decided on once, and run as decided.

    *program* is the file that is executed, whatever the first word of *argv* would mean elsewhere.
    """

    argv: tuple[str, ...]
    program: Path | None
    cwd: Path


@dataclass(frozen=True)
class Beneath:
    """Where a file has to lie: *name* below the folder *root*, on a way without links."""

    root: Path
    name: str


@dataclass(frozen=True)
class Order:
    """One task as its executor sees it. With *plan* a command is run so, with *beneath* a file lies there."""

    task_id: str
    payload: Mapping[str, JsonValue]
    timeout_ms: int
    plan: Plan | None = None
    beneath: Beneath | None = None


class Run(Protocol):
    """The run of an order, for the executor's own thread."""

    def write(self, stream: StreamName, data: bytes) -> None:
        """Take in output."""

    def pulse(self) -> Ending | None:
        """Stream what is due, and tell how the run is to end if it has to be stopped now.

        To be called at least four times a second while anything takes long.
        """


Executor = Callable[[Order, Run], Ending]
"""Runs one order to its end and says how it ended. Called by many threads at once.

A ``ValidationError`` that it raises is a fault of the payload; anything else it raises is a fault of its
own. Both fail the task.
"""
