"""What the service answers, as frozen values: instants end in ``_at`` (epoch ms), durations in ``_ms``."""

from __future__ import annotations

import base64
import binascii
from dataclasses import dataclass, field

from clawtrail import fields
from clawtrail.errors import BadAnswer
from clawtrail.fields import Json
from clawtrail.result import Result


@dataclass(frozen=True, slots=True)
class Submitted:
    """A task that is durable on the record; ``rerun_of`` names the task that it repeats.

    ``session_id`` is that of a prompt: give it with the next one to go on.
    """

    task_id: str
    rerun_of: str | None = None
    session_id: str | None = None

    @classmethod
    def read(cls, answer: Json) -> Submitted:
        """Read the answer of a submitting route."""
        rerun_of, session_id = (fields.text_or_none(answer, name) for name in ("rerunOf", "sessionId"))
        return cls(fields.text(answer, "taskId"), rerun_of, session_id)


@dataclass(frozen=True, slots=True)
class Unfinished:
    """A task that has not ended: ``state`` is exact, ``status`` is ``pending`` or ``running``."""

    task_id: str
    state: str
    status: str


def read_standing(answer: Json) -> Result | Unfinished:
    """Read the answer to "how does this task stand": its result, or that there is none yet."""
    task_id, status = fields.text(answer, "taskId"), fields.text(answer, "status")
    if status in ("pending", "running"):
        return Unfinished(task_id, fields.text_or_none(answer, "state") or status, status)
    completed_at = answer.get("completedAt")
    return Result(
        task_id=task_id,
        state=fields.text_or_none(answer, "state") or status,
        stdout=fields.text(answer, "stdout"),
        stderr=fields.text(answer, "stderr"),
        exit_code=fields.integer(answer, "exitCode"),
        error=fields.text_or_none(answer, "error"),
        reason=fields.text_or_none(answer, "reason"),
        completed_at=completed_at if isinstance(completed_at, int) else None,
        duration_ms=fields.integer_or_none(answer, "durationMs"),
        truncated=answer.get("truncated") is True,
        metadata=fields.mapping(answer, "metadata"),
        raw=answer,
    )


def read_content(result: Result) -> bytes:
    """Return the bytes that a reading of a file brought; raises ``BadAnswer`` where some are missing."""
    if result.truncated:
        raise BadAnswer("The file is too large for one answer: read it in parts, with offset and limit.")
    return _base64(result.stdout, "stdout")


@dataclass(frozen=True, slots=True)
class Chunk:
    """Some bytes of a stream as they stand from ``start`` on; ``skipped`` bytes before it were not kept."""

    stream: str
    start: int
    data: bytes
    skipped: int = 0

    @classmethod
    def read(cls, answer: Json) -> Chunk:
        """Read one answer of the output route."""
        data, start = _base64(fields.text(answer, "data"), "data"), fields.integer(answer, "from")
        return cls(fields.text(answer, "stream"), start, data, fields.integer_or_none(answer, "skipped") or 0)


@dataclass(frozen=True, slots=True)
class Summary:
    """One task in a list; ``summary`` is one line, such as the command or the path."""

    task_id: str
    kind: str
    state: str
    summary: str
    actor: str
    worker: str | None
    attempt: int
    reason: str | None
    exit_code: int | None
    created_at: int
    started_at: int | None
    finished_at: int | None
    duration_ms: int | None
    tags: tuple[str, ...]
    raw: Json = field(repr=False, compare=False)

    @classmethod
    def read(cls, answer: Json) -> Summary:
        """Read one member of a list of tasks."""
        return cls(
            task_id=fields.text(answer, "taskId"),
            kind=fields.text(answer, "kind"),
            state=fields.text(answer, "state"),
            summary=fields.text_or_none(answer, "summary") or "",
            actor=fields.text_or_none(answer, "actor") or "",
            worker=fields.text_or_none(answer, "worker"),
            attempt=fields.integer_or_none(answer, "attempt") or 0,
            reason=fields.text_or_none(answer, "reason"),
            exit_code=fields.integer_or_none(answer, "exitCode"),
            created_at=fields.integer(answer, "createdAt"),
            started_at=fields.integer_or_none(answer, "startedAt"),
            finished_at=fields.integer_or_none(answer, "finishedAt"),
            duration_ms=fields.integer_or_none(answer, "durationMs"),
            tags=fields.texts(answer, "tags"),
            raw=answer,
        )


