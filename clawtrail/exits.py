"""The exit statuses of the command line, and the sentences that go with them.

=====  ==================================================================================================
0-255  `run`, `watch`, `read`, `write`, `edit`: the task's own exit code (124 timeout, 126 refused by policy
       or not executable, 127 not found, 128+n ended by signal n)
130    left by Ctrl-C
141    whoever read the output has gone
1      the server refused: no such task, it has ended already, the request is not valid;
       `verify`: the receipt does not prove what it says; `checkpoint`: the record is not the one seen before
2      wrong usage, or no server or token is configured
69     the server cannot be reached, or cannot do it now
75     too many requests or pending tasks: try again later
76     something answered that is not Clawtrail
77     the token is not accepted, or its roles do not allow this
125    the task ended without an exit code: cancelled, denied, expired or unknown
=====  ==================================================================================================
"""

from __future__ import annotations

from clawtrail.errors import (
    BadAnswer,
    BudgetSpent,
    Busy,
    ClawtrailError,
    Forbidden,
    NotConfigured,
    NotFound,
    Refused,
    ServerFailed,
    StillRunning,
    TaskFailed,
    Unauthorized,
    Unreachable,
)
from clawtrail.result import Result

REFUSED = 1
USAGE = 2
NO_EXIT_CODE = 125
INTERRUPTED = 130
BROKEN_PIPE = 141

_STATUSES: dict[type[ClawtrailError], int] = {
    NotConfigured: USAGE,
    Unreachable: 69,
    ServerFailed: 69,
    Busy: 75,
    BudgetSpent: 75,
    StillRunning: 75,
    BadAnswer: 76,
    Unauthorized: 77,
    Forbidden: 77,
}

_ADVICE: dict[type[ClawtrailError], str] = {
    Unreachable: "Is the server up, and CLAWTRAIL_URL right?",
    Unauthorized: "Check CLAWTRAIL_TOKEN or CLAWTRAIL_TOKEN_FILE.",
    Forbidden: "Use a token with the role that this needs.",
    NotFound: "`clawtrail tasks` lists the tasks there are.",
    Busy: "Try again later.",
}

_ADVICE_BY_CODE = {
    "approval_not_found": "`clawtrail approvals` lists the questions that wait.",
    "schedule_not_found": "`clawtrail schedule list` lists the schedules there are.",
    "own_submission": "",
}

_ENDS_WITHOUT_CODE = {
    "cancelled": "was cancelled",
    "denied": "was denied",
    "expired": "was not started in time and has expired",
    "unknown": "may or may not have run to its end: its worker was lost",
}


def status_of(error: ClawtrailError) -> int:
    """Return the exit status that stands for *error*."""
    if isinstance(error, TaskFailed):
        return status_of_task(error.result)
    return _STATUSES.get(type(error), REFUSED)


def sentence_of(error: ClawtrailError) -> str:
    """Return what to tell a human about *error*: what happened, and what to do next where that is known."""
    said = str(error).rstrip()
    advice = _ADVICE.get(type(error), "")
    if isinstance(error, Refused):
        advice = _ADVICE_BY_CODE.get(error.code, advice)
    stop = "" if said.endswith((".", "?", "!")) else "."
    return f"{said}{stop} {advice}".rstrip()


def status_of_task(result: Result) -> int:
    """Return the exit status for an ended task: its exit code where it has one that a shell can take."""
    ran = result.state in ("completed", "failed")
    return result.exit_code if ran and 0 <= result.exit_code <= 255 else NO_EXIT_CODE


def sentence_of_task(result: Result) -> str | None:
    """Return what its exit code does not tell of an ended task, or None where it tells all."""
    if result.state in _ENDS_WITHOUT_CODE:
        why = f" ({result.error})" if result.error and result.error.lower() != result.state else ""
        return f"Task {result.task_id} {_ENDS_WITHOUT_CODE[result.state]}{why}."
    if result.error:
        return f"Task {result.task_id}: {result.error.rstrip('.')}."
    if status_of_task(result) == NO_EXIT_CODE != result.exit_code:
        return f"Task {result.task_id} ended with exit code {result.exit_code}, which no shell can take."
    return None
