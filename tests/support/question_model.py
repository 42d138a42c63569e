"""What ought to become of questions to people, beside the model of tasks."""

from __future__ import annotations

from tests.support.model_tasks import ModelQuestion, ModelTask, ModelWorker
from tests.support.task_model import Model, Refused

APPROVAL_MS = 30 * 60_000


def verdict(
    model: Model, task: ModelTask, lease: str, worker: ModelWorker, *, given: str, digest: str
) -> None:
    """Take what a worker's policy says: before the start only, and while no other question is open."""
    if not model.holds(task, lease, worker):
        raise Refused("lease_lost")
    if task.state == "running":
        return
    if given == "ask":
        if not _has_yes(model, task, digest):
            _ask(model, task, worker, digest)
        return
    if task.state == "awaiting_approval":
        raise Refused("illegal_transition")
    model.tell("verdict.given", task, worker.actor, task.attempt)
    if given == "deny":
        model.take(task, lease, task.attempt, worker, applied=True, code=126, reason="policy")


def decide(model: Model, task: ModelTask, question: ModelQuestion, *, yes: bool, who: str) -> str:
    """Answer once, and not for oneself; return how the question stands."""
    actor = f"approver:{who}"
    state = "approved" if yes else "denied"
    if task.submitter == f"client:{who}":
        raise Refused("own_submission")
    if (question.state, question.by) == (state, actor):
        return state
    if question.state != "pending" or question.ends <= model.now:
        raise Refused("already_decided")
    question.state, question.by = state, actor
    if yes:
        question.ends = model.now + APPROVAL_MS
        model.tell("approval.given", task, actor, task.attempt)
        task.attempt -= 1
        task.let_go()
        task.pinned = question.worker
    else:
        model.end(task, "denied", actor, task.attempt, "approval.refused")
        task.lease = None
    return state


def _has_yes(model: Model, task: ModelTask, digest: str) -> bool:
    asked = task.question
    return task.pinned is not None and asked is not None and asked.digest == digest and asked.ends > model.now


def _ask(model: Model, task: ModelTask, worker: ModelWorker, digest: str) -> None:
    if task.state == "awaiting_approval":
        if task.question is None or task.question.digest != digest:
            raise Refused("illegal_transition")
        return
    assert task.worker is not None
    task.question = ModelQuestion(digest, task.worker, model.now + APPROVAL_MS)
    task.state, task.lease_ends, task.pinned = "awaiting_approval", task.question.ends, None
    model.tell("approval.requested", task, worker.actor, task.attempt)
