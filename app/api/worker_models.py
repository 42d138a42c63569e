"""What workers send."""

from __future__ import annotations

import binascii
from base64 import b64decode
from datetime import UTC, datetime
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BeforeValidator, ConfigDict, Field, model_validator

from app.api.models import (
    Instant,
    Labels,
    Milliseconds,
    Name,
    OldWire,
    Text,
    Whole,
    Wire,
    whole,
    without_nul,
)

MAX_FREE = 64
MAX_DESCRIBE = 4000
MAX_ERROR = 2000
MAX_SHORT = 500
MAX_AT = 253_402_300_799_999
"""The last instant that can be written as a time with a year of four digits."""

MACHINE = Annotated[str, Field(pattern=r"^[A-Za-z0-9_.-]{1,64}$")]
Lease = Annotated[str, Field(max_length=200)]
Checkpoint = Annotated[Text, Field(max_length=4000)]
Kinds = Annotated[list[Annotated[str, Field(pattern=r"^[a-z][a-z0-9-]{0,63}$")]], Field(max_length=64)]


class Sync(Wire):
    """What a worker says of itself when it asks for news."""

    worker_id: MACHINE
    session: Annotated[Name, Field(min_length=1)]
    name: Name | None = None
    kinds: Kinds
    labels: Labels = Field(default=[])
    version: Name | None = None
    free: Annotated[Whole, Field(ge=0, le=MAX_FREE)] = 0
    leases: Annotated[list[Lease], Field(max_length=1000)] = Field(default=[])
    in_flight: Annotated[Whole, Field(ge=0, le=1000)] = 0
    cancelling: Annotated[list[Name], Field(max_length=1000)] = Field(
        default=[],
        description="Tasks whose cancellation the worker knows of; a sync is not answered for them.",
    )
    heard: Annotated[list[Name], Field(max_length=1000)] = Field(
        default=[],
        description="Questions of runs whose answers the worker knows; a sync is not answered for them.",
    )
    awaiting: Annotated[list[Name], Field(max_length=100)] = Field(
        default=[],
        description="Tasks that the worker put to people, and whose end without a run it wants to hear of.",
    )
    drain: bool | None = Field(
        default=None,
        description="What the worker was last told of draining; a sync is answered when that is out of date.",
    )
    policy_hash: Name | None = None
    sandboxes: Annotated[list[Name], Field(max_length=32)] = Field(default=[])
    checkpoint: Instant | None = Field(
        default=None,
        description="The size of the newest checkpoint that the worker knows; another is told in the answer.",
    )
    wait: Milliseconds = 0


class Start(Wire):
    """An attempt is about to be executed, by leave of the worker's policy; nothing runs before the answer."""

    type: Literal["start"]
    lease: Lease
    rule: Name | None = None
    digest: Name | None = Field(
        default=None, description="Of exactly what would run: SHA-256 in hexadecimal."
    )
    policy_hash: Name | None = None


class Verdict(Wire):
    """What the worker's policy says of an attempt that does not start now: deny, or ask.

    *allow* is taken from workers that tell it by itself; the start can tell it.
    """

    type: Literal["verdict"]
    lease: Lease
    verdict: Literal["allow", "ask", "deny"]
    rule: Name
    digest: Name = ""
    policy_hash: Name = ""
    describe: Annotated[Text, Field(max_length=MAX_DESCRIBE)] = Field(
        default="",
        description="With ask: what exactly would run, for the people who decide.",
    )
    error: Annotated[Text, Field(max_length=MAX_ERROR)] | None = Field(
        default=None,
        description="With deny: the sentence for whoever submitted the task, where it is not the usual one.",
    )


class RunQuestion(Wire):
    """A run asks people before it does something; it goes on meanwhile, and hears the answer by its syncs."""

    type: Literal["question"]
    lease: Lease
    rule: Name
    digest: Name
    policy_hash: Name = ""
    describe: Annotated[Text, Field(max_length=MAX_DESCRIBE)] = Field(
        default="", description="What exactly would be done, for the people who decide."
    )


class OutputPiece(Wire):
    """A piece of output at its byte offset in the real stream, in base64."""

    type: Literal["output"]
    lease: Lease
    stream: Literal["stdout", "stderr"]
    offset: Instant
    data: Text

    def raw(self) -> bytes:
        """Return the bytes; raises ``ValueError`` for what is not base64."""
        try:
            return b64decode(self.data, validate=True)
        except binascii.Error as error:
            raise ValueError("data is not base64") from error


