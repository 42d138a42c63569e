"""How long things hold, in milliseconds."""

from __future__ import annotations

LEASE_MS = 60_000
"""A started attempt is its worker's until this long after the last renewal."""

START_MS = 15_000
"""A claim that is not started within this time goes back to pending."""

V1_LEASE_EXTRA_MS = 60_000
"""An old worker cannot renew: its lease lasts the task's timeout plus this."""

APPROVAL_MS = 30 * 60_000
"""A question waits so long for its answer, and a yes holds so long before the run."""

RENEW_AFTER_MS = 5_000
"""A lease renewed more recently than this is left alone: a sync need not write for it."""

SEEN_AFTER_MS = 10_000
"""A worker's time of last sight is written again when it is older than this."""

ONLINE_MS = 60_000
"""A worker seen within this time counts as online."""

MIN_TIMEOUT_MS = 1_000
MAX_TIMEOUT_MS = 24 * 3_600_000
"""A task's timeout is brought between these two."""


BUDGET_MS = 24 * 3_600_000
"""A budget is for so long: what was spent earlier does not count any more."""

ACTIVE_MS = 30 * 60_000
"""A session counts as active while a task of it is unfinished, and so long after its last one ended."""

CALLBACK_TOKEN_MS = 3_600_000
"""So long after its task has ended, the token for a callback is deleted, used or not."""

GRACE_MS = 60_000
"""A schedule that could not fire within this time after its instant has missed it."""


def clamp_timeout(timeout_ms: int) -> int:
    """Return *timeout_ms* brought between one second and one day."""
    return max(MIN_TIMEOUT_MS, min(timeout_ms, MAX_TIMEOUT_MS))
