"""The command line on a real terminal: tables, colours, questions, and foreign text without effect."""

from __future__ import annotations

import re
import sys
from collections.abc import Callable
from contextlib import AbstractContextManager, suppress

import pytest

from tests.cli.test_leaving import LongTask
from tests.support.answers import RUNNING, SUMMARY, event, finished
from tests.support.screen import Screen, on_screen
from tests.support.scripted_server import ScriptedServer, reply

Show = Callable[..., AbstractContextManager[Screen]]

EVIL = "\x1b]0;owned\x07\x1b[2Jgone\u202etxt.exe\x9b31m\r\x08"


@pytest.fixture
def show(environ: dict[str, str]) -> Show:
    """Run `clawtrail ARGUMENTS` on a terminal of its own."""

    def run(*arguments: str, columns: int = 100) -> AbstractContextManager[Screen]:
        command = [sys.executable, "-m", "clawtrail", *arguments]
        return on_screen(command, environ=environ, columns=columns)

    return run


def assert_harmless(screen: Screen) -> None:
    """Fail where more reached the terminal than text, line ends and rich's own colours."""
    for forbidden in (b"\x1b]", b"\x1b[2J", b"\x07", b"\x08", b"\xc2\x9b", "\u202e".encode()):
        assert forbidden not in screen.shown, forbidden


def test_output_of_a_task_has_no_power_over_the_terminal(server: ScriptedServer, show: Show) -> None:
    """Escape sequences in output and in errors are shown, not obeyed."""
    answer = finished(stdout=f"{EVIL}\n", stderr=EVIL, state="failed", exitCode=1, error=f"failed{EVIL}")
    server.on("POST", "/tasks", reply(200, answer))
    with show("run", "cat evil") as screen:
        assert screen.await_end() == 1
    assert_harmless(screen)
    assert screen.text.count("\\x1b]0;owned\\x07\\x1b[2Jgone\\u202etxt.exe\\x9b31m") == 3


@pytest.mark.parametrize("command", ["tasks", "history", "show", "workers", "read", "watch", "refused"])
def test_names_and_commands_have_none_either(server: ScriptedServer, show: Show, command: str) -> None:
    """Whatever others could have named, every view shows it as plain text."""
    task_id = "t" * 36
    evil = SUMMARY | {
        "summary": EVIL,
        "actor": EVIL,
        "worker": EVIL,
        "state": EVIL,
        "reason": EVIL,
        "tags": [EVIL],
    }
    seen = event(1, EVIL, **{EVIL: EVIL}) | {"actor": EVIL}
    server.on("GET", "/tasks", reply(200, {"tasks": [evil], "nextCursor": None}))
    server.on("GET", f"/tasks/{task_id}/events", reply(200, {"events": [seen]}))
    detail = {"task": evil | {"payload": {EVIL: EVIL}}, "outcomes": [], "explain": {"why": EVIL}}
    server.on("GET", f"/tasks/{task_id}/detail", reply(200, detail))
    server.on(
        "GET", "/workers", reply(200, {"workers": [{"workerId": EVIL, "labels": [EVIL], "version": EVIL}]})
    )
    server.on("POST", "/files/read", reply(200, finished(stdout="G10wO293bmVkBxtbMko=")))
    server.on("GET", f"/tasks/{task_id}", reply(200, finished(state="failed", exitCode=1, error=EVIL)))
    done = {"taskId": task_id, "from": 0, "next": 0, "data": "", "text": "", "skipped": 0, "done": True}
    server.on(
        "GET", f"/tasks/{task_id}/output", lambda asked: reply(200, done | {"stream": asked.query["stream"]})
    )
    server.on("POST", f"/tasks/{task_id}/rerun", reply(409, {"error": EVIL, "code": EVIL}))
    arguments = {"tasks": [], "workers": [], "read": ["/x"], "refused": [task_id]}.get(command, [task_id])
    with show({"refused": "rerun"}.get(command, command), *arguments) as screen:
        screen.await_end()
    assert_harmless(screen)
    assert "\\x1b]0;" in screen.text


@pytest.mark.parametrize("columns", [40, 80, 200])
def test_tasks_are_a_table_that_fits(server: ScriptedServer, show: Show, columns: int) -> None:
    """On a terminal there are titles and short ids, and no line is longer than the screen is wide."""
    task = SUMMARY | {"taskId": "0199a0c1-7000-7000-8000-00000000abcd", "summary": "make " * 50}
    server.on("GET", "/tasks", reply(200, {"tasks": [task], "nextCursor": None}))
    with show("tasks", columns=columns) as screen:
        assert screen.await_end() == 0
    plain = re.sub(r"\x1b\[[\d;]*m", "", screen.text)
    assert max(map(len, plain.splitlines())) <= columns
    if columns >= 80:
        assert "state" in plain
        assert "0000abcd" in plain


def test_no_tasks_are_an_empty_table(server: ScriptedServer, show: Show) -> None:
    """A list without tasks is still told as one."""
    server.on("GET", "/tasks", reply(200, {"tasks": [], "nextCursor": None}))
    with show("tasks") as screen:
        assert screen.await_end() == 0
    assert "state" in screen.text


def test_ctrl_c_asks_and_c_cancels(server: ScriptedServer, show: Show) -> None:
    """On a terminal Ctrl-C asks; c cancels the task and stays until it has ended."""
    task = LongTask(server)
    with show("run", "sleep 1000") as screen:
        screen.await_text("begun")
        screen.type("\x03")
        screen.await_text(r"\[c\]ancel.*\[d\]etach.*\[w\]ait")
        screen.type("c\n")
        assert screen.await_end() == 130
    assert task.cancelled.is_set()
    assert "was cancelled" in screen.text


def test_ctrl_c_asks_and_d_detaches(server: ScriptedServer, show: Show) -> None:
    """With d the task goes on, and the screen says how to come back to it."""
    task = LongTask(server)
    with show("run", "sleep 1000") as screen:
        screen.await_text("begun")
        screen.type("\x03")
        screen.await_text("ait on")
        screen.type("d\n")
        assert screen.await_end() == 130
    assert not task.cancelled.is_set()
    assert "clawtrail watch t-1" in screen.text


def leave(screen: Screen) -> int:
    """Press Ctrl-C until the program ends, as people do, and return its exit status.

    One that comes between the question and Python's reading of the answer is seen with the next.
    """
    for _ in range(3):
        screen.type("\x03")
        with suppress(AssertionError):
            return screen.await_end(within=10)
    screen.type("\x03")
    return screen.await_end()


def test_ctrl_c_asks_and_w_waits_on(server: ScriptedServer, show: Show) -> None:
    """With w nothing changes, and Ctrl-C asks again the next time."""
    task = LongTask(server)
    with show("run", "sleep 1000") as screen:
        screen.await_text("begun")
        screen.type("\x03")
        screen.await_text("ait on")
        screen.type("w\n")
        screen.await_text("Waiting on")
        screen.type("\x03")
        screen.await_text("(?s)ait on.*ait on")
        assert not task.cancelled.is_set()
        assert leave(screen) == 130
    assert task.cancelled.is_set()


def test_a_task_without_a_worker_is_explained(server: ScriptedServer, show: Show) -> None:
    """When nothing happens for a while, the screen says what it waits for."""
    pending = RUNNING | {"status": "pending", "state": "pending"}
    LongTask(server)
    server.on("POST", "/tasks", reply(200, pending))
    server.on("GET", "/tasks/t-1", reply(200, pending))
    with show("run", "make") as screen:
        screen.await_text("Waiting for a worker; `clawtrail show t-1` says why")
