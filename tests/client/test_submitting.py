"""Handing over tasks: what is sent, and that a retry never makes a second one."""

from __future__ import annotations

import base64
from collections.abc import Callable

import pytest

from clawtrail import BadAnswer, Client, Conflict, Submitted, Task, TaskFailed
from tests.support.answers import ACCEPTED, RUNNING, finished
from tests.support.scripted_server import DROP, Asked, Reply, ScriptedServer, page, reply


def test_a_command_is_sent_with_its_options_in_milliseconds(server: ScriptedServer, ada: Client) -> None:
    """Names and units on the wire are the server's, whatever Python calls them."""
    server.on("POST", "/tasks", reply(200, ACCEPTED))
    submitted = ada.submit(
        "make",
        cwd="/src",
        env={"A": "b"},
        stdin="x",
        timeout=1.5,
        ttl=60,
        priority=5,
        labels=["os=mac"],
        max_attempts=2,
        not_before=1000,
        tags=("nightly",),
        on_behalf_of="eve",
        session_id="s",
        effect="read",
    )
    assert submitted == Submitted("t-1")
    assert server.asked[0].json == {
        "command": "make",
        "cwd": "/src",
        "env": {"A": "b"},
        "stdin": "x",
        "timeout": 1500,
        "ttl": 60000,
        "priority": 5,
        "labels": ["os=mac"],
        "maxAttempts": 2,
        "notBefore": 1000,
        "tags": ["nightly"],
        "onBehalfOf": "eve",
        "sessionId": "s",
        "effect": "read",
    }


def test_an_argv_is_sent_as_words(server: ScriptedServer, ada: Client) -> None:
    """An argv arrives as the list that it is."""
    server.on("POST", "/tasks", reply(200, ACCEPTED))
    ada.submit(argv=("git", "status"))
    assert server.asked[0].json == {"argv": ["git", "status"]}


@pytest.mark.parametrize(("command", "argv"), [(None, None), ("true", ["true"])])
def test_a_command_is_either_text_or_words(ada: Client, command: str | None, argv: list[str] | None) -> None:
    """Both or neither of text and words is a mistake that is told before anything is sent."""
    with pytest.raises(ValueError, match="either"):
        ada.submit(command, argv=argv)


def test_one_string_is_no_argv(ada: Client) -> None:
    """A string given as argv is refused, since its letters would become words."""
    with pytest.raises(TypeError, match="list of words"):
        ada.submit(argv="ls")


CALLS: dict[str, Callable[[Client], object]] = {
    "/tasks": lambda client: client.submit("true"),
    "/tasks/batch": lambda client: client.submit_many([Task.make("true"), Task.make(argv=["true"])]),
    "/files/write": lambda client: client.write_file("/tmp/x", "x"),
    "/files/read": lambda client: client.read_file("/tmp/x"),
    "/files/edit": lambda client: client.edit_file("/tmp/x", "a", "b"),
    "/tasks/t-0/rerun": lambda client: client.rerun("t-0"),
}


@pytest.mark.parametrize("path", CALLS)
def test_all_tries_of_a_submission_carry_one_key(server: ScriptedServer, ada: Client, path: str) -> None:
    """Each submitting call makes one key and sends it with each try; the next call makes another."""
    good = reply(200, finished(taskIds=["t-1"], count=1, message="Task submitted"))
    server.on("POST", path, DROP, page(502, "bad gateway"), good, DROP, good)
    for _ in range(2):
        CALLS[path](ada)
    keys = [asked.headers["Idempotency-Key"] for asked in server.asked_for(path)]
    assert len(keys) == 5
    assert keys[0] == keys[1] == keys[2] != keys[3] == keys[4]


def test_a_lost_answer_makes_no_second_task(server: ScriptedServer, ada: Client) -> None:
    """When the answer of a submission is lost after the commit, the retry gets the task that was made."""
    made: dict[str, str] = {}

    def first(asked: Asked) -> Reply:
        made[asked.headers["Idempotency-Key"]] = f"t-{len(made)}"
        return DROP

    def again(asked: Asked) -> Reply:
        key = asked.headers["Idempotency-Key"]
        return reply(200, ACCEPTED | {"taskId": made.setdefault(key, f"t-{len(made)}")})

    server.on("POST", "/tasks", first, again)
    assert ada.submit("true").task_id == "t-0"
    assert len(made) == 1


def test_a_request_can_have_a_name_of_its_own(server: ScriptedServer, ada: Client) -> None:
    """A given idempotency key goes in its header, not in the content, for each sort of task."""
    for path in ("/tasks", "/claude", "/files/write", "/files/edit"):
        server.on("POST", path, reply(200, finished(sessionId="s")))
    ada.submit("true", idempotency_key="nightly 1")
    ada.submit_task(Task.of_kind("note", {"text": "x"}, idempotency_key="nightly 2"))
    ada.ask_claude("hello", idempotency_key="nightly 3")
    ada.write_file("/tmp/x", "x", idempotency_key="nightly 4")
    ada.edit_file("/tmp/x", "x", "y", idempotency_key="nightly 5")
    keys = [asked.headers["Idempotency-Key"] for asked in server.asked]
    assert keys == [f"nightly {number}" for number in range(1, 6)]
    assert not [asked for asked in server.asked if "dempotency" in asked.body.decode()]
    with pytest.raises(ValueError, match="no idempotency keys of their own"):
        ada.submit_many([Task.make("true", idempotency_key="nightly 6")])


