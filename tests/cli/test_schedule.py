"""`clawtrail schedule`: what is typed, what is sent, what is shown."""

from __future__ import annotations

import json
from importlib import import_module

import pytest

from clawtrail.commands.schedule import COMMANDS
from tests.cli.conftest import Type
from tests.client.test_schedules import SHOWN
from tests.support.answers import ACCEPTED
from tests.support.scripted_server import ScriptedServer, reply

ACTIVE = {**SHOWN, "state": "active", "pausedWhy": None, "nextAt": 1_800_000_000_000}


@pytest.mark.parametrize(
    ("typed_words", "sent"),
    [
        (["--timeout", "5m", "--", "df", "-h"], {"argv": ["df", "-h"], "timeout": 300_000}),
        (
            ["date | wc", "--env", "A=b=c", "--cwd", "/"],
            {"command": "date | wc", "env": {"A": "b=c"}, "cwd": "/"},
        ),
        (
            ["--claude", "hi", "--session", "s", "--max-cost-usd", "0.5"],
            {"kind": "claude-cli", "prompt": "hi", "sessionId": "s", "maxCostUsd": 0.5},
        ),
        (["--gemini", "hi", "--tag", "t"], {"kind": "gemini-cli", "prompt": "hi", "tags": ["t"]}),
    ],
)
def test_add(server: ScriptedServer, typed: Type, typed_words: list[str], sent: dict[str, object]) -> None:
    """Time, zone, policies and task go to the server; the next times are shown."""
    server.on("POST", "/schedules", reply(200, ACTIVE))
    options = ["--tz", "Europe/Berlin", "--name", "report", "--misfire", "once", "--overlap", "queue"]
    ran = typed("schedule", "add", "0 9 * * *", *options, *typed_words)
    assert (ran.status, ran.text) == (0, "report is active.\n  2027-01-15T09:00:00+01:00\n")
    timing = {"cron": "0 9 * * *", "tz": "Europe/Berlin", "misfire": "once", "overlap": "queue"}
    assert server.asked[0].json == {"name": "report", **timing, "task": sent}


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ([], "Give one text"),
        (["a", "b"], "Give one thing"),
        (["a", "--", "b"], "Give one thing"),
        (["a", "--claude", "b"], "Give one thing"),
        (["--claude", "a", "--codex", "b"], "Give one thing"),
        (["--claude", "a", "--env", "A=b"], "--env does not go with a prompt"),
        (["a", "--session", "s"], "--session does not go with a command"),
        (["--tag", "t"], "give that, too"),
        (["a", "--overlap", "kill"], "--overlap"),
    ],
)
def test_wrong_usage_sends_nothing(server: ScriptedServer, typed: Type, words: list[str], said: str) -> None:
    """What cannot be meant is refused here, with status 2."""
    ran = typed("schedule", "add", "@daily", "--name", "n", *words)
    assert (ran.status, server.asked) == (2, [])
    assert said in ran.err


def test_change_sends_what_is_typed(server: ScriptedServer, typed: Type) -> None:
    """What is not typed stays as it is; nothing at all is wrong usage."""
    server.on("POST", "/schedules/report/change", reply(200, ACTIVE))
    assert typed("schedule", "change", "report", "--cron", "@weekly").status == 0
    assert typed("schedule", "change", "report", "--overlap", "skip", "--", "date").status == 0
    assert [one.json for one in server.asked] == [
        {"cron": "@weekly"},
        {"overlap": "skip", "task": {"argv": ["date"]}},
    ]
    assert typed("schedule", "change", "report").status == 2


def test_list_and_show(server: ScriptedServer, typed: Type) -> None:
    """In a pipe a line for each, with the reason of a pause; show tells all; JSON is the answer."""
    server.on("GET", "/schedules", reply(200, {"schedules": [SHOWN]}))
    server.on("GET", "/schedules/report", reply(200, SHOWN))
    cells = typed("schedule", "list").text.rstrip("\n").split("\t")
    assert (cells[:2], cells[3:5], cells[6:]) == (
        ["report", "paused (token)"],
        ["0 9 * * *", "Europe/Berlin"],
        ["completed", "client:ada", "date"],
    )
    shown = typed("schedule", "show", "report").text
    assert "policies   misfire skip, overlap queue\n" in shown
    assert "next       2027-01-15T09:00:00+01:00\n" in shown
    assert json.loads(typed("schedule", "list", "--json").text) == SHOWN
    assert json.loads(typed("schedule", "show", "report", "--json").text) == SHOWN


def test_steering(server: ScriptedServer, typed: Type) -> None:
    """Each act says how it stands then; run prints the task's id alone."""
    for act in ("pause", "resume", "remove"):
        server.on("POST", f"/schedules/report/{act}", reply(200, SHOWN))
    server.on("POST", "/schedules/report/run", reply(200, ACCEPTED))
    told = [typed("schedule", act, "report").text for act in ("pause", "resume", "run", "remove")]
    assert told[0] == "report is paused (token).\n  2027-01-15T09:00:00+01:00\n"
    assert told[2:] == [f"{ACCEPTED['taskId']}\n", "report is removed.\n"]
    assert json.loads(typed("schedule", "run", "report", "--json").text) == {"taskId": ACCEPTED["taskId"]}
    assert json.loads(typed("schedule", "remove", "report", "--json").text) == {"name": "report"}


def test_what_is_not_there_is_said(server: ScriptedServer, typed: Type) -> None:
    """The advice is to list schedules, not tasks."""
    server.on("GET", "/schedules/n", reply(404, {"error": "None.", "code": "schedule_not_found"}))
    ran = typed("schedule", "show", "n")
    assert (ran.status, ran.err) == (
        1,
        "clawtrail: None. `clawtrail schedule list` lists the schedules there are.\n",
    )


@pytest.mark.parametrize("name", COMMANDS)
def test_every_manual_has_examples_and_json(typed: Type, name: str) -> None:
    """Help of each command tells how it is typed, and its line in the list is its first sentence."""
    manual = typed("schedule", name, "--help").text
    assert f"\n    clawtrail schedule {name}" in manual
    assert "--json" in manual
    entry = COMMANDS[name]
    assert getattr(import_module(entry.module), entry.attribute).help.split("\n")[0] == entry.line
    assert entry.line in typed("schedule", "--help").text
