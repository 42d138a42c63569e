"""How `clawtrail run` is left: Ctrl-C, a reader that goes away, a closed terminal."""

from __future__ import annotations

import signal
import threading

import pytest

from tests.cli.conftest import spawn
from tests.support.answers import RUNNING, finished, piece
from tests.support.scripted_server import Asked, Reply, ScriptedServer, reply


class LongTask:
    """A task that writes a line and then runs until it is cancelled, scripted on a server."""

    def __init__(self, server: ScriptedServer) -> None:
        self.cancelled = threading.Event()
        server.on("POST", "/tasks", reply(200, RUNNING))
        server.on("POST", "/tasks/t-1/cancel", self._cancel)
        server.on("GET", "/tasks/t-1/output", self._output)
        server.on("GET", "/tasks/t-1", self._standing)

    def _cancel(self, asked: Asked) -> Reply:
        self.cancelled.set()
        return reply(200, {"taskId": "t-1", "state": "running", "status": "running"})

    def _output(self, asked: Asked) -> Reply:
        stream, start = asked.query["stream"], int(asked.query["from"])
        if stream == "stdout" and start == 0:
            return piece(stream, 0, b"begun\n")
        self.cancelled.wait(20)
        return piece(stream, start, b"", done=True)

    def _standing(self, asked: Asked) -> Reply:
        self.cancelled.wait(20)
        return reply(200, finished(state="cancelled", exitCode=-1, error="Cancelled"))


def test_ctrl_c_without_a_terminal_cancels_the_task(server: ScriptedServer, environ: dict[str, str]) -> None:
    """SIGINT asks for the end of the task, waits for it, and leaves with 130."""
    task = LongTask(server)
    with spawn("run", "sleep 1000", environ=environ) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == b"begun\n"
        process.send_signal(signal.SIGINT)
        _, err = process.communicate(timeout=40)
    assert process.returncode == 130
    assert task.cancelled.is_set()
    assert b"Cancelling" in err
    assert b"was cancelled" in err
    assert server.asked_for("/tasks/t-1/cancel")[0].json == {"reason": "Ctrl-C"}


def test_a_second_ctrl_c_leaves_at_once(server: ScriptedServer, environ: dict[str, str]) -> None:
    """When the worker does not hear of the cancel, a second SIGINT leaves the task to its fate."""
    LongTask(server)
    server.on("POST", "/tasks/t-1/cancel", reply(200, {"taskId": "t-1", "state": "running"}))
    with spawn("run", "sleep 1000", environ=environ) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        process.stdout.readline()
        process.send_signal(signal.SIGINT)
        assert b"Cancelling" in process.stderr.readline()
        process.send_signal(signal.SIGINT)
        _, err = process.communicate(timeout=40)
    assert process.returncode == 130
    assert b"clawtrail watch t-1" in err


def test_ctrl_c_in_watch_leaves_the_task_alone(server: ScriptedServer, environ: dict[str, str]) -> None:
    """Who only watches cancels nothing by leaving."""
    LongTask(server)
    task_id = "t" * 36
    server.on("GET", f"/tasks/{task_id}/events", reply(200, {"events": []}))
    server.on("GET", f"/tasks/{task_id}", Reply(after=threading.Event()))
    server.on("GET", f"/tasks/{task_id}/output", lambda asked: piece(asked.query["stream"], 0, b"line\n"))
    with spawn("watch", task_id, environ=environ) as process:
        assert process.stdout is not None
        process.stdout.readline()
        process.send_signal(signal.SIGINT)
        process.communicate(timeout=40)
    assert process.returncode == 130
    assert not any(asked.method == "POST" for asked in server.asked)


@pytest.mark.parametrize(
    "arguments", [["tasks", "--json", "--limit", "100000"], ["read", "/big"], ["run", "yes"]]
)
def test_a_reader_that_goes_away_is_no_trouble(
    server: ScriptedServer, environ: dict[str, str], arguments: list[str]
) -> None:
    """`clawtrail ... | head -1` ends without a word on standard error."""
    summary = {"taskId": "t", "kind": "command", "state": "failed", "createdAt": 1, "summary": "x" * 1000}
    server.on("GET", "/tasks", reply(200, {"tasks": [summary] * 200, "nextCursor": "more"}))
    server.on("POST", "/files/read", reply(200, finished(stdout="eXkK" * 500_000)))
    server.on("POST", "/tasks", reply(200, finished(stdout="y\n" * 500_000)))
    with spawn(*arguments, environ=environ) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        process.stdout.readline()
        process.stdout.close()
        assert process.stderr.read() == b""
        assert process.wait(40) == 141


def test_nothing_is_left_waiting_behind(server: ScriptedServer, environ: dict[str, str]) -> None:
    """Polls that are still held do not keep a finished command from leaving."""
    server.on("POST", "/tasks", reply(200, RUNNING))
    server.on("GET", "/tasks/t-1/output", reply(404, {"error": "Task not found", "code": "task_not_found"}))
    server.on("GET", "/tasks/t-1", Reply(after=threading.Event()))
    with spawn("run", "true", environ=environ) as process:
        _, err = process.communicate(timeout=40)
    assert process.returncode == 1
    assert b"Task not found" in err
