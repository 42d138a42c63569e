"""What tools answer, with the words by which a model learns to read it."""

from __future__ import annotations

from typing import Any

from pydantic import BaseModel, Field


class Question(BaseModel):
    """What people are asked before the task may run."""

    approval_id: str
    rule: str | None = Field(description="The rule of the worker's policy that asks.")
    describe: str | None = Field(description="What exactly would run.")
    expires_at: str = Field(description="When it is denied for want of an answer.")
    how_to_answer: str = Field(description="What a human has to do; you cannot answer it yourself.")


class Piece(BaseModel):
    """Bytes of a stream from one of them on."""

    stream: str
    offset: int = Field(description="The byte that text begins with.")
    text: str
    next_offset: int = Field(description="Where to read on.")
    done: bool = Field(description="True if there is and will be nothing after this piece.")


class TaskAnswer(BaseModel):
    """How a task stands, and what it left if it has ended."""

    task_id: str
    state: str
    finished: bool = Field(description="False while the task waits or runs.")
    succeeded: bool | None = Field(
        default=None, description="True if it ran to its end with exit code 0; null while it is unfinished."
    )
    exit_code: int | None = Field(default=None, description="-1 means that it ended without one; see error.")
    stdout: str | None = Field(default=None, description="What it wrote; of a reading, the file's content.")
    stderr: str | None = None
    error: str | None = Field(default=None, description="Why it did not end well.")
    reason: str | None = None
    duration_ms: int | None = None
    session_id: str | None = Field(default=None, description="Of ask_claude: goes on with the conversation.")
    metadata: dict[str, Any] | None = Field(
        default=None,
        description="More about it: diff and sha256 of a change, offset, length and size of a reading, "
        "costUsd, turns and model of an agent.",
    )
    output: Piece | None = Field(default=None, description="The piece of the stream that was asked for.")
    approval: Question | None = Field(
        default=None, description="Set while the task waits for a human's permission."
    )
    left_out: str | None = Field(
        default=None, description="What of the output is not in this answer, and how to get it."
    )
    next: str | None = Field(default=None, description="Why it stands as it does, and what to do next.")


class ListedTask(BaseModel):
    """One task in one line."""

    task_id: str
    kind: str
    state: str
    summary: str = Field(description="Its command, path or prompt, in one line.")
    submitted_by: str
    worker: str | None
    exit_code: int | None
    created_at: str


class TaskList(BaseModel):
    """Tasks, the newest first."""

    tasks: list[ListedTask]
    next_cursor: str | None = Field(description="Give it as cursor for earlier tasks; null at the end.")


class Cancelled(BaseModel):
    """What became of the wish to end a task."""

    task_id: str
    state: str
    message: str
