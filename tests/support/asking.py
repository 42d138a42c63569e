"""What clients ask for again and again in tests."""

from __future__ import annotations

from tests.support.service import Caller


def submit(caller: Caller, command: str = "true", **options: object) -> str:
    """Submit a command with the *options* of ``POST /tasks`` and return the task's id."""
    response = caller.post("/tasks", {"command": command, **options})
    assert response.status_code == 200, response.text
    return str(response.get_json()["taskId"])
