"""A chat and an agent, with real processes: rounds of one session through restarts of server and worker."""

from pathlib import Path
from typing import Any

import requests

from tests.support.agents import install
from tests.support.processes import Server, start_server, start_worker
from tests.support.worker_process import eventually


def say(server: Server, prompt: str, **more: object) -> dict[str, Any]:
    """Send a prompt as a chat bot does, wait for its end, and give the result with the session's id."""
    headers = {"Authorization": f"Bearer {server.token}"}
    body = {"prompt": prompt, **more}
    sent = requests.post(f"{server.url}/claude?wait=20000", json=body, headers=headers, timeout=30).json()
    url = f"{server.url}/tasks/{sent['taskId']}"
    told: dict[str, Any] = requests.get(f"{url}?wait=20000", headers=headers, timeout=30).json()
    return told


def recent(server: Server) -> list[dict[str, Any]]:
    """Give the sessions that workers told of."""
    headers = {"Authorization": f"Bearer {server.token}"}
    told = requests.get(f"{server.url}/claude/recent", headers=headers, timeout=30).json()
    return list(told["sessions"])


def test_three_rounds_through_restarts(tmp_path: Path) -> None:
    """A session goes on by the chat's own id and by the agent's, whoever was restarted between the rounds."""
    agents = install(tmp_path / "agents", "claude")
    environ = {"CLAWTRAIL_WORKER_PATH": f"{agents}:/usr/bin:/bin", "HOME": str(tmp_path)}
    with (
        start_server(tmp_path / "data") as server,
        start_worker(server, tmp_path / "state", environ=environ) as worker,
    ):
        first = say(server, "tool one", sessionId="discord 42")
        assert (first["exitCode"], first["stdout"]) == (0, "looked")
        worker.kill()
        worker.restart()
        second = say(server, "two", sessionId="discord 42")
        assert second["stdout"] == "round 2: two"
        server.kill()
        server.restart()
        real = second["metadata"]["sessionId"]
        third = say(server, "three", sessionId=real)
        assert third["stdout"] == "round 3: three"
        assert third["metadata"]["sessionId"] == real != "discord 42"
        assert third["metadata"]["costUsd"] == 0.0125
        eventually(lambda: [one["topic"] for one in recent(server)] == ["tool one"])
        assert recent(server)[0]["sessionId"] == real
