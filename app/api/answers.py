"""What clients get: answers as models, for the OpenAPI document."""

from __future__ import annotations

from typing import Any

from pydantic import BaseModel, ConfigDict, Field
from pydantic.alias_generators import to_camel


class Answer(BaseModel):
    """Camel case on the wire; more fields may come with later versions."""

    # Only the document is made from these: most servers never need their validators.
    model_config = ConfigDict(
        alias_generator=to_camel, populate_by_name=True, extra="allow", defer_build=True
    )


class Health(Answer):
    """The server is up; numbers as old clients know them."""

    status: str
    tasks: int
    results: int
    active_sessions: int
    version: str


class Accepted(Answer):
    """A task is in the queue, durably."""

    task_id: str
    message: str
    status: str


class Dispatched(Accepted):
    """A task of an agent is in the queue, durably; ``sessionId`` goes on with its session."""

    session_id: str


class AgentSessions(Answer):
    """Sessions of agents, the newest first; ``error`` says why there are none."""

    sessions: list[dict[str, Any]]
    error: str | None = None


class SessionStats(Answer):
    """Numbers of the sessions that are active."""

    sessions: dict[str, Any]


class Notified(Answer):
    """The message was taken by the chat."""

    ok: bool


class Result(Answer):
    """How a task ended; while it is unfinished only ``taskId, status, state, message``."""

    task_id: str
    status: str
    state: str
    stdout: str | None = None
    stderr: str | None = None
    exit_code: int | None = None
    error: str | None = None
    completed_at: int | None = None
    reason: str | None = None
    duration_ms: int | None = None
    truncated: bool | None = None
    metadata: dict[str, Any] | None = None
    message: str | None = None


class BatchAccepted(Answer):
    """All tasks of a batch are in the queue."""

    task_ids: list[str]
    count: int


class Summary(Answer):
    """One task in a list."""

    task_id: str
    kind: str
    state: str
    status: str
    reason: str | None
    summary: str
    actor: str
    worker: str | None
    attempt: int
    exit_code: int | None
    created_at: int
    started_at: int | None
    finished_at: int | None
    duration_ms: int | None
    tags: list[str]


class TaskPage(Answer):
    """A page of tasks; ``nextCursor`` goes on, null at the end."""

    tasks: list[Summary]
    next_cursor: str | None


class Detail(Answer):
    """Everything that is known of a task, and what happens next."""

    task: dict[str, Any]
    outcomes: list[dict[str, Any]]
    approvals: list[dict[str, Any]]
    explain: dict[str, Any]


class InclusionProof(Answer):
    """That an event (by its ``leaf``) is in the record of this ``size`` and ``root``; all in base64."""

    seq: int
    size: int
    leaf: str
    root: str
    hashes: list[str]


class ConsistencyProof(Answer):
    """That the record of one size begins with the record of an earlier one; roots and hashes in base64."""

    from_: int = Field(alias="from")
    to: int
    from_root: str
    to_root: str
    hashes: list[str]


class EventPage(Answer):
    """Events of the record."""

    events: list[dict[str, Any]]


class Output(Answer):
    """Bytes of a stream (base64, and as text), and where to go on."""

    task_id: str
    stream: str
    next: int
    data: str
    text: str
    skipped: int
    done: bool


class Cancelled(Answer):
    """Where the task stands after the cancellation was asked for."""

    task_id: str
    state: str
    status: str
    message: str


class Approval(Answer):
    """A question to people, and how it was answered."""

    approval_id: str
    task_id: str
    state: str
    rule: str
    digest: str
    policy_hash: str
    describe: str | None
    worker: str
    submitted_by: str
    requested_at: int
    expires_at: int
    decided_by: str | None
    decided_at: int | None
    comment: str | None
    used_at: int | None
    signature: str | None


class Approvals(Answer):
    """Questions to people; ``version`` is another one when the list is."""

    approvals: list[Approval]
    version: str


class Stats(Answer):
    """Numbers of tasks by state."""

    queue: dict[str, Any]


class EventStats(Answer):
    """Numbers of events by type."""

    total: int
    by_type: dict[str, int]
    stats: dict[str, Any]


class Rerun(Answer):
    """The new task, and which one it repeats."""

    task_id: str
    message: str
    rerun_of: str


class Workers(Answer):
    """Every worker ever seen."""

    workers: list[dict[str, Any]]


class Schedule(Answer):
    """A schedule: when, what, where it stands; ``next`` has its next five times in its own zone."""

    name: str
    state: str
    cron: str
    tz: str
    misfire: str
    overlap: str
    task: dict[str, Any]
    created_by: str
    created_at: int
    next_at: int | None
    next: list[str]
    last_at: int | None
    last_task_id: str | None
    last_state: str | None
    paused_why: str | None


class Schedules(Answer):
    """All schedules by name, without ``next``."""

    schedules: list[dict[str, Any]]


class Success(Answer):
    """It is done."""

    success: bool


class Synced(Answer):
    """New claims, and what to do about the held ones."""

    tasks: list[dict[str, Any]]
    cancel: list[str]
    lost: list[str]
    drain: bool
    now: int
    lease_ms: int
    start_ms: int
    answers: list[dict[str, Any]] | None = None
    ended: list[dict[str, Any]] | None = None
    checkpoint: str | None = None


class Reported(Answer):
    """One result for each item, in order; perhaps new claims."""

    results: list[dict[str, Any]]
    tasks: list[dict[str, Any]]
    cancel: list[str]
