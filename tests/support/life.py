"""Who takes part in the random life of tasks, and what they send: the same for the service and its model."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

from hypothesis import strategies as st

from app.domain.kinds import attempts_of, effect_of
from app.services.attempts import Reporter
from app.services.claiming import Worker
from app.services.outcomes import Outcome
from app.services.submitting import Order
from tests.support import acts
from tests.support.model_tasks import ModelTask, ModelWorker

Event = tuple[str, str, int | None, str]
Asked = dict[str, Any]
KINDS = ("command", "file-read", "file-write", "claude-cli", "codex-cli", "house-made")
LABELS = (None, ("gpu=1",), ("gpu=1", "os=mac"))
ALL = frozenset(KINDS)
FEW = frozenset({"command", "file-read"})
WIM = ModelWorker("wim", ALL)
WES = ModelWorker("wes", ALL, frozenset({"gpu=1", "os=mac"}))
SHARED = (ModelWorker("shared/a", FEW), ModelWorker("shared/b", FEW, frozenset({"gpu=1"})))
OLD = ModelWorker("old/v1", frozenset({"command", "file-read", "file-write", "file-edit", "claude-cli"}))
WORKERS = (WIM, WES, *SHARED)
ENDS = (
    (0, "exit"),
    (3, "exit"),
    (124, "timeout"),
    (126, "policy"),
    (-1, "cancelled"),
    (1, "failed"),
    (-1, "interrupted"),
)
STEPS = (1, 1, 999, 5_001, 5_001, 15_000, 60_000)

workers = st.sampled_from(WORKERS)
orders = st.fixed_dictionaries(
    {
        "kind": st.sampled_from(KINDS),
        "effect": st.sampled_from((None, None, "read", "idempotent", "mutating")),
        "priority": st.sampled_from((0, 0, 0, 5, -5)),
        "labels": st.sampled_from((None, None, None, None, *LABELS)),
        "session": st.sampled_from((None, None, None, None, "one", "two")),
        "delay": st.sampled_from((*[None] * 8, 1_000, 20_000)),
        "ttl": st.sampled_from((*[None] * 10, 1_000, 30_000)),
        "max_attempts": st.sampled_from((None, None, 1, 2)),
        "timeout_ms": st.sampled_from((1_000, 30_000)),
    },
)


@dataclass(frozen=True)
class Grip:
    """A lease in some worker's memory, valid or not."""

    task_id: str
    attempt: int
    lease: str
    worker: ModelWorker


def order_of(asked: Asked, *, nr: int, now: int) -> tuple[Order, ModelTask]:
    """Return what was *asked* for, for the service and for the model; *nr* is the task's place in line."""
    kind, session, labels = asked["kind"], asked["session"], asked["labels"]
    effect = asked["effect"] or effect_of(kind)
    not_before = None if asked["delay"] is None else now + asked["delay"]
    expires_at = None if asked["ttl"] is None else now + asked["ttl"]
    order = acts.order(
        kind,
        effect=asked["effect"],
        priority=asked["priority"],
        labels=labels and json.dumps(labels, separators=(",", ":")),
        session_key=session,
        max_attempts=asked["max_attempts"],
        timeout_ms=asked["timeout_ms"],
        not_before_at=not_before,
        expires_at=expires_at,
    )
    most = asked["max_attempts"] or attempts_of(effect)
    task = ModelTask(order.id, nr, kind, effect, most, asked["timeout_ms"], now)
    task.priority, task.session, task.labels = asked["priority"], session, frozenset(labels or ())
    task.not_before, task.expires_at = not_before, expires_at
    return order, task


def again(old: ModelTask, order: Order, *, nr: int, now: int) -> tuple[Order, ModelTask]:
    """Return the repetition of a task under a new id: all options but the dates."""
    new_id = acts.order().id
    task = ModelTask(new_id, nr, old.kind, old.effect, old.max_attempts, old.timeout_ms, now)
    task.priority, task.labels, task.session = old.priority, old.labels, old.session
    return replace(order, id=new_id), task


def worker_of(who: ModelWorker) -> Worker:
    """Return *who* as the claim sees it."""
    return Worker(who.id, tuple(sorted(who.kinds)), who.labels)


def reporter_of(who: ModelWorker) -> Reporter:
    """Return *who* as it reports."""
    return Reporter(who.actor, who.token_name)


def outcome_of(code: int, reason: str) -> Outcome:
    """Return an outcome without output."""
    return Outcome(code, reason, None, 1, None, 0, 0, truncated=False)


def by_task(events: Sequence[Event]) -> dict[str, list[Event]]:
    """Return the events of each task, in order."""
    found: dict[str, list[Event]] = {}
    for event in events:
        found.setdefault(event[1], []).append(event)
    return found
