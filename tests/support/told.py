"""Ends to tell, and what is made of them."""

from typing import Any

from worker.callbacks.ended import Ended

SESSION = "0f7c6c62-7c39-4f6e-9a55-3b8c52f3a3c1"


def ended(**more: Any) -> Ended:  # noqa: ANN401 - fields of any kind
    """Make the end of a good run, with other fields as given."""
    about: dict[str, Any] = {
        "task_id": "task-1",
        "attempt": 1,
        "kind": "claude-cli",
        "channel": "1234567890",
        "session_id": SESSION,
        "status": "completed",
        "reason": "exit",
        "exit_code": 0,
        "duration_ms": 236_000,
        "output": "All done.",
    }
    return Ended(**about | more)