def test_many_tasks_go_in_one_request(server: ScriptedServer, ada: Client) -> None:
    """A batch is one request, and its ids come back in order."""
    server.on("POST", "/tasks/batch", reply(200, {"taskIds": ["a", "b"], "count": 2}))
    sent = ada.submit_many([Task.make("one"), Task.of_kind("note", {"text": "two"})])
    assert [submitted.task_id for submitted in sent] == ["a", "b"]
    assert server.asked[0].json == {
        "tasks": [{"command": "one"}, {"kind": "note", "payload": {"text": "two"}}]
    }


def test_run_is_one_round_trip_for_a_short_task(server: ScriptedServer, ada: Client) -> None:
    """A task that ends in time needs one request for all of it."""
    server.on("POST", "/tasks", reply(200, finished(stdout="hi\n", durationMs=12)))
    result = ada.run("echo hi")
    assert (result.ok, result.stdout, result.exit_code, result.duration_ms) == (True, "hi\n", 0, 12)
    assert len(server.asked) == 1
    assert int(server.asked[0].query["wait"]) > 1000


def test_run_waits_on_for_a_long_task(server: ScriptedServer, ada: Client) -> None:
    """A task that has not ended with the first answer is waited for."""
    server.on("POST", "/tasks", reply(200, RUNNING))
    server.on("GET", "/tasks/t-1", reply(200, RUNNING), reply(200, finished(exitCode=3, state="failed")))
    result = ada.run("make")
    assert (result.ok, result.exit_code) == (False, 3)


def test_run_with_check_raises_what_failed(server: ScriptedServer, ada: Client) -> None:
    """With check, a task that failed is an exception that holds the result."""
    server.on(
        "POST", "/tasks", reply(200, finished(exitCode=3, status="failed", state="failed", stderr="no rule"))
    )
    with pytest.raises(TaskFailed, match="exit code 3") as caught:
        ada.run("make", check=True)
    assert caught.value.result.stderr == "no rule"


def test_another_content_under_the_same_key_is_a_conflict(server: ScriptedServer, ada: Client) -> None:
    """The server's refusal of a reused key is raised as it is."""
    server.on("POST", "/tasks", reply(409, {"error": "The key was used", "code": "idempotency_conflict"}))
    with pytest.raises(Conflict) as caught:
        ada.submit("true")
    assert caught.value.code == "idempotency_conflict"


def test_a_file_is_read_byte_by_byte(server: ScriptedServer, ada: Client) -> None:
    """What is not text comes back as the bytes that it is."""
    content = bytes(range(256))
    server.on("POST", "/files/read", reply(200, finished(stdout=base64.b64encode(content).decode())))
    assert ada.read_file("/bin/x", offset=0, limit=256) == content
    assert server.asked[0].json == {"path": "/bin/x", "encoding": "base64", "offset": 0, "limit": 256}


def test_a_file_too_large_for_an_answer_is_not_passed_off_as_whole(
    server: ScriptedServer, ada: Client
) -> None:
    """A truncated read is an error that says what to do, never part of a file."""
    server.on("POST", "/files/read", reply(200, finished(stdout="AAAA", truncated=True)))
    with pytest.raises(BadAnswer, match="offset and limit"):
        ada.read_file("/big")


@pytest.mark.parametrize(
    ("content", "sent"),
    [
        ("text\n", {"content": "text\n", "encoding": "utf8"}),
        (b"\xff\x00", {"content": "/wA=", "encoding": "base64"}),
    ],
)
def test_a_file_is_written_exactly(
    server: ScriptedServer, ada: Client, content: str | bytes, sent: dict[str, str]
) -> None:
    """Text travels as text and bytes as base64, both without change."""
    server.on("POST", "/files/write", reply(200, finished(metadata={"bytes": 5})))
    assert ada.write_file("/tmp/x", content).metadata == {"bytes": 5}
    assert server.asked[0].json == {"path": "/tmp/x"} | sent


def test_a_failed_edit_is_raised_with_its_reason(server: ScriptedServer, ada: Client) -> None:
    """An edit whose text is not found raises, with the worker's words."""
    answer = finished(status="failed", state="failed", exitCode=1, error="old_string not found")
    server.on("POST", "/files/edit", reply(200, answer))
    with pytest.raises(TaskFailed, match="old_string not found"):
        ada.edit_file("/tmp/x", "a", "b", replace_all=True)
    asked = {"path": "/tmp/x", "old_string": "a", "new_string": "b", "replace_all": True}
    assert server.asked[0].json == asked
