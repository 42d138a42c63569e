"""Asking agents: what is sent, what comes back typed, and what a spent budget is."""

from __future__ import annotations

import pytest

from clawtrail import AgentSession, BudgetSpent, Client, StillRunning, Task, TaskFailed
from tests.support.answers import ACCEPTED, RUNNING, finished
from tests.support.scripted_server import ScriptedServer, reply

SESSION = {
    "sessionId": "s",
    "cliType": "codex",
    "lastActivity": 2000,
    "taskCount": 3,
    "callbackChannel": None,
    "createdAt": 1000,
    "unfinished": 1,
    "active": True,
}


def answered(**metadata: object) -> dict[str, object]:
    """Return the result of a prompt."""
    return finished(stdout="hi", sessionId="s", metadata=metadata)


def test_an_answer_is_typed(server: ScriptedServer, ada: Client) -> None:
    """Text, session, cost, turns and model are at hand, and the whole result too."""
    server.on("POST", "/claude", reply(200, answered(costUsd=1, turns=2, model="large")))
    told = ada.ask_claude("say hi", session_id="s", max_cost_usd=0.5, cwd="~/code", timeout=60)
    assert (told.text, told.session_id, told.ok) == ("hi", "s", True)
    assert (told.cost_usd, told.turns, told.model, told.result.exit_code) == (1.0, 2, "large", 0)
    assert server.asked[0].json == {
        "prompt": "say hi",
        "sessionId": "s",
        "maxCostUsd": 0.5,
        "cwd": "~/code",
        "timeout": 60_000,
    }
    assert server.asked[0].headers["Idempotency-Key"]


def test_each_agent_has_its_route(server: ScriptedServer, ada: Client) -> None:
    """Codex and Gemini are asked alike; what an agent does not tell, or tells as nonsense, is None."""
    server.on("POST", "/codex", reply(200, answered(costUsd=True, turns="2", model=5)))
    server.on("POST", "/gemini", reply(200, answered()))
    for told in (ada.ask_codex("x", model="m"), ada.ask_gemini("x", resume_latest=True)):
        assert (told.cost_usd, told.turns, told.model) == (None, None, None)
    assert [asked.json for asked in server.asked] == [
        {"prompt": "x", "model": "m"},
        {"prompt": "x", "resumeLatest": True},
    ]


def test_a_long_answer_is_waited_for(server: ScriptedServer, ada: Client) -> None:
    """It is polled for like any result; with a limit of patience the task goes on by itself."""
    server.on("POST", "/claude", reply(200, {**RUNNING, "sessionId": "s"}))
    server.on("GET", "/tasks/t-1", reply(200, RUNNING), reply(200, answered()))
    assert ada.ask_claude("x").text == "hi"
    server.on("GET", "/tasks/t-1", reply(200, RUNNING))
    with pytest.raises(StillRunning):
        ada.ask_claude("x", wait_for=0.05)


def test_a_failure_can_be_raised(server: ScriptedServer, ada: Client) -> None:
    """As for commands: only with *check*."""
    server.on("POST", "/claude", reply(200, finished(state="failed", exitCode=1, sessionId="s")))
    assert ada.ask_claude("x").ok is False
    with pytest.raises(TaskFailed):
        ada.ask_claude("x", check=True)


def test_a_spent_budget_is_an_error_of_its_own(server: ScriptedServer, ada: Client) -> None:
    """It is not tried again: waiting a second does not help."""
    server.on("POST", "/claude", reply(402, {"error": "It is spent.", "code": "budget_spent"}))
    with pytest.raises(BudgetSpent, match="It is spent") as raised:
        ada.ask_claude("x")
    assert (raised.value.code, len(server.asked)) == ("budget_spent", 1)


def test_a_prompt_can_be_left_alone(server: ScriptedServer, ada: Client) -> None:
    """Submitted without waiting, it tells its session; it cannot go into a batch."""
    server.on("POST", "/gemini", reply(200, {**ACCEPTED, "sessionId": "s"}))
    task = Task.prompt("gemini", "x", callback_channel="1", dispatch_mode="agent-tool")
    submitted = ada.submit_task(task)
    assert (submitted.task_id, submitted.session_id) == ("t-1", "s")
    assert server.asked[0].json == {"prompt": "x", "callbackChannel": "1", "dispatchMode": "agent-tool"}
    with pytest.raises(ValueError, match="prompts"):
        ada.submit_many([task])


def test_sessions_are_listed(server: ScriptedServer, ada: Client) -> None:
    """Of all agents, or of one."""
    server.on("GET", "/sessions/state", reply(200, {"sessions": [SESSION]}))
    (told,) = ada.sessions()
    assert (told.session_id, told.agent, told.tasks, told.unfinished) == ("s", "codex", 3, 1)
    assert (told.active, told.created_at, told.last_at) == (True, 1000, 2000)
    assert told == AgentSession.read(SESSION)
    ada.sessions("codex", limit=5)
    assert [asked.query for asked in server.asked] == [{"limit": "50"}, {"limit": "5", "cliType": "codex"}]
