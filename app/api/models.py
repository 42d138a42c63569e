"""What clients send: the models that validate it and that the OpenAPI document is made from."""

from __future__ import annotations

import re
from base64 import b64decode
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, model_validator
from pydantic.alias_generators import to_camel

from app.domain.kinds import AGENT_KINDS, KIND_FORM, Kind, cli_of
from clawtrail.formats import dsse
from clawtrail.formats.dsse import EnvelopeRejected

MAX_TEXT = 4 * 1024 * 1024
MAX_INSTANT = 2**53 - 1
MAX_DIGITS = 100
LABEL_FORM = re.compile(r"[\w./-]{1,64}=[\w./ -]{0,128}")


class Wire(BaseModel):
    """Camel case on the wire; unknown fields are refused (new routes)."""

    model_config = ConfigDict(
        alias_generator=to_camel,
        populate_by_name=True,
        extra="forbid",
        ser_json_inf_nan="constants",
    )


class OldWire(Wire):
    """As ``Wire``, but unknown fields are ignored as they always were (old routes)."""

    model_config = ConfigDict(extra="ignore")


def without_nul(text: str) -> str:
    """Refuse a text that holds a NUL, which SQLite's own functions take for its end."""
    if "\0" in text:
        raise ValueError("a text holds a NUL character")
    return text


def whole(value: object) -> object:
    """Take a number without its fraction, and refuse a boolean, which Python takes for a number."""
    if isinstance(value, bool):
        raise ValueError("a number is expected")  # noqa: TRY004 - pydantic wants ValueError
    if isinstance(value, float):
        return int(value)
    return value


def _bounded(value: object) -> object:
    """Bring an absurd number of milliseconds into bounds instead of refusing it."""
    number = whole(value)
    if isinstance(number, str) and len(number) < MAX_DIGITS and number.strip().lstrip("+-").isdecimal():
        number = int(number)
    return max(-MAX_INSTANT, min(number, MAX_INSTANT)) if isinstance(number, int) else number


def _label(label: str) -> str:
    if not LABEL_FORM.fullmatch(label):
        raise ValueError("a label is key=value")
    return label


def _base64(text: str) -> str:
    """Return *text* without the line breaks that some programs put into base64; refuse anything else."""
    joined = "".join(text.split())
    try:
        b64decode(joined, validate=True)
    except ValueError as error:
        raise ValueError("content is not base64") from error
    return joined


def _envelope(text: str) -> str:
    """Refuse what no worker could read; whether the signature is good is the worker's to say."""
    try:
        dsse.parse(text)
    except EnvelopeRejected as error:
        raise ValueError(f"signature is no DSSE envelope: {error}") from error
    return text


Text = Annotated[str, Field(max_length=MAX_TEXT), AfterValidator(without_nul)]
Name = Annotated[str, Field(max_length=200), AfterValidator(without_nul)]
Whole = Annotated[int, BeforeValidator(whole)]
Milliseconds = Annotated[int, BeforeValidator(_bounded)]
Instant = Annotated[Whole, Field(ge=0, le=MAX_INSTANT)]
Label = Annotated[str, AfterValidator(_label)]
Labels = Annotated[list[Label], Field(max_length=32)]
Signature = Annotated[str, AfterValidator(_envelope), Field(max_length=dsse.MAX_TEXT)]


