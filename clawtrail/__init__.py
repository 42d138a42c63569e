"""Clawtrail for Python programs: ``from clawtrail import Client``.

Names are loaded when they are first used, so that the server and the command line, which live under
the same roof, do not load an HTTP client for nothing.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from clawtrail.agents import AgentSession, Reply
    from clawtrail.answers import (
        Chunk,
        Detail,
        Event,
        Stats,
        Submitted,
        Summary,
        Unfinished,
        WorkerSeen,
    )
    from clawtrail.client import Client
    from clawtrail.errors import (
        BadAnswer,
        BudgetSpent,
        Busy,
        ClawtrailError,
        Conflict,
        Forbidden,
        InvalidRequest,
        NotConfigured,
        NotFound,
        RecordAlarm,
        Refused,
        ServerFailed,
        StillRunning,
        TaskFailed,
        Unauthorized,
        Unreachable,
    )
    from clawtrail.result import Result
    from clawtrail.schedules import Schedule
    from clawtrail.tasks import Task

__version__ = "0.1.0"

__all__ = [
    "AgentSession",
    "BadAnswer",
    "BudgetSpent",
    "Busy",
    "Chunk",
    "ClawtrailError",
    "Client",
    "Conflict",
    "Detail",
    "Event",
    "Forbidden",
    "InvalidRequest",
    "NotConfigured",
    "NotFound",
    "RecordAlarm",
    "Refused",
    "Reply",
    "Result",
    "Schedule",
    "ServerFailed",
    "Stats",
    "StillRunning",
    "Submitted",
    "Summary",
    "Task",
    "TaskFailed",
    "Unauthorized",
    "Unfinished",
    "Unreachable",
    "WorkerSeen",
]

_HOMES = (
    "clawtrail.errors",
    "clawtrail.result",
    "clawtrail.answers",
    "clawtrail.agents",
    "clawtrail.schedules",
    "clawtrail.tasks",
    "clawtrail.client",
)


def __getattr__(name: str) -> object:
    if name in __all__:
        for home in _HOMES:
            module = import_module(home)
            if hasattr(module, name):
                return getattr(module, name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
