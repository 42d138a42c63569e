"""`clawtrail approvals`, `approve` and `deny`: what they ask and print."""

from __future__ import annotations

import json
import signal
import time

import pytest

from tests.cli.conftest import Type, spawn
from tests.cli.test_screen import EVIL, Show, assert_harmless, show
from tests.support.scripted_server import ScriptedServer, reply

__all__ = ["show"]

FIRST, SECOND = "3f2c0000-aaaa-4000-8000-000000000001", "3f2d0000-bbbb-4000-8000-000000000002"


def question(approval_id: str = FIRST, **members: object) -> dict[str, object]:
    """Return a question as the server tells it."""
    now = int(time.time() * 1000)
    told: dict[str, object] = {"approvalId": approval_id, "taskId": "t-1", "state": "pending"}
    told |= {"rule": "ask first", "worker": "wim", "submittedBy": "client:ada", "requestedAt": now}
    told |= {"describe": "git push\nin /home/wim", "expiresAt": now + 1_740_000}
    return told | {"decidedBy": None, "comment": None} | members


def script(server: ScriptedServer, *questions: dict[str, object], version: str = "v1") -> None:
    """Script a list of questions."""
    server.on("GET", "/approvals", reply(200, {"approvals": list(questions), "version": version}))


def test_questions_in_a_pipe_are_lines_with_tabs(server: ScriptedServer, typed: Type) -> None:
    """One line each, whatever their texts hold."""
    script(server, question(), question(SECOND))
    first, _ = typed("approvals").text.splitlines()
    cells = first.split("\t")
    assert (cells[0], cells[1], cells[4:]) == (
        FIRST,
        "pending",
        ["client:ada", "wim", "ask first", "t-1", "git push\\nin /home/wim"],
    )
    assert server.asked[0].query["state"] == "pending"


def test_questions_as_json(server: ScriptedServer, typed: Type) -> None:
    """All that the server said, a line each."""
    told = question()
    script(server, told)
    assert json.loads(typed("approvals", "--json", "--state", "all").text) == told
    assert server.asked[0].query["state"] == "all"


def test_the_text_of_a_question_cannot_pass_for_another(server: ScriptedServer, show: Show) -> None:
    """Its lines stand behind bars and its controls are shown, so nothing of it is hidden or obeyed."""
    fake = f"{SECOND[:8]}  wim asks by the rule 'harmless', for client:ben: 29m00s left"
    script(server, question(describe=f"true\n{fake}\n{EVIL}"))
    with show("approvals", columns=200) as screen:
        assert screen.await_end() == 0
    assert_harmless(screen)
    lines = [line for line in screen.text.splitlines() if line.strip()]
    assert lines[0].startswith("3f2c0000  wim asks by the rule 'ask first', for client:ada: 2")
    assert all(line.startswith("  | ") for line in lines[1:])
    assert f"  | {fake}" in lines


@pytest.mark.parametrize(("command", "decision"), [("approve", "approve"), ("deny", "deny")])
def test_an_answer_goes_to_the_question_that_is_meant(
    server: ScriptedServer, typed: Type, command: str, decision: str
) -> None:
    """The start of an id is enough; the comment goes along."""
    script(server, question(), question(SECOND))
    server.on("POST", f"/approvals/{SECOND}", reply(200, question(SECOND, state="approved")))
    ran = typed(command, "3f2d", "--comment", "as agreed")
    assert (ran.status, ran.text) == (0, "Task t-1 is approved.\n")
    assert json.loads(server.asked[-1].body) == {"decision": decision, "comment": "as agreed"}


@pytest.mark.parametrize(
    ("given", "said"), [("3f2", "too short"), ("3f2c", "several"), ("beef", "No question that waits")]
)
def test_what_means_no_single_question_is_refused(
    server: ScriptedServer, typed: Type, given: str, said: str
) -> None:
    """Nothing is answered by mistake."""
    script(server, question(), question("3f2c1111-aaaa-4000-8000-000000000003"))
    ran = typed("approve", given)
    assert ran.status == 2
    assert said in ran.err
    assert all(asked.method == "GET" for asked in server.asked)


def test_refusals_are_told_with_what_to_do(server: ScriptedServer, typed: Type) -> None:
    """A question that was answered before, one's own task, an id that is none."""
    for status, code, left in (
        (409, "already_decided", 1),
        (403, "own_submission", 77),
        (404, "approval_not_found", 1),
    ):
        server.on("POST", f"/approvals/{FIRST}", reply(status, {"error": f"It is {code}.", "code": code}))
        ran = typed("deny", FIRST)
        assert ran.status == left
        assert f"It is {code}." in ran.err
        assert "Use a token" not in ran.err
        assert "clawtrail tasks" not in ran.err


def test_watching_shows_what_comes_and_what_becomes_of_it(
    server: ScriptedServer, environ: dict[str, str]
) -> None:
    """New questions and answers are printed as they come, once each; Ctrl-C leaves with 130."""
    answers = [
        reply(200, {"approvals": [question(SECOND, state="denied"), question()], "version": "v1"}),
        reply(200, {"approvals": [question()], "version": "v1"}),
        reply(200, {"approvals": [question(state="approved", decidedBy="approver:ann")], "version": "v2"}),
    ]
    server.on("GET", "/approvals", *answers)
    with spawn("approvals", "--watch", environ=environ) as process:
        assert process.stdout is not None
        assert process.stdout.readline().startswith(FIRST.encode())
        assert b"3f2c0000 is approved by approver:ann" in process.stdout.readline()
        process.send_signal(signal.SIGINT)
        process.communicate(timeout=20)
    assert process.returncode == 130
    first, second, *_ = server.asked
    assert "version" not in first.query
    assert (second.query["version"], second.query["state"]) == ("v1", "all")
