"""What can go wrong for a client, as one tree.

::

    ClawtrailError                anything below
    ├── NotConfigured             no usable address, token or configuration file
    ├── Unreachable               no answer in time: refused, name unknown, TLS, timeout
    ├── BadAnswer                 an answer, but not one that Clawtrail gives: HTML, a redirect, too large
    ├── StillRunning              the task has not ended within the time given to wait
    ├── TaskFailed                the task ended, and not well
    ├── RecordAlarm               the record is not the one that was seen before
    └── Refused                   the server said no, with a status and a stable code
        ├── InvalidRequest        400, 405, 413, 415
        ├── Unauthorized          401
        ├── BudgetSpent           402: this token may spend no more on agents for now
        ├── Forbidden             403
        ├── NotFound              404
        ├── Conflict              409
        ├── Busy                  429: try again after `retry_after` seconds
        └── ServerFailed          5xx; with code `outcome_unknown` nobody knows yet whether it was done
"""

from __future__ import annotations

from clawtrail.result import Result


class ClawtrailError(Exception):
    """Everything that a client raises on purpose; its text is one sentence for a human."""


class NotConfigured(ClawtrailError):
    """There is no usable address, token or configuration file; nothing was sent."""


class Unreachable(ClawtrailError):
    """No answer came in time, after all tries. A submission may have been recorded all the same."""


class BadAnswer(ClawtrailError):
    """Something answered, but not as Clawtrail does."""


class StillRunning(ClawtrailError):
    """The time to wait is over and the task has not ended; it goes on, and can be waited for again."""

    def __init__(self, task_id: str, state: str) -> None:
        super().__init__(f"Task {task_id} has not ended yet: it is {state}.")
        self.task_id = task_id
        self.state = state


class TaskFailed(ClawtrailError):
    """The task ended in another state than `completed`; `result` holds all of it."""

    def __init__(self, result: Result) -> None:
        why = result.error or f"exit code {result.exit_code}"
        super().__init__(f"Task {result.task_id} ended as {result.state}: {why}")
        self.result = result


class RecordAlarm(ClawtrailError):
    """The record shrank, was forked, or is signed otherwise than before.

    `remembered` and `shown` are the two checkpoints as signed notes, `told` is all of it in lines for people;
    `fault` is `shrank`, `forked`, `key` or `signature`.
    """

    def __init__(self, message: str, *, fault: str, remembered: str | None, shown: str, told: str) -> None:
        super().__init__(message)
        self.fault = fault
        self.remembered = remembered
        self.shown = shown
        self.told = told


class Refused(ClawtrailError):
    """The server understood and said no: `status` is HTTP's, `code` is Clawtrail's and stable."""

    def __init__(
        self,
        message: str,
        *,
        status: int,
        code: str,
        request_id: str | None = None,
        retry_after: float | None = None,
    ) -> None:
        super().__init__(message)
        self.status = status
        self.code = code
        self.request_id = request_id
        self.retry_after = retry_after


class InvalidRequest(Refused):
    """The request is wrong as it stands; sending it again changes nothing."""


class Unauthorized(Refused):
    """The token is missing, wrong, expired or revoked."""


class BudgetSpent(Refused):
    """The token's budget for agents is spent, or promised to what runs; its text says until when."""


class Forbidden(Refused):
    """The token is good, but its roles do not allow this."""


class NotFound(Refused):
    """There is no such thing."""


class Conflict(Refused):
    """The state of things forbids it: the task has ended, or the idempotency key belongs to other content."""


class Busy(Refused):
    """Too many requests or too many pending tasks; `retry_after` is in seconds where the server said it."""


class ServerFailed(Refused):
    """The server could not do it now."""


_BY_STATUS: dict[int, type[Refused]] = {
    401: Unauthorized,
    402: BudgetSpent,
    403: Forbidden,
    404: NotFound,
    409: Conflict,
    429: Busy,
}


def refusal_for(status: int) -> type[Refused]:
    """Return the class of error that HTTP *status* (400 to 599) stands for."""
    if status >= 500:
        return ServerFailed
    return _BY_STATUS.get(status, InvalidRequest)
