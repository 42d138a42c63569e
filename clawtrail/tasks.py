"""What a client may ask for: a task with its options, as the JSON that says it to the server."""

from __future__ import annotations

import base64
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal, TypedDict, Unpack

Agent = Literal["claude", "codex", "gemini"]
Effect = Literal["read", "idempotent", "mutating"]


class TaskOptions(TypedDict, total=False):
    """The options that every submitting call takes; durations are in seconds, instants in epoch ms.

    ``timeout``: how long it may run. ``ttl``: how long it may wait for its start. ``labels``: what the
    worker must have, as ``k=v``. ``effect``: what a second run would do. ``not_before``: the earliest start.
    ``idempotency_key``: your own name for this request; sent again, also by another process, it is the same
    task, and with other content ``Conflict``. Without one each call has its own.
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
    idempotency_key: str


class CommandOptions(TaskOptions, total=False):
    """What a command takes besides: working directory, environment and standard input."""

    cwd: str
    env: Mapping[str, str]
    stdin: str


class PromptOptions(TaskOptions, total=False):
    """What a prompt for an agent takes besides; without ``session_id`` a new session begins.

    ``max_cost_usd``: what it may cost at most. ``callback_channel`` and what goes with it: where the end is
    told besides. ``origin`` to ``entrypoint``: on which way it came. ``resume_latest`` is for Gemini.
    """

    model: str
    max_cost_usd: float
    cwd: str
    resume_latest: bool
    callback_channel: str
    callback_bot_token: str
    callback_template: Literal["full", "plain"]
    origin: str
    dispatch_mode: str
    response_mode: str
    entrypoint: str


class AskOptions(PromptOptions, total=False):
    """What the asking of an agent takes besides: as ``Client.run`` does."""

    check: bool
    wait_for: float | None


@dataclass(frozen=True, slots=True)
class Task:
    """A thing to do, not yet sent: the route that takes it and the JSON object that says it.

    Made by one of the constructors below, each of which takes the options that go with it.
    """

    body: Mapping[str, object]
    route: str = "/tasks"
    idempotency_key: str | None = None

    @classmethod
    def make(
        cls, command: str | None = None, argv: Sequence[str] | None = None, **options: Unpack[CommandOptions]
    ) -> Task:
        """Return a command: either *command* (text for the shell) or *argv* (words, without a shell).

        Raises ``ValueError`` when both or neither are given, ``TypeError`` for an argv that is one string.
        """
        if (command is None) == (argv is None):
            raise ValueError("give either a command (text for the shell) or an argv (program and arguments)")
        if isinstance(argv, str):
            raise TypeError("argv is a list of words, not one string")
        asked = {"command": command} if argv is None else {"argv": list(argv)}
        return cls({**asked, **_on_the_wire(options)}, idempotency_key=options.get("idempotency_key"))

    @classmethod
    def of_kind(cls, kind: str, payload: Mapping[str, object], **options: Unpack[TaskOptions]) -> Task:
        """Return a task of another kind, as its worker knows it."""
        body = {"kind": kind, "payload": dict(payload), **_on_the_wire(options)}
        return cls(body, idempotency_key=options.get("idempotency_key"))

    @classmethod
    def prompt(cls, agent: Agent, prompt: str, **options: Unpack[PromptOptions]) -> Task:
        """Return a prompt for *agent*: ``claude``, ``codex`` or ``gemini``."""
        body = {"prompt": prompt, **_on_the_wire(options)}
        return cls(body, f"/{agent}", options.get("idempotency_key"))

    @classmethod
    def file_read(
        cls,
        path: str,
        *,
        offset: int | None = None,
        limit: int | None = None,
        **options: Unpack[TaskOptions],
    ) -> Task:
        """Return the reading of a file, or of *limit* bytes from *offset* on; its result holds base64."""
        asked: dict[str, object] = {"path": path, "encoding": "base64", "offset": offset, "limit": limit}
        given = {name: value for name, value in asked.items() if value is not None}
        return cls({**given, **_on_the_wire(options)}, "/files/read", options.get("idempotency_key"))

    @classmethod
    def file_write(cls, path: str, content: str | bytes, **options: Unpack[TaskOptions]) -> Task:
        """Return the writing of exactly *content* to a file (text as UTF-8)."""
        if isinstance(content, bytes):
            asked = {"content": base64.b64encode(content).decode("ascii"), "encoding": "base64"}
        else:
            asked = {"content": content, "encoding": "utf8"}
        return cls(
            {"path": path, **asked, **_on_the_wire(options)}, "/files/write", options.get("idempotency_key")
        )

    @classmethod
    def file_edit(
        cls, path: str, old: str, new: str, *, replace_all: bool = False, **options: Unpack[TaskOptions]
    ) -> Task:
        """Return the replacement of *old*, which must stand there once, or everywhere with *replace_all*."""
        asked = {"path": path, "old_string": old, "new_string": new, "replace_all": replace_all}
        return cls({**asked, **_on_the_wire(options)}, "/files/edit", options.get("idempotency_key"))


def _on_the_wire(options: Mapping[str, object]) -> dict[str, object]:
    """Return *options* under the names and in the units of the wire (milliseconds)."""
    asked: dict[str, object] = {}
    for name, value in options.items():
        if value is not None and name != "idempotency_key":
            first, *rest = name.split("_")
            asked[first + "".join(map(str.title, rest))] = _value(name, value)
    return asked


def _value(name: str, value: object) -> object:
    if name in {"timeout", "ttl"} and isinstance(value, int | float):
        return round(value * 1000)
    if name in {"labels", "tags"} and isinstance(value, Sequence):
        return list(value)
    if name == "env" and isinstance(value, Mapping):
        return dict(value)
    return value
