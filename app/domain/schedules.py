"""The words of schedules: where they stand, and what happens to an instant that cannot have its task."""

from __future__ import annotations

from enum import StrEnum

MOST_SCHEDULES = 1000
"""So many may stand at one time: each is looked at twice a second."""


class ScheduleState(StrEnum):
    """Where a schedule stands. A removed one keeps its name for who made it."""

    ACTIVE = "active"
    PAUSED = "paused"
    REMOVED = "removed"


class Misfire(StrEnum):
    """What becomes of instants that passed while nobody could fire: nothing, or one task for all of them."""

    SKIP = "skip"
    ONCE = "once"


class Overlap(StrEnum):
    """What becomes of an instant that comes before the last task has ended: nothing, or a task after that."""

    SKIP = "skip"
    QUEUE = "queue"


class SkipReason(StrEnum):
    """Why an instant got no task."""

    MISFIRE = "misfire"
    OVERLAP = "overlap"
    QUEUE_FULL = "queue_full"
    BUDGET = "budget"


class PauseReason(StrEnum):
    """Why the service paused a schedule: its maker's token holds no more, or it has no next instant."""

    TOKEN = "token"  # noqa: S105 - a word of the record
    TIMETABLE = "timetable"