class Ended(Wire):
    """How an attempt ended."""

    type: Literal["result"]
    lease: Lease
    exit_code: Annotated[Whole, Field(gt=-(2**53), lt=2**53)]
    error: Text | None = None
    duration_ms: Instant | None = None
    metadata: dict[str, Any] | None = None
    stdout: Text | None = None
    stderr: Text | None = None
    stdout_bytes: Instant = 0
    stderr_bytes: Instant = 0
    truncated: bool = False
    reason: Literal["exit", "timeout", "cancelled", "policy", "failed", "interrupted"] = "exit"


class Note(Wire):
    """Something that the worker wants on the record."""

    type: Literal["note"]
    task_id: Name | None = None
    name: Name
    details: dict[str, Any] | None = None
    metadata: dict[str, Any] | None = None


class Alarm(Wire):
    """The record that the worker was shown is not the one that it saw before."""

    type: Literal["alarm"]
    fault: Literal["shrank", "forked", "key", "signature", "unproven"]
    reason: Annotated[str, Field(max_length=2000)]
    remembered: Checkpoint | None = None
    shown: Checkpoint


def _cut(value: object) -> object:
    return value[:MAX_SHORT] if isinstance(value, str) else value


Short = Annotated[str, BeforeValidator(_cut), AfterValidator(without_nul)]


class ToolUsed(Wire):
    """An agent used a tool, or was kept from it; longer texts are cut."""

    type: Literal["tool_used"]
    lease: Lease
    tool: Annotated[Name, Field(min_length=1)]
    input: Short = ""
    verdict: Literal["allow", "deny"] | None = None
    number: Annotated[Whole, Field(ge=1, le=10**9)] | None = Field(
        default=None,
        description="Counts the uses of an attempt from 1: so one that is told again is not put down twice.",
    )


class CallbackEnded(Wire):
    """What came of telling a chat how a task ended; longer texts are cut."""

    type: Literal["callback"]
    task_id: Name
    outcome: Literal["sent", "failed"]
    sink: Name
    tries: Annotated[Whole, Field(ge=0, le=1000)] = 1
    error: Short | None = None


def _instant(value: object) -> object:
    """Take an instant as epoch milliseconds or as a text in ISO 8601."""
    if not isinstance(value, str):
        return value
    try:
        at = datetime.fromisoformat(value)
        return int((at if at.tzinfo else at.replace(tzinfo=UTC)).timestamp() * 1000)
    except (ValueError, OverflowError) as error:
        raise ValueError("an instant is epoch milliseconds or a text in ISO 8601") from error


class FoundSession(OldWire):
    """A session of an agent that a worker found on its computer."""

    session_id: Annotated[Name, Field(min_length=1)]
    project: Short | None = None
    last_modified: Annotated[int, BeforeValidator(_instant), BeforeValidator(whole), Field(ge=0, le=MAX_AT)]
    size_kb: Annotated[Whole, Field(ge=0, le=2**40)] = Field(default=0, alias="sizeKB")
    topic: Short | None = None


class Found(Wire):
    """The newest sessions of one agent on a worker's computer, in the place of those told before."""

    type: Literal["recent"]
    cli: Literal["claude", "codex", "gemini"]
    sessions: Annotated[list[FoundSession], Field(max_length=20)]


Item = Annotated[
    Start | Verdict | RunQuestion | OutputPiece | Ended | Note | Alarm | ToolUsed | CallbackEnded | Found,
    Field(discriminator="type"),
]


class Report(Wire):
    """Any number of things to tell; perhaps slots that are free from now on."""

    worker_id: MACHINE
    session: Annotated[Name, Field(min_length=1)]
    items: Annotated[list[Item], Field(max_length=1000)]
    free: Annotated[Whole, Field(ge=0, le=MAX_FREE)] = 0
    kinds: Kinds | None = None
    labels: Labels | None = None
    in_flight: Annotated[Whole, Field(ge=0, le=1000)] = 0


class OldPoll(OldWire):
    """How long an old worker's poll may be held."""

    wait: Milliseconds = 30_000


def _text(value: object) -> object:
    return value if isinstance(value, str) or value is None else str(value)


class OldResult(OldWire):
    """An outcome as old workers send it; its exit code may be a word."""

    model_config = ConfigDict(extra="ignore")

    task_id: Annotated[str, Field(max_length=200)] = ""
    stdout: Annotated[str | None, BeforeValidator(_text)] = None
    stderr: Annotated[str | None, BeforeValidator(_text)] = None
    exit_code: Any = None
    error: Annotated[str | None, BeforeValidator(_text)] = None
    duration: Any = None
    metadata: dict[str, Any] | None = None

    @model_validator(mode="after")
    def _has_id(self) -> OldResult:
        if not self.task_id:
            raise ValueError("taskId is required")
        return self


class OldNote(OldWire):
    """An event as old workers send it."""

    task_id: Name | None = None
    type: Name = "note"
    details: Any = None
    metadata: dict[str, Any] | None = None
