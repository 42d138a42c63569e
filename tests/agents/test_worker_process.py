"""A real worker with agents: what it offers, what it reports, and a service that is older than it."""

import json
from pathlib import Path
from typing import Any

import pytest

from tests.support.agents import install
from tests.support.fake_http import Answer
from tests.support.fake_server import FakeServer
from tests.support.worker_process import WorkerProcess, eventually
from tests.worker.conftest import StartWorker


@pytest.fixture
def start(start_worker: StartWorker, tmp_path: Path) -> Any:  # noqa: ANN401 - a function
    """Start a worker that finds Claude Code and Codex on its PATH."""
    folder = install(tmp_path / "agents", "claude", "codex")
    path = f"{folder}:/usr/bin:/bin"

    def begin(**environ: str) -> WorkerProcess:
        return start_worker(**{"CLAWTRAIL_WORKER_PATH": path, **environ})

    return begin


def test_worker_offers_the_agents_that_it_has(fake: FakeServer, start: Any) -> None:  # noqa: ANN401
    """It says at its start which agents it found; what is configured counts, also when it is not there."""
    worker = start(GEMINI_PATH="/nowhere/gemini", CLAUDECODE="1", CLAUDE_CODE_ENTRYPOINT="cli")
    fake.until(lambda: fake.told("/worker/sync"))
    assert {"claude-cli", "codex-cli", "gemini-cli"} <= set(fake.told("/worker/sync")[0]["kinds"])
    [said] = [entry for entry in worker.log if entry["msg"] == "agents"]
    assert said["claude"].endswith("/agents/claude")
    assert said["gemini"] == "/nowhere/gemini: not found"
    assert "an agent that is configured is not there: its tasks will fail" in worker.messages()
    task = fake.submit("claude-cli", prompt="report", sessionId="chat 1")
    result = fake.ended(task)
    assert (result["exitCode"], result["error"]) == (0, None)
    env = json.loads(task.stdout)["env"]
    assert not {name for name in env if name.startswith(("CLAUDE", "WORKER", "CLAWTRAIL_WORKER"))}
    gone = fake.ended(fake.submit("gemini-cli", prompt="hello"))
    assert (gone["exitCode"], gone["error"]) == (127, "Command not found: /nowhere/gemini")
    assert worker.stop() == 0


def test_rounds_go_on_through_a_restart(fake: FakeServer, start: Any) -> None:  # noqa: ANN401
    """Tool uses are told once each, sessions outlive a killed worker, and the newest are told."""
    first = start()
    task = fake.submit("claude-cli", prompt="tool", sessionId="chat 2")
    result = fake.ended(task)
    assert task.stdout == b"looked"
    assert result["metadata"]["askedSessionId"] == "chat 2"
    uses = {item["number"]: item for item in fake.items("tool_used")}
    assert sorted(uses) == [1, 2]
    assert uses[1]["tool"] == "Bash"
    assert uses[1]["input"] == '{"command": "ls -la"}'
    first.kill()
    start()
    second = fake.submit("claude-cli", prompt="hello", sessionId="chat 2")
    fake.ended(second)
    assert second.stdout == b"round 2: hello"
    real = result["metadata"]["sessionId"]

    def is_told() -> bool:
        told = [item for item in fake.items("recent") if item["cli"] == "claude" and item["sessions"]]
        return any(
            one["sessionId"] == real and one["topic"] == "tool" for item in told for one in item["sessions"]
        )

    fake.until(is_told)


def test_older_service_loses_no_outcome(fake: FakeServer, start: Any) -> None:  # noqa: ANN401
    """A service that refuses reports with items that it does not know gets everything else."""

    def refuse(path: str, body: Any) -> Answer | None:  # noqa: ANN401
        unknown = [item for item in body.get("items", []) if item["type"] in {"tool_used", "recent"}]
        error = {"error": "no such item", "code": "invalid_request"}
        return Answer(400, json.dumps(error).encode()) if unknown else None

    fake.before = refuse
    worker = start()
    tasks = [fake.submit("claude-cli", prompt="tool", sessionId=f"chat {number}") for number in range(3)]
    assert [fake.ended(task)["exitCode"] for task in tasks] == [0, 0, 0]
    assert [task.stdout for task in tasks] == [b"looked"] * 3
    assert worker.stop() == 0
    assert "the service will not take a report" not in worker.messages()


def test_cancel_stops_the_agent(fake: FakeServer, start: Any, tmp_path: Path) -> None:  # noqa: ANN401
    """A cancelled agent is stopped, with what it had said."""
    start()
    task = fake.submit("codex-cli", prompt="hang", sessionId="c")
    fake.until(lambda: task.state == "running")
    eventually(lambda: any((tmp_path / ".codex").rglob("*.jsonl")))
    fake.cancel(task)
    result = fake.ended(task)
    assert (result["reason"], result["exitCode"]) == ("cancelled", -1)
    assert result["metadata"]["askedSessionId"] == "c"


def test_question_about_an_agent_is_asked_and_answered(
    fake: FakeServer,
    start: Any,  # noqa: ANN401
    tmp_path: Path,
) -> None:
    """With the careful policy an agent waits for people, and runs as it was described."""
    start(CLAWTRAIL_WORKER_POLICY="")
    task = fake.submit("claude-cli", prompt="hello", sessionId="asked")
    fake.until(lambda: task.verdicts)
    assert task.verdicts[0]["verdict"] == "ask"
    assert "prompt  5 characters: hello" in task.verdicts[0]["describe"]
    assert not (tmp_path / ".claude").exists()
    fake.approve(task)
    assert fake.ended(task)["exitCode"] == 0
    assert task.stdout == b"round 1: hello"
    assert list((tmp_path / ".claude").rglob("*.jsonl"))


def test_ambiguous_session_is_told_to_its_submitter(fake: FakeServer, start: Any) -> None:  # noqa: ANN401
    """What cannot be planned ends with a sentence that says what to do."""
    start()
    for number in (1, 2):
        name = f"abcdef01-0000-4000-8000-00000000000{number}"
        fake.ended(fake.submit("claude-cli", prompt="hello", sessionId=name))
    result = fake.ended(fake.submit("claude-cli", prompt="hello", sessionId="abcdef01"))
    assert result["exitCode"] == -1
    assert "may be any of abcdef01-0000-4000-8000-000000000001, abcdef01" in result["error"]
