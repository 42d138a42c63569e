"""Schedules as a client sees them: tasks that the server submits by itself, again and again."""

from __future__ import annotations

import uuid
from dataclasses import dataclass, field
from typing import Literal, TypedDict, Unpack
from urllib.parse import quote

from clawtrail import fields
from clawtrail.answers import Submitted
from clawtrail.fields import Json
from clawtrail.tasks import Task
from clawtrail.transport import Question, Transport

Misfire = Literal["skip", "once"]
Overlap = Literal["skip", "queue"]


class Timing(TypedDict, total=False):
    """When besides the cron expression: its time zone (UTC), and both policies (``skip``).

    ``misfire``: times that passed while the server was down are skipped, or run ``once`` for all.
    ``overlap``: a time at which the last task still goes on is skipped, or ``queue`` runs once after it.
    """

    tz: str
    misfire: Misfire
    overlap: Overlap


class Changes(Timing, total=False):
    """What of a schedule shall be different."""

    cron: str
    task: Task


@dataclass(frozen=True, slots=True)
class Schedule:
    """One schedule. ``upcoming`` has its next five times as ISO 8601, where it was asked for alone.

    ``next_at`` is None while it is paused; ``paused_why`` says why, where the server did it by itself.
    """

    name: str
    state: str
    cron: str
    tz: str
    misfire: str
    overlap: str
    summary: str
    created_by: str
    next_at: int | None
    upcoming: tuple[str, ...]
    last_at: int | None
    last_task_id: str | None
    last_state: str | None
    paused_why: str | None
    raw: Json = field(repr=False, compare=False)

    @classmethod
    def read(cls, answer: Json) -> Schedule:
        """Read one schedule, alone or as a member of the list."""
        return cls(
            name=fields.text(answer, "name"),
            state=fields.text(answer, "state"),
            cron=fields.text(answer, "cron"),
            tz=fields.text(answer, "tz"),
            misfire=fields.text(answer, "misfire"),
            overlap=fields.text(answer, "overlap"),
            summary=fields.text_or_none(answer, "summary") or "",
            created_by=fields.text(answer, "createdBy"),
            next_at=fields.integer_or_none(answer, "nextAt"),
            upcoming=fields.texts(answer, "next"),
            last_at=fields.integer_or_none(answer, "lastAt"),
            last_task_id=fields.text_or_none(answer, "lastTaskId"),
            last_state=fields.text_or_none(answer, "lastState"),
            paused_why=fields.text_or_none(answer, "pausedWhy"),
            raw=answer,
        )


class Schedules:
    """What a client can do with schedules; threads may share it.

    Whoever made a schedule can change it, and an admin: others get ``Forbidden``. A name that is none of a
    schedule raises ``NotFound``.
    """

    def __init__(self, transport: Transport) -> None:
        self._transport = transport

    def add(self, name: str, cron: str, task: Task, **timing: Unpack[Timing]) -> Schedule:
        """Have *task* submitted at each time that *cron* names.

        The same again changes nothing. Raises ``InvalidRequest`` for what cannot be, ``Conflict`` when
        another schedule has the name, ``ValueError`` for file operations.
        """
        return self._tell("/schedules", {"name": name, "cron": cron, **timing, "task": _content(task)})

    def list(self) -> tuple[Schedule, ...]:
        """Return all schedules by name, without their ``upcoming`` times."""
        answer = self._transport.ask(Question("GET", "/schedules")).content
        return tuple(map(Schedule.read, fields.mappings(answer, "schedules")))

    def show(self, name: str) -> Schedule:
        """Return one schedule."""
        return Schedule.read(self._transport.ask(Question("GET", _path(name))).content)

    def change(self, name: str, **changes: Unpack[Changes]) -> Schedule:
        """Change what is given and leave the rest. Raises ``InvalidRequest`` when nothing is."""
        task = changes.get("task")
        content = {} if task is None else {"task": _content(task)}
        return self._tell(_path(name, "change"), {**changes, **content})

    def pause(self, name: str) -> Schedule:
        """Let it rest until it is resumed; times that pass meanwhile are not made up for."""
        return self._tell(_path(name, "pause"), {})

    def resume(self, name: str) -> Schedule:
        """Let it go on with its next time."""
        return self._tell(_path(name, "resume"), {})

    def run(self, name: str) -> Submitted:
        """Have its task submitted now, besides its times; raises ``Conflict`` while its last one goes on."""
        question = Question("POST", _path(name, "run"), body={}, idempotency_key=str(uuid.uuid4()))
        return Submitted.read(self._transport.ask(question).content)

    def remove(self, name: str) -> None:
        """End it; its tasks stay, and what the record tells."""
        self._transport.ask(Question("POST", _path(name, "remove"), body={}))

    def _tell(self, path: str, body: Json) -> Schedule:
        return Schedule.read(self._transport.ask(Question("POST", path, body=body)).content)


def _path(name: str, act: str = "") -> str:
    return "/".join(filter(None, ("/schedules", quote(name, safe=""), act)))


def _content(task: Task) -> dict[str, object]:
    if task.route == "/tasks":
        return dict(task.body)
    if task.route.startswith("/files/"):
        raise ValueError("file operations cannot be scheduled")
    return {"kind": f"{task.route.removeprefix('/')}-cli", **task.body}
