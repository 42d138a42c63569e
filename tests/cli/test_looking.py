"""`clawtrail tasks`, `show`, `history`, `watch`, `workers`, `cancel`, `rerun`: what they ask and print."""

from __future__ import annotations

import json
import time

import pytest

from tests.cli.conftest import Type
from tests.support.answers import RUNNING, SUMMARY, event, finished, piece
from tests.support.scripted_server import ScriptedServer, reply

LONG = "0199a0c1-7000-7000-8000-"
IDS = [f"{LONG}00000000abcd", f"{LONG}00000000abce", f"{LONG}11110000abcf"]


def script_list(server: ScriptedServer, *tasks: dict[str, object]) -> None:
    """Script a list of one page."""
    server.on("GET", "/tasks", reply(200, {"tasks": list(tasks), "nextCursor": None}))


def test_tasks_in_a_pipe_are_lines_with_tabs(server: ScriptedServer, typed: Type) -> None:
    """Programs get a line for each task, whatever stands in its command."""
    script_list(
        server, SUMMARY | {"summary": "printf 'a\tb\n'"}, SUMMARY | {"exitCode": None, "durationMs": None}
    )
    first, second = typed("tasks").text.splitlines()
    assert first.split("\t")[0] == "t-1"
    assert first.split("\t")[2:] == [
        "failed", "2", "490", "command", "client:ada", "wim", "printf 'a\\tb\\n'"
    ]  # fmt: skip
    assert second.split("\t")[3:5] == ["", ""]


def test_filters_are_passed_on(server: ScriptedServer, typed: Type) -> None:
    """Each filter goes to the server under its name there; moments become epoch milliseconds."""
    script_list(server)
    options = ["--state", "failed", "--state", "unknown", "--kind", "command", "--actor", "client:ada"]
    options += ["--worker", "wim", "-q", "git push", "--tag", "x", "--until", "2026-11-23T00:00:00+00:00"]
    assert typed("tasks", *options, "--since", "2h", "--limit", "7").out == b""
    query = server.asked[0].query
    assert abs(int(query.pop("since")) - (time.time() - 7200) * 1000) < 60_000
    assert query == {
        "state": "failed,unknown",
        "kind": "command",
        "actor": "client:ada",
        "worker": "wim",
        "q": "git push",
        "tag": "x",
        "until": "1795392000000",
        "limit": "7",
    }


@pytest.mark.parametrize("when", ["yesterday", "2026-13-01", "5"])
def test_what_is_no_moment_is_refused(typed: Type, when: str) -> None:
    """A moment that cannot be read is told with ways to write one."""
    ran = typed("tasks", "--since", when)
    assert ran.status == 2
    assert "2026-11-23" in ran.err


def test_json_is_a_line_for_each_task(server: ScriptedServer, typed: Type) -> None:
    """--json prints what the server said, one object a line."""
    script_list(server, SUMMARY, SUMMARY | {"taskId": "t-2", "unknownYet": [1]})
    lines = [json.loads(line) for line in typed("tasks", "--json").text.splitlines()]
    assert lines == [SUMMARY, SUMMARY | {"taskId": "t-2", "unknownYet": [1]}]


def test_show_prints_what_is_known(server: ScriptedServer, typed: Type) -> None:
    """The content, the outcome and the explanation are there; what is not known takes no line."""
    outcome = {
        "attempt": 1,
        "accepted": False,
        "exitCode": 2,
        "error": "late",
        "durationMs": 4900,
        "reportedAt": 1,
    }
    explain = {"why": "It ended with exit code 2.", "next": None, "safeToResend": False}
    task = SUMMARY | {"payload": {"command": "make\x1b[2J"}}
    server.on(
        "GET", "/tasks/t-1/detail", reply(200, {"task": task, "outcomes": [outcome], "explain": explain})
    )
    server.on("GET", "/tasks", reply(200, {"tasks": [SUMMARY], "nextCursor": None}))
    shown = typed("show", "last").text
    assert "state           failed (exit)" in shown
    assert "make\\x1b[2J" in shown
    assert "exit code 2, 4.9s, late, came too late" in shown
    assert "safe to resend  no" in shown
    assert "next" not in shown


def test_history_tells_the_record(server: ScriptedServer, typed: Type) -> None:
    """A line for each event in the order of the record, with its details."""
    events = [event(4, "task.submitted", kind="command"), event(9, "task.claimed")]
    server.on("GET", f"/tasks/{IDS[0]}/events", reply(200, {"events": events}))
    first, second = typed("history", IDS[0]).text.splitlines()
    assert first.split("\t")[0::2] == ["4", "task.submitted", ""]
    assert first.endswith("\tkind=command")
    assert second.startswith("9\t")
    assert [json.loads(line) for line in typed("history", IDS[0], "--json").text.splitlines()] == events