@dataclass(frozen=True, slots=True)
class Outcome:
    """What one finished attempt left; one that came too late is kept, with ``accepted`` False."""

    attempt: int
    accepted: bool
    exit_code: int | None
    error: str | None
    duration_ms: int | None
    reported_at: int | None
    metadata: Json

    @classmethod
    def read(cls, answer: Json) -> Outcome:
        """Read one member of the outcomes of a task."""
        return cls(
            attempt=fields.integer(answer, "attempt"),
            accepted=fields.truth(answer, "accepted"),
            exit_code=fields.integer_or_none(answer, "exitCode"),
            error=fields.text_or_none(answer, "error"),
            duration_ms=fields.integer_or_none(answer, "durationMs"),
            reported_at=fields.integer_or_none(answer, "reportedAt"),
            metadata=fields.mapping(answer, "metadata"),
        )


@dataclass(frozen=True, slots=True)
class Detail:
    """Everything about one task: why it stands where it stands, what comes next, what it left."""

    summary: Summary
    payload: Json
    outcomes: tuple[Outcome, ...]
    why: str | None
    next: str | None
    safe_to_resend: bool | None
    raw: Json = field(repr=False, compare=False)

    @classmethod
    def read(cls, answer: Json) -> Detail:
        """Read the answer of the detail route."""
        task, explain = fields.mapping(answer, "task"), fields.mapping(answer, "explain")
        safe = explain.get("safeToResend")
        return cls(
            summary=Summary.read(task),
            payload=fields.mapping(task, "payload"),
            outcomes=tuple(map(Outcome.read, fields.mappings(answer, "outcomes"))),
            why=fields.text_or_none(explain, "why"),
            next=fields.text_or_none(explain, "next"),
            safe_to_resend=safe if isinstance(safe, bool) else None,
            raw=answer,
        )


@dataclass(frozen=True, slots=True)
class Event:
    """One line of the record."""

    seq: int
    at: int
    type: str
    task_id: str | None
    attempt: int | None
    actor: str
    detail: Json
    raw: Json = field(repr=False, compare=False)

    @classmethod
    def read(cls, answer: Json) -> Event:
        """Read one member of a list of events."""
        return cls(
            seq=fields.integer(answer, "seq"),
            at=fields.integer(answer, "at"),
            type=fields.text(answer, "type"),
            task_id=fields.text_or_none(answer, "taskId"),
            attempt=fields.integer_or_none(answer, "attempt"),
            actor=fields.text(answer, "actor"),
            detail=fields.mapping(answer, "detail"),
            raw=answer,
        )


@dataclass(frozen=True, slots=True)
class WorkerSeen:
    """One worker as the server last saw it."""

    worker_id: str
    name: str
    state: str
    online: bool
    kinds: tuple[str, ...]
    labels: tuple[str, ...]
    version: str
    free: int
    held: int
    last_seen_at: int | None
    sandboxes: tuple[str, ...]
    raw: Json = field(repr=False, compare=False)

    @classmethod
    def read(cls, answer: Json) -> WorkerSeen:
        """Read one member of the list of workers."""
        worker_id = fields.text(answer, "workerId")
        return cls(
            worker_id=worker_id,
            name=fields.text_or_none(answer, "name") or worker_id,
            state=fields.text_or_none(answer, "state") or "active",
            online=answer.get("online") is True,
            kinds=fields.texts(answer, "kinds"),
            labels=fields.texts(answer, "labels"),
            version=fields.text_or_none(answer, "version") or "",
            free=fields.integer_or_none(answer, "free") or 0,
            held=fields.integer_or_none(answer, "held") or 0,
            last_seen_at=fields.integer_or_none(answer, "lastSeenAt"),
            sandboxes=fields.texts(answer, "sandboxes"),
            raw=answer,
        )


@dataclass(frozen=True, slots=True)
class Stats:
    """How many tasks there are, in all and by state."""

    total: int
    by_status: dict[str, int]

    @classmethod
    def read(cls, answer: Json) -> Stats:
        """Read the answer of the statistics route."""
        queue = fields.mapping(answer, "queue")
        counts = fields.mapping(queue, "byStatus")
        return cls(fields.integer(queue, "total"), {name: fields.integer(counts, name) for name in counts})


def _base64(text: str, name: str) -> bytes:
    try:
        return base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        raise BadAnswer(f"The answer of the server is not as expected: {name!r} is not base64.") from None
