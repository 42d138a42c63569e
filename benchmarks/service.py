"""The service under test as real processes, with its default durable settings."""

import sys
from collections.abc import Mapping
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path

import requests

from benchmarks.processes import Running, free_port, listens, wait_until
from worker.policy.presets import ALLOW_ALL

TOKEN = "benchmark-0123456789-abcdefghij"  # noqa: S105 - made up, on the loopback, for a minute
# The only settings that are not the default: what would stop a load on purpose.
RAISED = {"CLAWTRAIL_RATE_LIMIT": "none", "CLAWTRAIL_MAX_PENDING": "10000000"}
THREADS = 16  # what the server has for short requests by default


@dataclass
class Service:
    """A server, perhaps with a worker, over the data in *folder*; *stack* ends what was started."""

    stack: ExitStack
    folder: Path
    port: int = field(default_factory=free_port)
    wait_port: int | None = None
    env: Mapping[str, str] = field(default_factory=dict)

    @property
    def url(self) -> str:
        """Where clients send requests."""
        return f"http://127.0.0.1:{self.port}"

    @property
    def headers(self) -> dict[str, str]:
        """The headers of an authenticated request."""
        return {"Authorization": f"Bearer {TOKEN}"}

    @property
    def database(self) -> Path:
        """The database file of the server."""
        return self.folder / "clawtrail.db"

    def serve(self) -> Running:
        """Start the server and return once it answers."""
        server = self.start_server()
        wait_until(self.answers, server, "the server")
        return server

    def work(self, slots: int) -> Running:
        """Start a worker with *slots* slots and return once a first task came back from it."""
        worker = self.start_worker(slots)
        wait_until(self.runs_tasks, worker, "the worker")
        return worker

    def start_server(self) -> Running:
        """Start the server."""
        command = [sys.executable, "-m", "clawtrail", "serve", "--data", str(self.folder)]
        command += ["--port", str(self.port)]
        if self.wait_port is not None:
            command += ["--wait-port", str(self.wait_port)]
        env = {"WORKER_TOKEN": TOKEN, **RAISED, **self.env}
        return self.stack.enter_context(Running(command, log=self.folder / "server.log", env=env))

    def start_worker(self, slots: int) -> Running:
        """Start a worker with *slots* slots; it may be started before the server."""
        token = self.folder / "worker.token"
        token.touch(mode=0o600)
        token.write_text(TOKEN)
        command = [
            sys.executable,
            "-m",
            "clawtrail",
            "worker",
            "--url",
            f"http://127.0.0.1:{self.wait_port or self.port}",
        ]
        command += ["--token-file", str(token), "--state", str(self.folder / "worker"), "--name", "bench"]
        policy = self.folder / "policy.toml"
        policy.touch(mode=0o600)
        policy.write_text(ALLOW_ALL)
        command += ["--max-concurrent", str(slots), "--policy", str(policy)]
        return self.stack.enter_context(Running(command, log=self.folder / "worker.log"))

    def count_by_state(self) -> dict[str, int]:
        """Return how many tasks are in each state."""
        answer = requests.get(f"{self.url}/tasks/stats", headers=self.headers, timeout=10)
        answer.raise_for_status()
        counts: dict[str, int] = answer.json()["queue"]["byStatus"]
        return counts

    def answers(self) -> bool:
        """Say whether the server is up."""
        try:
            return requests.get(f"{self.url}/health", timeout=5).status_code == 200
        except (requests.ConnectionError, requests.Timeout):
            return False

    def runs_tasks(self) -> bool:
        """Say whether a first task came back from a worker within a second."""
        return self.run_true(requests.Session(), wait_ms=1000).get("exitCode") == 0

    def run_true(self, session: requests.Session, wait_ms: int = 60_000) -> dict[str, object]:
        """Submit `true` and return the answer, which is the result when it came in time."""
        answer = session.post(
            f"{self.url}/tasks?wait={wait_ms}", json={"argv": ["true"]}, headers=self.headers, timeout=90
        )
        answer.raise_for_status()
        found: dict[str, object] = answer.json()
        return found


def start_reference(stack: ExitStack, folder: Path, env: Mapping[str, str] | None = None) -> int:
    """Start the bare Flask service and return its port."""
    port = free_port()
    command = [sys.executable, "-m", "benchmarks.reference", "--port", str(port)]
    command += ["--threads", str(THREADS), "--database", str(folder / "reference.db")]
    running = stack.enter_context(Running(command, log=folder / "reference.log", env=env))
    wait_until(lambda: listens(port), running, "the reference")
    return port
