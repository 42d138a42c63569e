"""Agents run for real, with stand-ins that speak their streams: what they say, and how they end."""

import hashlib
import json
import time

import pytest

from tests.support.agents import NAMES, Home, Told
from tests.support.worker_process import lives
from worker.executors.agents.planning import Terms
from worker.items import Ending

KINDS = tuple(f"{name}-cli" for name in NAMES)
every_agent = pytest.mark.parametrize("kind", KINDS)


def ended(told: Told) -> tuple[int, str | None, str]:
    """Give exit code, error and reason."""
    return told.ending.exit_code, told.ending.error, told.ending.reason


@every_agent
def test_final_text_is_the_output(home: Home, kind: str) -> None:
    """Of all that an agent says, its last words are stdout, to the byte; the rest stands in metadata."""
    told = home.ask(kind, "tool please", sessionId="one")
    assert ended(told) == (0, None, "exit")
    assert told.stdout == b"looked"
    assert told.about["sessionId"] in home.stored(kind)
    assert told.about["askedSessionId"] == "one"
    assert told.about["toolUses"] == 2


def test_claude_tells_costs_turns_and_model(home: Home) -> None:
    """Cost, turns, duration, model and what was not permitted are metadata of the outcome."""
    about = home.ask("claude-cli", "refused", model="sonnet").about
    assert (about["costUsd"], about["turns"], about["durationMs"], about["model"]) == (
        0.0125,
        2,
        1234,
        "sonnet",
    )
    assert about["permissionDenials"] == [{"tool": "Bash", "input": '{"command": "rm -rf x"}'}]


@every_agent
def test_tool_uses_are_told_once_each(home: Home, kind: str) -> None:
    """Each use is told as it comes, with a short input, also where the stream speaks of it twice."""
    tools = home.ask(kind, "tool").tools
    assert len(tools) == 2
    assert "ls -la" in tools[0][1]
    assert len(tools[1][1]) == 500


@every_agent
def test_prompt_is_on_stdin_and_nowhere_else(home: Home, kind: str) -> None:
    """No word of the prompt is on a command line or in the environment; quotes and newlines arrive."""
    prompt = "report 'the'\n\"$(secret)\" ünïcode"
    seen = json.loads(home.ask(kind, prompt).stdout)
    assert seen["prompt"] == prompt
    assert "secret" not in json.dumps([seen["argv"], seen["env"]])


@every_agent
def test_broken_lines_are_passed_over_and_counted(home: Home, kind: str) -> None:
    """Warnings, halves of lines, other JSON and endless brackets do no harm to what is whole."""
    told = home.ask(kind, "broken")
    assert ended(told) == (0, None, "exit")
    assert (told.stdout, told.about["brokenLines"]) == (b"mended", 6)


@every_agent
def test_api_error_with_exit_code_0_is_a_failure(home: Home, kind: str) -> None:
    """What the stream says counts: an error is exit code 1 and a sentence, and no output."""
    told = home.ask(kind, "unhappy")
    name = kind.removesuffix("-cli")
    assert ended(told) == (1, f"{name}: API Error: 403 organization has no access", "failed")
    assert told.stdout == b""


@every_agent
def test_crash_in_the_middle_is_told(home: Home, kind: str) -> None:
    """A killed agent is 137; what it had said is there, and that it is no result."""
    told = home.ask(kind, "crash")
    name = kind.removesuffix("-cli")
    assert ended(told) == (137, f"{name}: it ended without a result: Killed by SIGKILL", "exit")
    assert told.stdout == b"half of an ans"


@every_agent
def test_silence_is_a_failure(home: Home, kind: str) -> None:
    """Without a result exit code 0 is none, and the last words of stderr say why."""
    told = home.ask(kind, "mute")
    name = kind.removesuffix("-cli")
    assert ended(told) == (1, f"{name}: it ended without a result: Segmentation whatever", "failed")
    assert told.stderr == b"Segmentation whatever\n"


def test_exit_code_counts_after_a_good_result(home: Home) -> None:
    """An agent that ends with 1 has failed, though its answer is kept."""
    told = home.ask("claude-cli", "angry")
    assert told.ending.exit_code == 1
    assert told.stdout == b"good, and yet"


def test_hang_ends_with_the_time(home: Home) -> None:
    """After its time an agent is stopped, and what it had said is kept."""
    told = home.ask("claude-cli", "hang", timeout_ms=400)
    assert ended(told) == (124, "Timeout after 400 ms", "timeout")
    assert told.stdout == b"still thinking"


