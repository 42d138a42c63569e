"""What the record tells of one task: the columns that its events fill."""

from __future__ import annotations

from typing import Any

FIXED = (
    "kind",
    "timeout_ms",
    "effect",
    "priority",
    "labels",
    "tags",
    "session_key",
    "on_behalf_of",
    "rerun_of",
    "max_attempts",
    "expires_at",
    "not_before_at",
    "signature_digest",
    "payload_digest",
    "submitted_by",
    "created_at",
)
"""Columns of ``tasks`` that the submission tells once and for all."""

MOVING = (
    "state",
    "reason",
    "attempt",
    "claimed_by",
    "cancel_requested_at",
    "claimed_at",
    "started_at",
    "finished_at",
    "approval_id",
    "pinned_to",
)
"""Columns of ``tasks`` that later events change."""

COLUMNS = (*FIXED, *MOVING)


class Told:
    """A task as its events tell it so far. ``stands`` is its state; ``seq`` the newest event about it."""

    __slots__ = (
        "approval_id",
        "attempt",
        "cancel_requested_at",
        "claimed_at",
        "claimed_by",
        "finished_at",
        "fixed",
        "outcome",
        "pinned_to",
        "reason",
        "seq",
        "stands",
        "started_at",
    )

    def __init__(self, fixed: tuple[Any, ...], seq: int) -> None:
        self.fixed = fixed
        self.seq = seq
        self.stands = "pending"
        self.attempt = 0
        self.reason: str | None = None
        self.claimed_by: str | None = None
        self.cancel_requested_at: int | None = None
        self.claimed_at: int | None = None
        self.started_at: int | None = None
        self.finished_at: int | None = None
        self.approval_id: str | None = None
        self.pinned_to: str | None = None
        self.outcome: tuple[Any, ...] | None = None

    def row(self) -> tuple[Any, ...]:
        """Return what the columns ``COLUMNS`` of its row have to be."""
        return (
            *self.fixed,
            self.stands,
            self.reason,
            self.attempt,
            self.claimed_by,
            self.cancel_requested_at,
            self.claimed_at,
            self.started_at,
            self.finished_at,
            self.approval_id,
            self.pinned_to,
        )
