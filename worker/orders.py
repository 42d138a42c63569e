"""What running asks of an executor: the order it gets, the run it writes to, the ending it gives back."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

from pydantic import JsonValue

from worker.items import Ending
from worker.masking.streams import Shown
from worker.output import StreamName
from worker.sandboxing.confines import Confines


@dataclass(frozen=True)
class Plan:
    """What exactly a command starts: decided on once, and run as decided.

    *program* is the file that is executed, whatever the first word of *argv* would mean elsewhere. *env*
    is what it gets besides the variables that every program of the worker gets. *call* is set where
    *argv* asks an agent: what it was made of. *confines* is what it is
    kept to, None where nothing is asked for.
    """

    argv: tuple[str, ...]
    program: Path | None
    cwd: Path
    env: Mapping[str, str] = field(default_factory=dict)
    call: "AgentCall | None" = None
    confines: Confines | None = field(default=None, kw_only=True)


@dataclass(frozen=True)
class AgentCall:
    """What the program of an agent is asked for, but for the prompt, which goes to its input.

    *session* is the id in the program's own words, *asked* the one that the task gave. With *resume*
    the session goes on, else it begins. *others* are the models to try when the first is not to be had.
    Before the agent uses one of *ask_tools*, people are asked.
    """

    cli: str
    asked: str | None
    session: str | None
    resume: bool
    model: str | None = None
    others: tuple[str, ...] = ()
    mode: str | None = None
    allowed_tools: tuple[str, ...] = ()
    disallowed_tools: tuple[str, ...] = ()
    ask_tools: tuple[str, ...] = ()
    max_cost_usd: float | None = None


@dataclass(frozen=True)
class Beneath:
    """Where a file has to lie: *name* below the folder *root*, on a way without links."""

    root: Path
    name: str


@dataclass(frozen=True)
class Order:
    """One task as its executor sees it. With *plan* a program is run so, with *beneath* a file lies there."""

    task_id: str
    payload: Mapping[str, JsonValue]
    timeout_ms: int
    plan: Plan | None = None
    beneath: Beneath | None = None


@dataclass(frozen=True)
class Decision:
    """What people said to a question of a run, and *why* in a sentence."""

    allowed: bool
    why: str


class Listener(Protocol):
    """Who hears a child: its output, and whether it has to be stopped."""

    def write(self, stream: StreamName, data: bytes) -> None:
        """Take in output."""

    def pulse(self) -> Ending | None:
        """Stream what is due, and tell how the run is to end if it has to be stopped now.

        To be called at least four times a second while anything takes long.
        """


class Run(Listener, Protocol):
    """The run of an order, for the executor's own thread."""

    def write(self, stream: StreamName, data: bytes, *, masked: int | None = None) -> None:
        """Take in output. Secrets in it are masked, unless *masked* says that so many were already."""

    def hide(self, value: JsonValue) -> JsonValue:
        """Mask the secrets in every text of *value*, before it is cut to a length."""

    def show(self, data: bytes) -> Shown:
        """Mask *data*, which is whole, as output is."""

    def digest(self, descriptor: int) -> str | None:
        """Give the SHA-256 of what is left to read; None where a secret is in it, which it would betray."""

    def used_tool(self, tool: str, said: str, verdict: str | None = None) -> None:
        """Put on the record that an agent uses *tool*, and *said*, in short, for what.

        *verdict* is what people said to it, where they were asked: ``allow`` or ``deny``.
        """

    def ask(self, rule: str, digest: str, describe: str) -> Decision:
        """Ask people whether what *describe* tells may be done in this run, and wait for their answer.

        Any thread may call it. Without an answer in half an hour, and when the run has to stop, it is no.
        """


Executor = Callable[[Order, Run], Ending]
"""Runs one order to its end and says how it ended. Called by many threads at once.

A ``ValidationError`` that it raises is a fault of the payload; anything else it raises is a fault of its
own. Both fail the task.
"""
