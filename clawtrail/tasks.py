"""What a client may ask for: a task with its options, and the JSON that says it to the server."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal, TypedDict, Unpack

Effect = Literal["read", "idempotent", "mutating"]


class TaskOptions(TypedDict, total=False):
    """The options that every submitting call takes; durations are in seconds, instants in epoch ms.

    ``timeout``: how long it may run. ``ttl``: how long it may wait for its start. ``labels``: what the
    worker must have, as ``k=v``. ``effect``: what a second run would do. ``not_before``: the earliest start.
    """

    timeout: float
    effect: Effect
    priority: int
    labels: Sequence[str]
    ttl: float
    max_attempts: int
    not_before: int
    tags: Sequence[str]
    on_behalf_of: str
    session_id: str


class CommandOptions(TaskOptions, total=False):
    """What a command takes besides: working directory, environment and standard input."""

    cwd: str
    env: Mapping[str, str]
    stdin: str


@dataclass(frozen=True, slots=True)
class Task:
    """A thing to do, not yet sent: a shell *command*, an *argv* without shell, or a *kind* with *payload*."""

    command: str | None = None
    argv: Sequence[str] | None = None
    kind: str | None = None
    payload: Mapping[str, object] | None = None
    options: CommandOptions | None = None

    @classmethod
    def make(
        cls, command: str | None = None, argv: Sequence[str] | None = None, **options: Unpack[CommandOptions]
    ) -> Task:
        """Return a command task: exactly one of *command* (text for the shell) and *argv* must be given.

        Raises ``ValueError`` otherwise, and ``TypeError`` for an argv that is one string.
        """
        if (command is None) == (argv is None):
            raise ValueError("give either a command (text for the shell) or an argv (program and arguments)")
        if isinstance(argv, str):
            raise TypeError("argv is a list of words, not one string")
        return cls(command=command, argv=argv, options=options)

    def body(self) -> dict[str, object]:
        """Return the JSON object that asks the server for this task."""
        asked: dict[str, object] = {"kind": self.kind, "payload": self.payload}
        asked |= {"command": self.command, "argv": None if self.argv is None else list(self.argv)}
        return {name: value for name, value in asked.items() if value is not None} | wire_options(
            self.options or {}
        )


def wire_options(options: Mapping[str, object]) -> dict[str, object]:
    """Return *options* under the names and in the units of the wire (milliseconds)."""
    asked: dict[str, object] = {}
    for name, value in options.items():
        if value is not None:
            first, *rest = name.split("_")
            asked[first + "".join(map(str.title, rest))] = _on_the_wire(name, value)
    return asked


def _on_the_wire(name: str, value: object) -> object:
    if name in ("timeout", "ttl") and isinstance(value, int | float):
        return round(value * 1000)
    if name in ("labels", "tags") and isinstance(value, Sequence):
        return list(value)
    if name == "env" and isinstance(value, Mapping):
        return dict(value)
    return value
