"""`clawtrail claude`, `codex`, `gemini` and `sessions`."""

from __future__ import annotations

import json

import pytest

from tests.cli.conftest import Type, spawn
from tests.support.answers import ACCEPTED, finished
from tests.support.scripted_server import ScriptedServer, reply


def answered(**members: object) -> dict[str, object]:
    """Return the result of a prompt."""
    return finished(stdout="hi\n", sessionId="a b", **members)


@pytest.mark.parametrize("agent", ["claude", "codex", "gemini"])
def test_the_answer_is_shown_and_the_session_told(server: ScriptedServer, typed: Type, agent: str) -> None:
    """Standard output is the answer alone; how to go on, and what it cost, stands on standard error."""
    metadata = {"costUsd": 0.254, "turns": 2, "model": "large"}
    server.on("POST", f"/{agent}", reply(200, answered(metadata=metadata)))
    options = ["--session", "a b", "--model", "large", "--max-cost-usd", "0.5", "--cwd", "~/code"]
    ran = typed(agent, "say hi", *options, "--timeout", "5m", "--label", "gpu=1", "--tag", "x")
    assert (ran.status, ran.out) == (0, b"hi\n")
    assert ran.err.splitlines() == [
        "clawtrail: large, 2 turns, $0.25",
        f"clawtrail: Session a b; go on with: clawtrail {agent} --session 'a b' PROMPT",
    ]
    assert server.asked[0].json == {
        "prompt": "say hi",
        "sessionId": "a b",
        "model": "large",
        "maxCostUsd": 0.5,
        "cwd": "~/code",
        "timeout": 300_000,
        "labels": ["gpu=1"],
        "tags": ["x"],
    }


def test_an_agent_that_tells_nothing_is_no_trouble(server: ScriptedServer, typed: Type) -> None:
    """Without cost, turns and model there is still the session."""
    server.on("POST", "/codex", reply(200, answered(state="failed", exitCode=1, error="it broke")))
    ran = typed("codex", "x")
    assert (ran.status, ran.err.splitlines()) == (
        1,
        [
            "clawtrail: It told nothing about itself.",
            "clawtrail: Session a b; go on with: clawtrail codex --session 'a b' PROMPT",
            "clawtrail: Task t-1: it broke.",
        ],
    )


def test_a_prompt_comes_from_standard_input(server: ScriptedServer, environ: dict[str, str]) -> None:
    """With - instead of a text; other bytes than UTF-8 are wrong usage."""
    server.on("POST", "/claude", reply(200, answered()))
    process = spawn("claude", "-", environ=environ)
    out, _ = process.communicate("é\n".encode(), timeout=20)
    assert (process.returncode, out) == (0, b"hi\n")
    assert server.asked[0].json == {"prompt": "é\n"}


def test_for_programs_there_is_json(server: ScriptedServer, typed: Type) -> None:
    """The whole result in one line; detached, the ids of task and session."""
    server.on("POST", "/claude", reply(200, answered()), reply(200, {**ACCEPTED, "sessionId": "s"}))
    assert json.loads(typed("claude", "x", "--json").out)["sessionId"] == "a b"
    assert json.loads(typed("claude", "x", "--json", "--detach").out) == {"taskId": "t-1", "sessionId": "s"}
    assert typed("claude", "x", "--detach").text == "t-1\ts\n"


def test_a_spent_budget_is_said_in_a_sentence(server: ScriptedServer, typed: Type) -> None:
    """The exit status says that later may do."""
    server.on("POST", "/claude", reply(402, {"error": "It is spent.", "code": "budget_spent"}))
    ran = typed("claude", "x")
    assert (ran.status, ran.out, ran.err) == (75, b"", "clawtrail: It is spent.\n")


def test_sessions_are_a_line_each(server: ScriptedServer, typed: Type) -> None:
    """In a pipe there are tabs between; a hostile id does nothing to the terminal."""
    one = {"sessionId": "s\x1b[2J", "cliType": "claude", "lastActivity": 0, "taskCount": 3, "createdAt": 0}
    server.on("GET", "/sessions/state", reply(200, {"sessions": [{**one, "unfinished": 1}]}))
    cells = typed("sessions", "--agent", "claude", "-n", "5").text.rstrip("\n").split("\t")
    assert (cells[1], cells[3], cells[4]) == ("claude", "3", "1")
    assert "\x1b" not in cells[0]
    assert server.asked[0].query == {"limit": "5", "cliType": "claude"}
    assert json.loads(typed("sessions", "--json").out)["taskCount"] == 3
