"""What clients send about schedules: when, what, and what happens to instants that cannot have their task."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BeforeValidator, ConfigDict, Discriminator, Field, Tag, model_validator

from app.api.agent_models import AskAgent
from app.api.models import Name, SubmitTask, Wire
from app.domain.kinds import AGENT_KINDS
from app.domain.schedules import Misfire, Overlap

NAME_FORM = re.compile(r"[A-Za-z0-9][\w.-]{0,63}", re.ASCII)


def _name(name: str) -> str:
    if not NAME_FORM.fullmatch(name):
        raise ValueError("a schedule's name is 1 to 64 letters, digits, '_', '.' or '-'")
    return name


def _not_here(why: str) -> BeforeValidator:
    def refuse(value: object) -> None:
        if value is not None:
            raise ValueError(why)

    return BeforeValidator(refuse)


def _kind(kind: str) -> str:
    if kind.startswith("file-"):
        raise ValueError("a schedule submits commands, prompts and kinds of your own, no file operations")
    return kind


_NO_START = Annotated[None, _not_here("a schedule's task has no notBefore: its time is the schedule's")]
_NO_OTHER = Annotated[None, _not_here("a schedule's task has no onBehalfOf: it is on behalf of who made it")]
_NO_SIGNATURE = Annotated[
    None, _not_here("a schedule's task has no signature: it would be signed once and run many times")
]
_NO_SECRET = Annotated[
    None, _not_here("a schedule keeps no callbackBotToken; a worker can have one of its own")
]
ScheduleName = Annotated[Name, AfterValidator(_name)]


class ScheduledTask(SubmitTask):
    """A command, or a task of a kind of your own, as ``POST /tasks`` takes it."""

    model_config = ConfigDict(extra="forbid")

    kind: Annotated[str, Field(max_length=64), AfterValidator(_kind)] = "command"
    not_before: _NO_START = None
    on_behalf_of: _NO_OTHER = None
    signature: _NO_SIGNATURE = None


class ScheduledPrompt(AskAgent):
    """A prompt, as ``POST /claude`` and its kin take it; without a ``sessionId`` each begins a session."""

    model_config = ConfigDict(extra="forbid")

    kind: Literal["claude-cli", "codex-cli", "gemini-cli"]
    callback_bot_token: _NO_SECRET = None
    not_before: _NO_START = None
    on_behalf_of: _NO_OTHER = None
    signature: _NO_SIGNATURE = None


def _sort(task: object) -> str:
    kind = task.get("kind") if isinstance(task, Mapping) else getattr(task, "kind", None)
    return "prompt" if isinstance(kind, str) and kind in AGENT_KINDS else "work"


ScheduledWork = ScheduledTask | ScheduledPrompt
Content = Annotated[
    Annotated[ScheduledTask, Tag("work")] | Annotated[ScheduledPrompt, Tag("prompt")], Discriminator(_sort)
]


class AddSchedule(Wire):
    """A schedule: the same task at each time that its cron expression names."""

    name: ScheduleName
    cron: Name
    tz: Name = "UTC"
    misfire: Misfire = Misfire.SKIP
    overlap: Overlap = Overlap.SKIP
    task: Content


class ChangeSchedule(Wire):
    """What shall be different; the rest stays."""

    cron: Name | None = None
    tz: Name | None = None
    misfire: Misfire | None = None
    overlap: Overlap | None = None
    task: Content | None = None

    @model_validator(mode="after")
    def _has_something(self) -> ChangeSchedule:
        if not self.model_fields_set:
            raise ValueError("say what shall be different: cron, tz, misfire, overlap or task")
        return self

    def timing(self) -> dict[str, Any]:
        """Return what is said of times and policies, under the names of a ``Definition``."""
        said = {"cron": self.cron, "tz": self.tz, "misfire": self.misfire, "overlap": self.overlap}
        return {name: str(value) for name, value in said.items() if value is not None}
