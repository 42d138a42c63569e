"""Every error of the service, as states of affairs.

::

    ServiceError
    ├── InvalidRequest            the request says something that cannot be
    ├── TaskNotFound              no task has this id
    ├── WorkerNotFound            no worker has this id
    ├── TokenNotFound             no token has this name
    ├── ApprovalNotFound          no question has this id
    ├── ScheduleNotFound          no schedule has this name
    ├── BeyondRecord              nothing that reaches so far was signed yet
    ├── NameTaken                 a valid token has this name already
    ├── ScheduleExists            another schedule has this name already
    ├── ScheduleBusy              the schedule's last task is not finished
    ├── Unauthorized              no valid token came with the request
    ├── Forbidden                 the token's role does not allow this
    ├── OwnSubmission             nobody decides on what he submitted himself
    ├── AlreadyDecided            the question was answered before, or its time is over
    ├── IllegalTransition         the task stands where this cannot happen
    ├── LeaseLost                 somebody else holds the attempt, or nobody
    ├── CancelRequested           the task was cancelled before its start
    ├── IdempotencyConflict       the same key came with another body
    ├── OutputGap                 an output chunk contradicts what is kept already
    ├── QueueFull                 too many tasks are pending
    ├── BudgetSpent               the token's money for agents is spent or promised
    ├── NoBotToken                the server was given no bot with which it could post
    ├── NotDelivered              the chat did not take a message
    └── StorageFailed             the disk refused; nothing of the act happened
        ├── OutcomeUnknown        a commit failed; the act may or may not have happened
        ├── RecordDamaged         lines of the record are gone from the database
        └── ShuttingDown          the server is stopping and takes no more acts

The HTTP status of each is decided in ``app/api/errors.py`` alone.
"""

from __future__ import annotations


class ServiceError(Exception):
    """Something the service refuses or cannot do; its message is a sentence for people.

    What programs want to know besides goes into *more*, whose members stand in the answer.
    """

    code = "internal_error"

    def __init__(self, message: str | None = None, **more: object) -> None:
        super().__init__(message or (self.__doc__ or "").split("\n", 1)[0])
        self.more = more


class InvalidRequest(ServiceError):
    """The request is not valid."""

    code = "invalid_request"


class TaskNotFound(ServiceError):
    """Task not found"""  # noqa: D400, D415 - the very words that old programs know

    code = "task_not_found"


class WorkerNotFound(ServiceError):
    """No worker has this id."""

    code = "worker_not_found"


class TokenNotFound(ServiceError):
    """No valid token has this name."""

    code = "token_not_found"


class ApprovalNotFound(ServiceError):
    """No question has this id."""

    code = "approval_not_found"


class ScheduleNotFound(ServiceError):
    """No schedule has this name."""

    code = "schedule_not_found"


class BeyondRecord(ServiceError):
    """The record does not reach that far, as far as it is signed; see /log/checkpoint."""

    code = "beyond_record"


class NameTaken(ServiceError):
    """A valid token has this name already; revoke it first or choose another name."""

    code = "name_taken"


class ScheduleExists(ServiceError):
    """Another schedule has this name already; change that one, remove it, or choose another name."""

    code = "schedule_exists"


class ScheduleBusy(ServiceError):
    """The last task of this schedule is not finished; wait for it or cancel it."""

    code = "schedule_busy"


class Unauthorized(ServiceError):
    """Unauthorized"""  # noqa: D400, D415 - the very word that old programs know

    code = "unauthorized"


class Forbidden(ServiceError):
    """This token's role does not allow that."""

    code = "forbidden"


class OwnSubmission(ServiceError):
    """You submitted this task yourself; somebody else has to decide on it."""

    code = "own_submission"


class AlreadyDecided(ServiceError):
    """This question was decided before."""

    code = "already_decided"


class IllegalTransition(ServiceError):
    """The task stands where this cannot happen."""

    code = "illegal_transition"


class LeaseLost(ServiceError):
    """This lease has ended; whatever was run under it changes nothing."""

    code = "lease_lost"


class CancelRequested(ServiceError):
    """The task was cancelled before its start; do not run it."""

    code = "cancelled"


class IdempotencyConflict(ServiceError):
    """This Idempotency-Key was used with another request; use a new key for a new task."""

    code = "idempotency_conflict"


class OutputGap(ServiceError):
    """This piece of output contradicts what is kept already."""

    code = "output_conflict"


class QueueFull(ServiceError):
    """Too many tasks are pending; try again when workers have caught up."""

    code = "queue_full"


class BudgetSpent(ServiceError):
    """What this token may spend on agents within 24 hours is spent."""

    code = "budget_spent"


class NoBotToken(ServiceError):
    """DISCORD_BOT_TOKEN not set"""  # noqa: D400, D415 - the very words that old programs know

    code = "no_bot_token"


class NotDelivered(ServiceError):
    """The chat did not take the message."""

    code = "not_delivered"


class StorageFailed(ServiceError):
    """The record could not be written, so nothing was done; try again."""

    code = "storage_failed"


class OutcomeUnknown(StorageFailed):
    """The disk failed during the commit: this may or may not have happened. Look before a retry."""

    code = "outcome_unknown"


class RecordDamaged(StorageFailed):
    """Lines of the record are gone from the database; look closer with: clawtrail audit verify."""

    code = "record_damaged"


class ShuttingDown(StorageFailed):
    """The server is stopping; nothing was done. Try again in a moment."""

    code = "shutting_down"
