"""The tools do the same wherever they are served: asked by the official client, done by a real worker."""

from __future__ import annotations

import base64
import json
from pathlib import Path

import pytest

from clawtrail import Client
from clawtrail.mcp.arguments import PIECE
from tests.mcp.conftest import House
from tests.support.tool_calls import Talk, text_of
from tests.support.worker_process import eventually

READ_ONLY = {"read_file", "get_task", "wait_task", "list_tasks"}
IDEMPOTENT = READ_ONLY | {"write_file", "cancel_task"}
NAMES = READ_ONLY | {"run_command", "write_file", "edit_file", "ask_claude", "cancel_task"}


def test_a_command_is_run(everywhere: Talk) -> None:
    """In both eras of the protocol, a command's exit code and output come back in one call."""
    told = everywhere.do("run_command", command="echo out; echo err >&2; exit 3")
    assert (told["state"], told["finished"], told["succeeded"]) == ("failed", True, False)
    assert (told["exit_code"], told["stdout"], told["stderr"]) == (3, "out\n", "err\n")


def test_tools_are_described(everywhere: Talk) -> None:
    """Each tool has its words, hints and schemas; every argument is described, and none may be null."""
    tools = everywhere.tools()
    assert set(tools) == NAMES
    for name, tool in tools.items():
        hints = tool.annotations
        assert hints is not None
        assert tool.description
        assert tool.output_schema
        assert hints.read_only_hint is (name in READ_ONLY), name
        assert hints.destructive_hint is (name not in READ_ONLY), name
        assert hints.idempotent_hint is (name in IDEMPOTENT), name
        for argument, schema in tool.input_schema["properties"].items():
            assert schema["description"], (name, argument)
            assert "anyOf" not in schema, (name, argument)


def test_the_service_introduces_itself(everywhere: Talk) -> None:
    """A model is told how to wait, what approvals are, and that output is data."""
    told = everywhere.client.instructions
    assert told is not None
    assert "wait_task" in told
    assert "awaiting_approval" in told
    assert "never an instruction" in told


def test_the_text_says_the_same_as_the_structure(talk: Talk) -> None:
    """Clients that know no structured content find it as JSON in the text."""
    result = talk.call("run_command", argv=["echo", "both"])
    assert json.loads(text_of(result)) == result.structured_content


def test_files_are_written_edited_and_read(talk: Talk, tmp_path: Path) -> None:
    """A file goes through the three tools; the diff of the edit comes back."""
    path = str(tmp_path / "notes" / "a.txt")
    assert talk.do("write_file", path=path, content="one\ntwo\n")["succeeded"]
    edited = talk.do("edit_file", path=path, old_string="two", new_string="three")
    assert "+three" in edited["metadata"]["diff"]
    assert talk.do("read_file", path=path)["stdout"] == "one\nthree\n"


def test_a_large_file_is_read_in_pieces(talk: Talk, tmp_path: Path) -> None:
    """Each piece says where to read on, and the pieces together are the file; binary data goes as base64."""
    file = tmp_path / "large"
    file.write_bytes(bytes(range(256)) * 100)
    assert "base64" in talk.fail("read_file", path=str(file))
    data, offset = b"", 0
    while True:
        told = talk.do("read_file", path=str(file), encoding="base64", offset=offset)
        data += base64.b64decode(told["stdout"])
        if told["left_out"] is None:
            break
        offset = len(data)
        assert f"offset={offset}." in told["left_out"]
    assert data == file.read_bytes()


def test_long_output_is_cut_and_can_be_read_on(talk: Talk) -> None:
    """An answer keeps beginning and end of a long stream and tells how to get the rest, which is exact."""
    told = talk.do("run_command", command="seq 1 20000")
    whole = "".join(f"{number}\n" for number in range(1, 20_001))
    assert len(told["stdout"]) < PIECE + 100
    assert told["stdout"].startswith("1\n2\n")
    assert told["stdout"].endswith("19999\n20000\n")
    offset = PIECE // 2
    assert f"stream='stdout' and offset={offset} " in told["left_out"]
    text = whole[:offset]
    while True:
        piece = talk.do("get_task", task_id=told["task_id"], stream="stdout", offset=offset)["output"]
        text, offset = text + piece["text"], piece["next_offset"]
        if piece["done"]:
            break
    assert text == whole


def test_a_long_task_is_waited_for(talk: Talk, tmp_path: Path) -> None:
    """A task that takes longer than its caller waits goes on, says how to wait, and ends at its time."""
    gate = tmp_path / "gate"
    command = f"echo begun; until test -e {gate}; do sleep 0.05; done; echo done"
    told = talk.do("run_command", command=command, wait_seconds=0)
    assert (told["finished"], told["succeeded"]) == (False, None)
    assert "wait_task" in told["next"]
    task_id = told["task_id"]
    eventually(lambda: talk.do("get_task", task_id=task_id)["state"] == "running")
    eventually(lambda: talk.do("get_task", task_id=task_id, stream="stdout")["output"]["text"] == "begun\n")
    assert not talk.do("wait_task", task_id=task_id, wait_seconds=0.1)["finished"]
    gate.touch()
    assert talk.do("wait_task", task_id=task_id)["stdout"] == "begun\ndone\n"


def test_who_asked_for_it_hears_of_progress(everywhere: Talk) -> None:
    """While a tool waits, a client that asked to be told is told how the task stands."""
    result, heard = everywhere.call_with_progress("run_command", command="sleep 1.2; echo done")
    assert result.structured_content["stdout"] == "done\n"
    assert any(message.endswith("is running.") for message in heard)


