"""Every type of event that the record knows, as ``subject.past_tense``."""

from __future__ import annotations

from enum import StrEnum


class EventType(StrEnum):
    """The type of one line of the record."""

    TASK_SUBMITTED = "task.submitted"
    TASK_CLAIMED = "task.claimed"
    TASK_STARTED = "task.started"
    TASK_COMPLETED = "task.completed"
    TASK_FAILED = "task.failed"
    TASK_CANCELLED = "task.cancelled"
    TASK_EXPIRED = "task.expired"
    TASK_LOST = "task.lost"
    TASK_REQUEUED = "task.requeued"
    CLAIM_RELEASED = "claim.released"
    LEASE_EXPIRED = "lease.expired"
    CANCEL_REQUESTED = "cancel.requested"
    OUTCOME_REFUSED = "outcome.refused"
    VERDICT_GIVEN = "verdict.given"
    APPROVAL_REQUESTED = "approval.requested"
    APPROVAL_GIVEN = "approval.given"
    APPROVAL_REFUSED = "approval.refused"
    APPROVAL_EXPIRED = "approval.expired"
    QUESTION_ASKED = "question.asked"
    QUESTION_ANSWERED = "question.answered"
    QUESTION_CLOSED = "question.closed"
    WORKER_REGISTERED = "worker.registered"
    WORKER_DRAINED = "worker.drained"
    WORKER_RESUMED = "worker.resumed"
    WORKER_NOTED = "worker.noted"
    TOOL_USED = "agent.tool_used"
    BUDGET_CHARGED = "budget.charged"
    CALLBACK_SENT = "callback.sent"
    CALLBACK_FAILED = "callback.failed"
    NOTIFICATION_SENT = "notification.sent"
    NOTIFICATION_FAILED = "notification.failed"
    WITNESS_ALARMED = "witness.alarmed"
    TOKEN_CREATED = "token.created"  # noqa: S105 - the name of an event
    TOKEN_REVOKED = "token.revoked"  # noqa: S105 - the name of an event
    ACCESS_DENIED = "access.denied"
    CONTENT_REDACTED = "content.redacted"
    RECORD_RESTORED = "record.restored"
    KEY_CHANGED = "key.changed"
    AUDIT_FAILED = "audit.failed"
    RECORD_CONTRADICTED = "record.contradicted"
    SERVER_STARTED = "server.started"
    SERVER_STOPPED = "server.stopped"
