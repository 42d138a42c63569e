"""Where a task can stand, and every way from one state to another."""

from __future__ import annotations

from enum import StrEnum
from typing import Literal

from app.domain.event_types import EventType


class State(StrEnum):
    """Where a task stands, exactly one of these at any time."""

    PENDING = "pending"
    CLAIMED = "claimed"
    AWAITING_APPROVAL = "awaiting_approval"
    RUNNING = "running"
    COMPLETED = "completed"
    FAILED = "failed"
    CANCELLED = "cancelled"
    DENIED = "denied"
    EXPIRED = "expired"
    UNKNOWN = "unknown"


FINISHED = frozenset(
    {State.COMPLETED, State.FAILED, State.CANCELLED, State.DENIED, State.EXPIRED, State.UNKNOWN},
)
"""States that a task never leaves."""

HELD = frozenset({State.CLAIMED, State.RUNNING, State.AWAITING_APPROVAL})
"""States in which one worker holds the task and its session's other tasks wait."""

WITHOUT_RUN = frozenset({State.CANCELLED, State.DENIED, State.EXPIRED, State.UNKNOWN})
"""Finished states that may have no accepted outcome; clients see them with exit code -1."""

Transition = tuple[State, State, EventType]

TRANSITIONS: frozenset[Transition] = frozenset(
    {
        (State.PENDING, State.CLAIMED, EventType.TASK_CLAIMED),
        (State.PENDING, State.CANCELLED, EventType.TASK_CANCELLED),
        (State.PENDING, State.EXPIRED, EventType.TASK_EXPIRED),
        (State.PENDING, State.DENIED, EventType.APPROVAL_EXPIRED),
        (State.CLAIMED, State.AWAITING_APPROVAL, EventType.APPROVAL_REQUESTED),
        (State.AWAITING_APPROVAL, State.PENDING, EventType.APPROVAL_GIVEN),
        (State.AWAITING_APPROVAL, State.DENIED, EventType.APPROVAL_REFUSED),
        (State.AWAITING_APPROVAL, State.DENIED, EventType.APPROVAL_EXPIRED),
        (State.AWAITING_APPROVAL, State.CANCELLED, EventType.TASK_CANCELLED),
        (State.CLAIMED, State.RUNNING, EventType.TASK_STARTED),
        (State.CLAIMED, State.PENDING, EventType.CLAIM_RELEASED),
        (State.CLAIMED, State.FAILED, EventType.TASK_FAILED),
        (State.CLAIMED, State.CANCELLED, EventType.TASK_CANCELLED),
        (State.RUNNING, State.COMPLETED, EventType.TASK_COMPLETED),
        (State.RUNNING, State.FAILED, EventType.TASK_FAILED),
        (State.RUNNING, State.CANCELLED, EventType.TASK_CANCELLED),
        (State.RUNNING, State.PENDING, EventType.LEASE_EXPIRED),
        (State.RUNNING, State.PENDING, EventType.TASK_REQUEUED),
        (State.RUNNING, State.UNKNOWN, EventType.TASK_LOST),
    },
)
"""Every allowed (from, to, event type); anything else is ``IllegalTransition``."""

OldStatus = Literal["pending", "running", "completed", "failed", "cancelled", "denied", "expired", "unknown"]

_SHOWN: dict[State, OldStatus] = {
    State.PENDING: "pending",
    State.AWAITING_APPROVAL: "pending",
    State.CLAIMED: "running",
    State.RUNNING: "running",
    State.COMPLETED: "completed",
    State.FAILED: "failed",
    State.CANCELLED: "cancelled",
    State.DENIED: "denied",
    State.EXPIRED: "expired",
    State.UNKNOWN: "unknown",
}


def old_status(state: State) -> OldStatus:
    """Return the word that old clients see: unfinished states are just ``pending`` or ``running``."""
    return _SHOWN[state]
