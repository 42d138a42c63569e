"""Taking in a task of an agent: within its submitter's budget, with the secret of its callback apart."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import Connection

from app.services import budgets, callbacks
from app.services.submitting import Once, Order, find_earlier, submit


@dataclass(frozen=True, slots=True)
class Dispatch:
    """What an order of an agent's task brings besides.

    ``limit`` is what its submitter may spend in the period, None for no limit; ``wanted`` what this task may
    cost at most, 0 when it does not say; both in millionths of a dollar. ``sealed`` is the token for its
    callback, encrypted.
    """

    limit: int | None = None
    wanted: int = 0
    sealed: bytes | None = None


def dispatch(
    conn: Connection, order: Order, more: Dispatch, *, actor: str, now: int, once: Once | None = None
) -> str:
    """Put one task of an agent into the queue and return its id; with *once*, as ``submitting.submit``.

    A repeated request is not refused for a budget that its first one may have used up. Raises
    ``BudgetSpent``. The look at the budget and the submission are one transaction, so two requests never
    spend the same money.
    """
    earlier = [] if once is None else find_earlier(conn, actor, once, 1)
    if earlier:
        return earlier[0]
    if more.limit is not None:
        budgets.check(conn, actor, limit=more.limit, wanted=more.wanted, now=now)
    [task_id] = submit(conn, [order], actor=actor, now=now, once=once)
    if more.sealed is not None:
        callbacks.keep_token(conn, task_id, more.sealed, now=now)
    return task_id
