"""Schedules over HTTP: adding, looking, changing, pausing, running now, removing."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from sqlalchemy import Connection

from app.api import answers, presenting_schedules, schedule_models, submissions
from app.api.routing import CLIENT, READERS, Call, Nothing, Routes
from app.services import firing, schedules
from app.services.schedules import Definition

routes = Routes("schedules")


@routes(
    "POST",
    "/schedules",
    roles=CLIENT,
    body=schedule_models.AddSchedule,
    answers=answers.Schedule,
    limited=True,
)
def add_schedule(call: Call[schedule_models.AddSchedule, Nothing]) -> dict[str, Any]:
    """Submit the same task at each time that a cron expression names."""
    asked = call.body
    definition = Definition(
        cron=asked.cron,
        tz=asked.tz,
        misfire=asked.misfire.value,
        overlap=asked.overlap.value,
        **_content(call, asked.task),
    )
    call.service.write(
        lambda conn: schedules.add(conn, asked.name, definition, actor=call.actor, now=call.now)
    )
    return _shown(call, asked.name)


@routes("GET", "/schedules", roles=READERS, answers=answers.Schedules)
def list_schedules(call: Call[Nothing, Nothing]) -> dict[str, Any]:
    """List all schedules by name."""
    rows = call.service.read(schedules.list_schedules)
    return {"schedules": [presenting_schedules.schedule(row) for row in rows]}


@routes("GET", "/schedules/{name}", roles=READERS, answers=answers.Schedule)
def get_schedule(call: Call[Nothing, Nothing], name: str) -> dict[str, Any]:
    """Show one schedule with its next five times."""
    return _shown(call, name)


@routes(
    "POST",
    "/schedules/{name}/change",
    roles=CLIENT,
    body=schedule_models.ChangeSchedule,
    answers=answers.Schedule,
)
def change_schedule(call: Call[schedule_models.ChangeSchedule, Nothing], name: str) -> dict[str, Any]:
    """Change when a schedule fires, what it submits, or its policies."""
    asked = call.body
    changes = asked.timing() | ({} if asked.task is None else _content(call, asked.task))
    return _after(
        call, name, lambda conn: schedules.change(conn, name, changes, actor=call.actor, now=call.now)
    )


@routes("POST", "/schedules/{name}/pause", roles=CLIENT, answers=answers.Schedule)
def pause_schedule(call: Call[Nothing, Nothing], name: str) -> dict[str, Any]:
    """Let a schedule rest until it is resumed."""
    return _after(call, name, lambda conn: schedules.pause(conn, name, actor=call.actor, now=call.now))


@routes("POST", "/schedules/{name}/resume", roles=CLIENT, answers=answers.Schedule)
def resume_schedule(call: Call[Nothing, Nothing], name: str) -> dict[str, Any]:
    """Let a paused schedule go on with its next time."""
    return _after(call, name, lambda conn: schedules.resume(conn, name, actor=call.actor, now=call.now))


@routes("POST", "/schedules/{name}/run", roles=CLIENT, answers=answers.Accepted, limited=True)
def run_schedule(call: Call[Nothing, Nothing], name: str) -> dict[str, Any]:
    """Submit a schedule's task now, besides its times."""
    once = submissions.once_of(call, [])
    task_id = call.service.write(
        lambda conn: firing.run_now(conn, name, call.service.house, actor=call.actor, now=call.now, once=once)
    )
    return submissions.accepted(task_id)


@routes("POST", "/schedules/{name}/remove", roles=CLIENT, answers=answers.Success)
def remove_schedule(call: Call[Nothing, Nothing], name: str) -> dict[str, Any]:
    """End a schedule; its tasks stay."""
    call.service.write(lambda conn: schedules.remove(conn, name, actor=call.actor, now=call.now))
    return {"success": True, "name": name}


def _after(call: Call[Any, Any], name: str, act: Callable[[Connection], None]) -> dict[str, Any]:
    call.service.write(act)
    return _shown(call, name)


def _shown(call: Call[Any, Any], name: str) -> dict[str, Any]:
    row = call.service.read(lambda conn: schedules.get_schedule(conn, name))
    return presenting_schedules.whole(row, now=call.now)


def _content(call: Call[Any, Any], asked: schedule_models.ScheduledWork) -> dict[str, Any]:
    """Return what a schedule submits, under the names of a ``Definition``."""
    order = submissions.order_of(call, asked.kind, asked)
    members = ("kind", "payload", "timeout_ms", "effect", "priority", "labels", "tags", "session_key")
    return {
        **{name: getattr(order, name) for name in members},
        "max_attempts": order.max_attempts,
        "ttl_ms": asked.ttl,
    }