def test_watch_shows_states_and_output(server: ScriptedServer, typed: Type) -> None:
    """States come on standard error, output on standard output, and the exit status is the task's."""
    before, after = [event(1, "task.submitted")], [event(1, "task.submitted"), event(2, "task.failed")]
    path = f"/tasks/{IDS[0]}"
    server.on("GET", f"{path}/events", reply(200, {"events": before}), reply(200, {"events": after}))
    server.on("GET", path, reply(200, RUNNING), reply(200, finished(state="failed", exitCode=9)))
    server.on(
        "GET",
        f"{path}/output",
        lambda asked: (
            piece(asked.query["stream"], int(asked.query["from"]), b"", done=True)
            if asked.query["stream"] == "stderr" or asked.query["from"] != "0"
            else piece("stdout", 0, b"made\xff\n")
        ),
    )
    ran = typed("watch", IDS[0])
    assert (ran.status, ran.out) == (9, b"made\xff\n")
    assert [line.split(" ")[-3] for line in ran.err.splitlines()] == ["task.submitted", "task.failed"]
    lines = [json.loads(line) for line in typed("watch", IDS[0], "--json").text.splitlines()]
    assert {"stream": "stdout", "from": 0, "skipped": 0, "text": "made\ufffd\n"} in lines


def test_workers_are_listed(server: ScriptedServer, typed: Type) -> None:
    """Each worker has a line with its presence and its room."""
    wim = {
        "workerId": "wim",
        "name": "Wim",
        "state": "active",
        "online": True,
        "kinds": ["command"],
        "labels": ["a=b"],
        "sandboxes": ["read-only", "workspace"],
    }
    server.on("GET", "/workers", reply(200, {"workers": [wim | {"version": "1", "free": 3, "held": 1}]}))
    assert typed("workers").out == b"wim\tonline\tactive\t3\t1\t\t1\ta=b\tcommand\tread-only workspace\n"


def test_cancel_says_how_it_stands(server: ScriptedServer, typed: Type) -> None:
    """A cancel tells whether the task has ended or its worker still has to hear of it."""
    path = f"/tasks/{IDS[0]}/cancel"
    states = [reply(200, {"taskId": IDS[0], "state": state}) for state in ("cancelled", "running")]
    server.on("POST", path, *states)
    assert "is cancelled" in typed("cancel", IDS[0], "--reason", "wrong").text
    assert "its worker is told" in typed("cancel", IDS[0]).text
    assert server.asked[0].json == {"reason": "wrong"}


def test_cancelling_what_has_ended_is_refused(server: ScriptedServer, typed: Type) -> None:
    """A cancel that comes too late leaves with 1 and the server's sentence."""
    refused = {"error": "The task is completed already", "code": "illegal_transition"}
    server.on("POST", f"/tasks/{IDS[0]}/cancel", reply(409, refused))
    server.on("GET", f"/tasks/{IDS[0]}", reply(200, finished()))
    ran = typed("cancel", IDS[0])
    assert (ran.status, ran.err) == (1, "clawtrail: The task is completed already.\n")


def test_rerun_prints_the_new_id(server: ScriptedServer, typed: Type) -> None:
    """The id of the new task is all that is printed."""
    server.on("POST", f"/tasks/{IDS[0]}/rerun", reply(200, {"taskId": "t-2", "rerunOf": IDS[0]}))
    assert typed("rerun", IDS[0]).out == b"t-2\n"


@pytest.mark.parametrize(
    ("given", "meant"),
    [("last", IDS[0]), ("abce", IDS[1]), ("0000abcf", IDS[2]), (f"{LONG}1111", IDS[2]), (IDS[1], IDS[1])],
)
def test_part_of_an_id_is_enough(server: ScriptedServer, typed: Type, given: str, meant: str) -> None:
    """The start or end of an id stands for it while no other task has the same."""
    script_list(server, *({**SUMMARY, "taskId": task_id} for task_id in IDS))
    server.on("POST", f"/tasks/{meant}/rerun", reply(200, {"taskId": "t-2", "rerunOf": meant}))
    assert typed("rerun", given).status == 0


@pytest.mark.parametrize(("given", "said"), [("0199", "several"), ("beef", "None of"), ("abc", "too short")])
def test_an_id_that_is_not_clear_is_refused(
    server: ScriptedServer, typed: Type, given: str, said: str
) -> None:
    """What fits several tasks or none is not guessed at."""
    script_list(server, *({**SUMMARY, "taskId": task_id} for task_id in IDS))
    ran = typed("cancel", given)
    assert ran.status == 2
    assert said in ran.err
    assert not any(asked.method == "POST" for asked in server.asked)


def test_nothing_configured_is_said_with_what_to_set(typed: Type, environ: dict[str, str]) -> None:
    """Without a server in the environment, the one sentence names the variable; exit status 2."""
    del environ["CLAWTRAIL_URL"]
    environ["XDG_CONFIG_HOME"] = "/nowhere"
    ran = typed("tasks")
    assert ran.status == 2
    assert "CLAWTRAIL_URL" in ran.err


def test_nobody_there_is_69(typed: Type) -> None:
    """A server that does not answer is told with its address, and what to look at."""
    ran = typed("tasks", "--url", "http://127.0.0.1:1")
    assert ran.status == 69
    assert "No answer from http://127.0.0.1:1: connection refused" in ran.err
