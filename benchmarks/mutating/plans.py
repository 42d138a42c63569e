"""What happens with schedules in the past: added, changed, fired, left out, paused, removed."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Protocol

from app.domain.schedules import PauseReason
from app.services import firing, schedules
from app.services.firing import House
from app.services.schedules import Definition

Do = Callable[..., Any]
"""Runs an act of the service through its writer, with its arguments."""


class Clock(Protocol):
    """A clock that is moved."""

    at: int


def plan(do: Do, name: str, new_id: Callable[[], str], clock: Clock) -> None:
    """Let schedules live, of which one fires; leave one that goes on, one that rests, one removed."""
    hourly = Definition(
        cron="0 * * * *",
        tz="Europe/Berlin",
        misfire="skip",
        overlap="queue",
        kind="command",
        payload='{"command":"make backup"}',
        timeout_ms=60_000,
        tags='["nightly"]',
        ttl_ms=10**7,
    )
    house = House(new_id, room=lambda: 10, shared=True, limit=None)
    by = "client:ada"
    for each in (name, f"{name}-going-on", f"{name}-gone"):
        do(schedules.add, each, hourly, actor=by)
    do(schedules.change, name, {"misfire": "once", "priority": 3}, actor="admin:ann")
    do(schedules.remove, f"{name}-gone", actor=by)
    do(schedules.pause, name, actor=by)
    do(schedules.resume, name, actor=by)
    clock.at += 3 * 3_600_000
    for due, instant in do(firing.list_due):
        if due == name:
            do(firing.fire, due, instant, house)
    do(schedules.pause, name, actor="system:janitor", why=PauseReason.TOKEN)