def test_cancel_ends_the_whole_tree(home: Home) -> None:
    """A cancelled agent is gone, with what it has started."""
    began = time.monotonic()
    cancelled = Ending(-1, "Cancelled", "cancelled")
    pids = home.folder / "pids"
    wrapper = home.folder / "bin" / "claude-in-sh"
    wrapper.write_text(f'#!/bin/sh\nsleep 60 & echo $! > {pids}\nexec {home.bin / "claude"} "$@"\n')
    wrapper.chmod(0o755)
    with home.instead("claude-cli", wrapper):
        told = home.ask("claude-cli", "hang", stop=lambda _run: cancelled if pids.exists() else None)
    assert told.ending.reason == "cancelled"
    assert not lives(int(pids.read_text()))
    assert time.monotonic() - began < 15


def test_answer_of_20_mb_arrives_whole(home: Home) -> None:
    """One line of 20 MB is read; how much of it is kept is up to the limits of output."""
    told = home.ask("claude-cli", "big:20000000")
    assert ended(told) == (0, None, "exit")
    assert len(told.stdout) == 20_000_000
    assert hashlib.sha256(told.stdout).digest() == hashlib.sha256(b"ab" * 9_999_999 + b"xy").digest()


def test_nothing_that_the_service_refuses_leaves(home: Home) -> None:
    """NUL and half characters of an agent's stream are in no text that is reported."""
    told = home.ask("codex-cli", "hostile")
    assert told.tools == [("shell", "a\N{REPLACEMENT CHARACTER}b?c")]
    assert told.stdout == b"odd: \0 ? end"
    json.dumps(told.about).encode()


def test_environment_is_built_up(home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    """An agent does not learn that an agent started the worker, and gets what the policy names alone."""
    for name in ("CLAUDECODE", "CLAUDE_CODE_ENTRYPOINT", "WORKER_TOKEN"):
        monkeypatch.setenv(name, "1")
    home.own.update(CLAUDECODE="1", CLAUDE_CODE_ENTRYPOINT="cli", API_KEY="k", OTHER="o")
    terms = Terms(env=("API_KEY", "CLAUDECODE"))
    env = json.loads(home.ask("claude-cli", "report", terms=terms).stdout)["env"]
    home.own.clear()
    assert {name for name in env if name not in {"LC_CTYPE", "PWD"}} == {
        "API_KEY",
        "CLAWTRAIL_TASK_ID",
        "HOME",
        "PATH",
    }


def test_terms_become_words(home: Home) -> None:
    """Mode, tools and budget are on the command line as the policy and the task say, the lower budget."""
    terms = Terms(
        mode="acceptEdits",
        allowed_tools=("Read", "Bash(git log:*)"),
        disallowed_tools=("WebFetch",),
        max_cost_usd=2.5,
    )
    words = json.loads(home.ask("claude-cli", "report", terms=terms, maxCostUsd=0.75).stdout)["argv"]
    said = " ".join(words)
    assert "--permission-mode acceptEdits" in said
    assert "--allowedTools Read,Bash(git log:*)" in said
    assert "--disallowedTools WebFetch" in said
    assert "--max-budget-usd 0.75" in said


@every_agent
def test_default_mode_is_the_careful_one(home: Home, kind: str) -> None:
    """Without a word of the policy no agent may do what it likes."""
    words = json.loads(home.ask(kind, "report").stdout)["argv"]
    careful = {"claude-cli": "default", "codex-cli": "read-only", "gemini-cli": "default"}[kind]
    assert words[next(at for at, one in enumerate(words) if "mode" in one or "sandbox" in one) + 1] == careful


def test_next_model_takes_over_when_one_is_busy(home: Home) -> None:
    """Models that are not to be had are passed over, each on the record, and all in one session."""
    with home.instead("claude-cli", None, "opus", "sonnet", "haiku"):
        told = home.ask("claude-cli", "busy:opus", sessionId="fallback")
        named = home.ask("claude-cli", "busy:opus", model="opus")
        tired = home.ask("claude-cli", "tired:opus")
    assert (told.ending.exit_code, told.about["model"], told.about["costUsd"]) == (0, "sonnet", 0.025)
    assert told.about["tries"] == [{"model": "opus", "error": "claude: API Error: 529 Overloaded"}]
    assert told.stdout == b"round 2: busy:opus"
    assert b"trying sonnet" in told.stderr
    # Who names a model gets no other, and what has used a tool is not done twice.
    assert (named.ending.exit_code, tired.ending.exit_code) == (1, 1)
    assert "tries" not in named.about
    assert "tries" not in tired.about


def test_program_that_is_gone_is_127(home: Home) -> None:
    """An agent that was there and is not any more fails its tasks with a sentence."""
    with home.instead("gemini-cli", home.folder / "none"):
        told = home.ask("gemini-cli", "hello")
    assert told.ending.exit_code == 127
    assert "none" in (told.ending.error or "")
