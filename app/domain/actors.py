"""Names of those who act, as the record has them, beside those of principals."""

from __future__ import annotations

SCHEDULES = "schedule:"


def schedule(name: str) -> str:
    """Return the name of a schedule that submits its tasks."""
    return SCHEDULES + name


def answerable(submitted_by: str, on_behalf_of: str | None) -> str:
    """Return who answers and pays for a task: who submitted it, or who made the schedule that did.

    What others say in ``onBehalfOf`` is their word alone; of a schedule it is the service's own.
    """
    return on_behalf_of or submitted_by if submitted_by.startswith(SCHEDULES) else submitted_by
