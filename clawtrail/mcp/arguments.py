"""What tools take, with the words by which a model learns to fill it in."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, model_validator

LONGEST_WAIT = 30.0
"""Seconds that a tool waits at most; with what else may take time, its answer is there within 45."""

PIECE = 20_000
"""How much of a file or a stream one answer holds at most: bytes of it, or characters."""


class Arguments(BaseModel):
    """The arguments of a tool; names that it does not know are refused."""

    model_config = ConfigDict(extra="forbid")


Wait = Annotated[
    float,
    Field(
        ge=0,
        le=LONGEST_WAIT,
        description="Seconds to wait for the end, at most 30. 0 returns at once with the task's id. "
        "A task that takes longer goes on by itself: use wait_task.",
    ),
]
TaskId = Annotated[
    str,
    Field(pattern=r"^[\w-]+$", max_length=200, description="The task_id that another tool gave."),
]
Path = Annotated[
    str,
    Field(
        min_length=1,
        max_length=4096,
        description="Path on the worker's computer: absolute, or beginning with ~/.",
    ),
]


class Submission(Arguments):
    """What every tool takes that makes a task."""

    wait_seconds: Wait = LONGEST_WAIT
    request_key: str | None = Field(
        default=None,
        min_length=1,
        max_length=200,
        description="A unique word of your own for this call. If no answer came and you call again, give the "
        "same word with the same arguments: the work is then not done twice.",
    )
    labels: list[str] | None = Field(
        default=None,
        max_length=32,
        description="Only a worker with all of these labels may run it, such as os=linux. Leave it out if "
        "any computer will do.",
    )


class RunCommand(Submission):
    """A command: text for the shell, or program and arguments without one."""

    command: str | None = Field(
        default=None,
        min_length=1,
        description="Command line for the shell. Give either this or argv.",
    )
    argv: list[str] | None = Field(
        default=None,
        min_length=1,
        description="Program and arguments, run without a shell, so that nothing needs quoting. Preferred "
        "where no pipes or redirections are needed.",
    )
    cwd: str | None = Field(default=None, min_length=1, description="The folder to run it in.")
    stdin: str | None = Field(default=None, description="Text for its standard input.")
    timeout_seconds: float = Field(
        default=120.0, ge=1, le=86_400, description="How long it may run before it is stopped."
    )

    @model_validator(mode="after")
    def _one_of_both(self) -> RunCommand:
        if (self.command is None) == (self.argv is None):
            raise ValueError("give either command or argv")
        return self


class ReadFile(Submission):
    """A piece of a file."""

    path: Path
    offset: int = Field(default=0, ge=0, le=2**53 - 1, description="The byte to begin with.")
    limit: int = Field(default=PIECE, ge=1, le=PIECE, description="How many bytes to read at most.")
    encoding: Literal["utf8", "base64"] = Field(
        default="utf8", description="base64 for files that are no UTF-8 text."
    )


class WriteFile(Submission):
    """The whole content of a file."""

    path: Path
    content: str = Field(description="The whole new content; what the file held before is replaced.")
    encoding: Literal["utf8", "base64"] = Field(
        default="utf8", description="base64 if content is binary data in base64."
    )


class EditFile(Submission):
    """An exact replacement in a file."""

    path: Path
    old_string: str = Field(
        min_length=1,
        description="The exact text to replace, blanks and line breaks included. It must stand in the file "
        "exactly once, unless replace_all is true.",
    )
    new_string: str = Field(description="The text to put in its place.")
    replace_all: bool = Field(default=False, description="Replace it wherever it stands.")


class AskClaude(Submission):
    """A prompt for Claude Code."""

    prompt: str = Field(min_length=1, description="What to ask or to have done, in plain words.")
    session_id: str | None = Field(
        default=None,
        min_length=1,
        max_length=200,
        description="The session_id of an earlier answer, to go on with that conversation. Without it a new "
        "one begins, which knows nothing of earlier ones.",
    )
    model: str | None = Field(default=None, min_length=1, max_length=200, description="Which model to use.")
    cwd: str | None = Field(
        default=None, min_length=1, max_length=200, description="The folder in which a new session begins."
    )
    max_cost_usd: float | None = Field(
        default=None, gt=0, le=10_000, description="What the run may cost at most, in US dollars."
    )
    timeout_seconds: float = Field(
        default=600.0, ge=1, le=86_400, description="How long it may work before it is stopped."
    )


class GetTask(Arguments):
    """Which task to look at, and perhaps from which byte of its output to read on."""

    task_id: TaskId
    stream: Literal["stdout", "stderr"] | None = Field(
        default=None, description="To read a piece of this stream instead of its beginning and end."
    )
    offset: int = Field(
        default=0, ge=0, le=2**53 - 1, description="The byte of the stream to begin with; only with stream."
    )


class WaitTask(Arguments):
    """Which task to wait for."""

    task_id: TaskId
    wait_seconds: Annotated[
        float, Field(ge=0, le=LONGEST_WAIT, description="Seconds to wait for the end, at most 30.")
    ] = LONGEST_WAIT


State = Literal[
    "pending",
    "claimed",
    "awaiting_approval",
    "running",
    "completed",
    "failed",
    "cancelled",
    "denied",
    "expired",
    "unknown",
]


class ListTasks(Arguments):
    """Which tasks to list."""

    states: list[State] | None = Field(default=None, description="Only tasks in one of these states.")
    kind: str | None = Field(
        default=None,
        max_length=64,
        description="Only tasks of this kind: command, file-read, file-write, file-edit, claude-cli, ...",
    )
    text: str | None = Field(
        default=None, max_length=200, description="Only tasks whose command, path or prompt holds this."
    )
    limit: int = Field(default=20, ge=1, le=100, description="How many to list at most, the newest first.")
    cursor: str | None = Field(
        default=None, max_length=200, description="The next_cursor of the list before, to go on with it."
    )


class CancelTask(Arguments):
    """Which task to end, and why."""

    task_id: TaskId
    reason: str | None = Field(default=None, max_length=200, description="Why, for the record.")
