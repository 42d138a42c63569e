"""What can go wrong in the worker, in one tree.

::

    WorkerError
    ├── ServerTrouble        the service did not take what was said; say it again later
    │   ├── Unreachable      no answer: no connection, a timeout, a cut connection
    │   ├── Busy             429 or 5xx: it answered, and asks for patience
    │   ├── BadAnswer        an answer that no Clawtrail service gives: HTML, a redirect, a wrong shape
    │   └── Refused          401 or 403: the token is not taken
    ├── Rejected             a 4xx with a code: saying the same again is of no use
    ├── StateInUse           another worker runs on the same state folder
    ├── SandboxMissing       what is to be confined cannot be here, so it does not run
    ├── JournalFailed        the journal could not be read or written
    ├── SecretMissing        a task names a secret that this machine has not
    └── SecretsFaulty        the file of secrets is open to others, or not as it should be
"""


class WorkerError(Exception):
    """Any state of affairs that the worker names itself."""


class ServerTrouble(WorkerError):
    """The service did not take a request; the same request is worth saying again later."""

    retry_after: float | None = None
    """Seconds that the service asked for, where it did."""


class Unreachable(ServerTrouble):
    """No answer came: no connection, a timeout, or a connection that was cut."""


class Busy(ServerTrouble):
    """The service answered 429 or 5xx."""

    def __init__(self, message: str, retry_after: float | None = None) -> None:
        super().__init__(message)
        self.retry_after = retry_after


class BadAnswer(ServerTrouble):
    """What came back is not what a Clawtrail service says."""


class Refused(ServerTrouble):
    """The service does not take this token (401), or not for a worker (403)."""


class Rejected(WorkerError):
    """The service understood the request and will never take it; *code* is the service's word for why."""

    def __init__(self, message: str, code: str = "") -> None:
        super().__init__(message)
        self.code = code


class StateInUse(WorkerError):
    """Another worker runs on this state folder."""


class SandboxMissing(WorkerError):
    """A sandbox or a limit that the policy asks for does not work on this machine."""


class JournalFailed(WorkerError):
    """The journal could not be read or written."""


class SecretMissing(WorkerError):
    """A task names a secret that this machine has not."""


class SecretsFaulty(WorkerError):
    """The file of secrets is open to others, or not as it should be."""