def test_waiting_for_people_is_said(talk: Talk, house: House) -> None:
    """A task that needs a human's permission says so at once, with the way to give it; then it goes on."""
    told = talk.do("run_command", argv=["sh", "-c", "ask"])
    assert (told["state"], told["finished"]) == ("awaiting_approval", False)
    approval = told["approval"]
    assert approval["rule"] == "may it"
    assert "ask" in approval["describe"]
    assert f"clawtrail approve {approval['approval_id']}" in approval["how_to_answer"]
    with Client(house.server.url, house.ann) as ann:
        ann.questions.approve(approval["approval_id"])
    ended = talk.do("wait_task", task_id=told["task_id"])
    assert (ended["finished"], ended["exit_code"], ended["approval"]) == (True, 127, None)


def test_what_did_not_run_is_an_error(talk: Talk, tmp_path: Path) -> None:
    """A refusal by policy and a file that is not there are errors, with why."""
    assert "Refused by policy: never" in talk.fail("run_command", argv=["sh", "-c", "never"])
    assert "File not found" in talk.fail("read_file", path=str(tmp_path / "nothing"))
    assert "old_string" in talk.fail("edit_file", path=__file__, old_string="\x01", new_string="b")
    assert "Timeout" in talk.fail("run_command", argv=["sleep", "9"], timeout_seconds=1)


@pytest.mark.parametrize(
    ("name", "arguments", "words"),
    [
        ("run_command", {}, "give either command or argv"),
        ("run_command", {"command": "a", "argv": ["a"]}, "give either command or argv"),
        ("run_command", {"command": "a", "colour": "red"}, "colour"),
        ("run_command", {"command": "a", "wait_seconds": 31}, "wait_seconds"),
        ("run_command", {"command": "a", "labels": ["fast"]}, "key=value"),
        ("read_file", {}, "path"),
        ("write_file", {"path": "/tmp/x", "content": "%", "encoding": "base64"}, "base64"),
        ("get_task", {"task_id": "../tokens"}, "task_id"),
        ("get_task", {"task_id": "stats"}, "not as expected"),
        ("wait_task", {"task_id": "00000000-0000-7000-8000-000000000000"}, "Task not found"),
        ("list_tasks", {"states": ["asleep"]}, "states.0"),
        ("ask_claude", {"prompt": " "}, "prompt is required"),
    ],
)
def test_wrong_arguments_are_said_in_a_sentence(
    talk: Talk, name: str, arguments: dict[str, object], words: str
) -> None:
    """What is wrong with a call is an answer that a model can read and mend."""
    assert words in talk.fail(name, **arguments)


def test_an_agent_goes_on_with_its_session(talk: Talk) -> None:
    """Claude Code answers, tells its cost and session, and goes on with the latter."""
    first = talk.do("ask_claude", prompt="hello")
    assert first["stdout"] == "round 1: hello"
    assert first["metadata"]["costUsd"] > 0
    again = talk.do("ask_claude", prompt="again", session_id=first["session_id"])
    assert (again["stdout"], again["session_id"]) == ("round 2: again", first["session_id"])


def test_a_repeated_call_does_nothing_twice(talk: Talk, tmp_path: Path) -> None:
    """The same request_key and arguments give the same task; other arguments under it are refused."""
    told = [
        talk.do("run_command", command=f"echo x >>{tmp_path}/f", request_key=f"k-{tmp_path}") for _ in "ab"
    ]
    assert told[0]["task_id"] == told[1]["task_id"]
    assert (tmp_path / "f").read_text() == "x\n"
    assert "key" in talk.fail("run_command", command="echo y", request_key=f"k-{tmp_path}")
    twice = [talk.do("run_command", command=f"echo x >>{tmp_path}/g")["task_id"] for _ in "ab"]
    assert twice[0] != twice[1]


def test_tasks_are_listed(talk: Talk, tmp_path: Path) -> None:
    """A list can be narrowed and goes on at its cursor."""
    ids = [talk.do("run_command", command=f"true {tmp_path} {n}")["task_id"] for n in range(3)]
    first = talk.do("list_tasks", text=str(tmp_path), states=["completed"], kind="command", limit=2)
    rest = talk.do("list_tasks", text=str(tmp_path), limit=2, cursor=first["next_cursor"])
    assert [one["task_id"] for one in first["tasks"] + rest["tasks"]] == ids[::-1]
    assert rest["next_cursor"] is None
    assert first["tasks"][0]["summary"] == f"true {tmp_path} 2"
    assert first["tasks"][0]["submitted_by"] == "client:ada"


def test_a_task_is_cancelled(talk: Talk) -> None:
    """A running task is stopped; one that has ended cannot be, which is said."""
    task_id = talk.do("run_command", argv=["sleep", "60"], wait_seconds=0)["task_id"]
    assert talk.do("cancel_task", task_id=task_id, reason="changed my mind")["task_id"] == task_id
    ended = talk.do("wait_task", task_id=task_id)
    assert (ended["state"], ended["succeeded"]) == ("cancelled", False)
    assert talk.fail("cancel_task", task_id=task_id)


def test_a_tool_that_is_not_there(talk: Talk) -> None:
    """An unknown tool is an error of the protocol, as the specification has it."""
    with pytest.raises(Exception, match="There is no tool 'format_disk' here"):
        talk.call("format_disk")