class Options(OldWire):
    """What can be said of any task."""

    timeout: Milliseconds = Field(default=30_000, description="Milliseconds; kept between 1 s and 24 h.")
    effect: Literal["read", "idempotent", "mutating"] | None = None
    priority: Annotated[Whole, Field(ge=-100, le=100)] = 0
    labels: Labels | None = Field(default=None, description="key=value that the worker must have.")
    ttl: Annotated[Whole, Field(ge=1, le=MAX_INSTANT // 2)] | None = Field(
        default=None,
        description="Milliseconds within which the task must be started, else it expires.",
    )
    max_attempts: Annotated[Whole, Field(ge=1, le=100)] | None = None
    not_before: Instant | None = None
    tags: Annotated[list[Name], Field(max_length=32)] | None = None
    on_behalf_of: Name | None = None
    session_id: Annotated[Name, Field(min_length=1)] | None = None
    signature: Signature | None = Field(
        default=None, description="The task, signed for its worker: a DSSE envelope as text."
    )


class SubmitTask(Options):
    """A command (as text for the shell, or as ``argv`` without one), or a task of another kind."""

    kind: Annotated[str, Field(max_length=64)] = "command"
    command: Text | None = None
    argv: Annotated[list[Text], Field(min_length=1, max_length=4096)] | None = None
    cwd: Name | None = None
    env: dict[Annotated[str, Field(max_length=256, pattern="^[^=]+$")], Text] | None = None
    stdin: Text | None = None
    payload: dict[str, Any] | None = None

    @model_validator(mode="after")
    def _has_content(self) -> SubmitTask:
        if not KIND_FORM.fullmatch(self.kind):
            raise ValueError("kind is lower-case letters, digits and '-'")
        if self.kind in (Kind.FILE_READ, Kind.FILE_WRITE, Kind.FILE_EDIT):
            raise ValueError(f"{self.kind} tasks go to /files/{self.kind.removeprefix('file-')}")
        if self.kind in AGENT_KINDS:
            raise ValueError(f"{self.kind} tasks go to /{cli_of(self.kind)}")
        if self.kind != Kind.COMMAND:
            return self
        if not self.command and not self.argv:
            raise ValueError("command is required")
        if self.command and self.argv:
            raise ValueError("give either command or argv, not both")
        if self.argv and not self.argv[0]:
            raise ValueError("the first word of argv is empty")
        return self

    def content(self) -> dict[str, Any]:
        """Return the payload that the worker gets."""
        if self.kind != Kind.COMMAND:
            return self.payload or {}
        said: dict[str, Any] = {"command": self.command, "argv": self.argv, "cwd": self.cwd}
        said |= {"env": self.env, "stdin": self.stdin}
        return {key: value for key, value in said.items() if value is not None}


class ReadFile(Options):
    """Read a file."""

    path: Annotated[Text, Field(max_length=4096)] = ""
    encoding: Literal["utf8", "base64"] = "utf8"
    offset: Annotated[Whole, Field(ge=0, le=MAX_INSTANT)] | None = None
    limit: Annotated[Whole, Field(ge=1, le=MAX_INSTANT)] | None = None

    @model_validator(mode="after")
    def _has_path(self) -> ReadFile:
        if not self.path:
            raise ValueError("path is required")
        return self

    def content(self) -> dict[str, Any]:
        """Return the payload that the worker gets."""
        said: dict[str, Any] = {"path": self.path, "encoding": self.encoding}
        said |= {"offset": self.offset, "limit": self.limit}
        return {key: value for key, value in said.items() if value is not None}


class WriteFile(Options):
    """Write a file: exactly these bytes."""

    path: Annotated[Text, Field(max_length=4096)] = ""
    content_: Annotated[str, Field(max_length=MAX_TEXT)] | None = Field(default=None, alias="content")
    encoding: Literal["utf8", "base64"] = "utf8"

    @model_validator(mode="after")
    def _has_content(self) -> WriteFile:
        if not self.path or self.content_ is None:
            raise ValueError("path and content are required")
        if self.encoding == "base64":
            self.content_ = _base64(self.content_)
        return self

    def content(self) -> dict[str, Any]:
        """Return the payload that the worker gets."""
        return {"path": self.path, "content": self.content_, "encoding": self.encoding}


class EditFile(Options):
    """Replace one piece of a file, exactly."""

    path: Annotated[Text, Field(max_length=4096)] = ""
    old_string: Text | None = Field(default=None, alias="old_string")
    new_string: Text | None = Field(default=None, alias="new_string")
    replace_all: bool = Field(default=False, alias="replace_all")

    @model_validator(mode="after")
    def _has_strings(self) -> EditFile:
        if not self.path or not self.old_string or self.new_string is None:
            raise ValueError("path, old_string, new_string are required")
        return self

    def content(self) -> dict[str, Any]:
        """Return the payload that the worker gets."""
        return {
            "path": self.path,
            "oldString": self.old_string,
            "newString": self.new_string,
            "replaceAll": self.replace_all,
        }


class Batch(Wire):
    """Up to 1,000 tasks, taken all or none."""

    tasks: Annotated[list[SubmitTask], Field(min_length=1, max_length=1000)]


class Cancel(Wire):
    """Why a task is withdrawn."""

    reason: Name | None = None


class Decide(Wire):
    """The answer to a question, and perhaps why."""

    decision: Literal["approve", "deny"]
    comment: Annotated[str, Field(max_length=1000), AfterValidator(without_nul)] | None = None
    signature: Signature | None = Field(
        default=None, description="The answer, signed for the worker that asked: a DSSE envelope as text."
    )


class Wait(Wire):
    """How long an answer may be held; an absurd value is brought into bounds."""

    model_config = ConfigDict(extra="ignore")

    wait: Milliseconds = 0


class ListTasks(Wire):
    """What to list; ``state`` may be several words with commas."""

    state: Name | None = None
    kind: Name | None = None
    actor: Name | None = None
    worker: Name | None = None
    q: Name | None = None
    since: Instant | None = None
    until: Instant | None = None
    tag: Name | None = None
    limit: Annotated[int, Field(ge=1, le=500)] = 50
    cursor: Annotated[str, Field(pattern=r"^[0-9a-f-]{36}$")] | None = None


class ListApprovals(Wire):
    """Which questions to list; with ``version`` and ``wait``, held until there is another list."""

    state: Literal["pending", "approved", "denied", "expired", "withdrawn", "all"] = "pending"
    limit: Annotated[int, Field(ge=1, le=500)] = 50
    version: Name | None = None
    wait: Milliseconds = 0


class ListEvents(Wire):
    """Which events to list, the newest first."""

    model_config = ConfigDict(extra="ignore")

    limit: Annotated[int, Field(ge=1, le=500)] = 50
    task_id: Name | None = None
    type: Name | None = None
    cursor: Instant | None = None


class ReadOutput(Wire):
    """From which byte of which stream to go on, and how long to wait for more."""

    stream: Literal["stdout", "stderr"] = "stdout"
    from_: Instant = Field(default=0, alias="from")
    wait: Milliseconds = 0
