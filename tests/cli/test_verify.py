"""`clawtrail verify`: what it says of good receipts and of bad ones, without any server."""

from __future__ import annotations

import json
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from app.services.outcomes import Outcome
from clawtrail.formats import canonical, receipts
from clawtrail.formats.leaves import event_text
from tests.cli.conftest import Type
from tests.support import acts
from tests.support.database import Database
from tests.support.processes import REPOSITORY, clean_environ
from tests.support.receipt import SIGNER, entries_of, receipt_of, signed

KEY = str(SIGNER.verifier)


@pytest.fixture
def task_id(db: Database) -> str:
    """The task of Ada's that Wim ran: it said hello and ended with exit code 3."""
    task_id = acts.submit(db, payload='{"command":"echo hello","cwd":"/\\u001b[2J"}', on_behalf_of="carol")
    claimed = acts.started(db)
    acts.output(db, claimed, b"hello\x1b[2J\n")
    acts.result(db, claimed, Outcome(3, "exit", "it broke", 4200, {"a": [1]}, 11, 0, truncated=False))
    return task_id


@pytest.fixture
def receipt(db: Database, task_id: str, tmp_path: Path) -> Path:
    """A file with the receipt of that task."""
    path = tmp_path / "receipt.txt"
    path.write_text(receipt_of(db, task_id), encoding="utf-8")
    return path


def test_what_is_proven_is_said_in_words(typed: Type, receipt: Path, task_id: str) -> None:
    """Who asked for what and when, who ran it, how it ended, and in which record: a line for each."""
    ran = typed("verify", str(receipt), "--key", KEY)
    assert (ran.status, ran.err) == (0, "")
    lines = {" ".join(line.split()) for line in ran.text.splitlines()}
    assert lines >= {
        "Proven under the key record.example/one:",
        f"task {task_id}",
        "asked by client:ada",
        "on behalf of carol",
        "asked at 2027-01-15T08:00:00.000Z",
        "asked for command",
        "command echo hello",
        "run by worker:wim",
        "attempt 1",
        "started at 2027-01-15T08:00:00.000Z",
        "ended as failed",
        "ended at 2027-01-15T08:00:00.000Z",
        "exit code 3",
        "ran for 4.2s",
        "error it broke",
        "record record.example/one",
        "at its size 4 events",
    }
    assert "It cannot prove that the record holds nothing else about this task" in ran.text
    assert [line.split("\t")[2] for line in ran.text.splitlines() if "\t" in line] == [
        "task.submitted", "task.claimed", "task.started", "task.failed"
    ]  # fmt: skip


def test_nothing_of_it_harms_the_terminal(typed: Type, receipt: Path) -> None:
    """Controls in a command, an output or a reason are shown as their escapes."""
    text = typed("verify", str(receipt), "--key", KEY).text
    assert "\x1b" not in text
    assert "/\\x1b[2J" in text
    assert "hello\\x1b[2J\\n" in text


def test_json_tells_the_same(typed: Type, receipt: Path, task_id: str, db: Database) -> None:
    """For programs, all that is proven is one JSON object."""
    said = json.loads(typed("verify", str(receipt), "--key", KEY, "--json").text)
    assert (said["proven"], said["taskId"], said["state"]) == (True, task_id, "failed")
    assert said["payload"] == {"command": "echo hello", "cwd": "/\x1b[2J"}
    assert (said["outcome"]["exitCode"], said["outcome"]["durationMs"]) == (3, 4200)
    assert said["outcome"]["metadata"] == {"a": [1]}
    assert said["outcome"]["stdout"] == "aGVsbG8bWzJKCg=="
    assert [event["seq"] for event in said["events"]] == [row.seq for row in db.events(task_id)]
    assert (said["checkpoint"]["origin"], said["checkpoint"]["size"]) == (SIGNER.name, 4)
    assert said["redacted"] is False


def test_the_key_may_be_in_a_file(typed: Type, receipt: Path, tmp_path: Path) -> None:
    """The key is taken from a file as well, with a line end behind it or without."""
    for text in (KEY, f"{KEY}\n"):
        (tmp_path / "log.key").write_text(text)
        assert typed("verify", str(receipt), "--key", str(tmp_path / "log.key")).status == 0


def test_a_forged_receipt_is_refused(typed: Type, receipt: Path) -> None:
    """A changed word is told with its line and the reason, on standard error, with exit status 1."""
    receipt.write_text(receipt.read_text().replace("echo hello", "echo hallo"))
    ran = typed("verify", str(receipt), "--key", KEY)
    assert (ran.status, ran.out) == (1, b"")
    assert ran.err.startswith("clawtrail: Not proven: line ")
    assert "not the content that the event vouches for" in ran.err
    told = typed("verify", str(receipt), "--key", KEY, "--json")
    assert told.status == 1
    assert json.loads(told.text)["proven"] is False
    assert json.loads(told.text)["reason"] in ran.err


@pytest.mark.parametrize("content", [b"", b"\xff\xfe", b"clawtrail receipt v1\n", b"\x1b[2J\n" * 10])
def test_what_is_no_receipt_is_refused(typed: Type, tmp_path: Path, content: bytes) -> None:
    """Any other file is refused in one harmless sentence."""
    (tmp_path / "other").write_bytes(content)
    ran = typed("verify", str(tmp_path / "other"), "--key", KEY)
    assert (ran.status, ran.out) == (1, b"")
    assert ran.err.startswith("clawtrail: Not proven: ")
    assert "\x1b" not in ran.err


@pytest.mark.parametrize(
    ("key", "why"),
    [
        ("", "cannot be read: Is a directory"),
        ("/", "cannot be read: Is a directory"),
        ("no key", "there is no file 'no key'"),
        ("/nonexistent/log.key", "there is no file '/nonexistent/log.key', and a verifier key it is not"),
        ("x+y+z", "looks like a verifier key, but the key is malformed"),
        (KEY[:-1], "looks like a verifier key, but the key is malformed"),
        ("a\0b", "cannot be read: embedded null byte"),
        ("~" * 5000, "cannot be read: File name too long"),
        (str(Path(__file__)), "holds no verifier key"),
        ("/bin/sh", "holds no text"),
    ],
)
def test_a_wrong_key_is_wrong_usage(typed: Type, receipt: Path, key: str, why: str) -> None:
    """What is neither a key nor a file with one is wrong usage; what it is, is said, and what to do."""
    ran = typed("verify", str(receipt), "--key", key)
    assert (ran.status, ran.out) == (2, b"")
    assert why in ran.err
    assert "The record's owner prints it with: clawtrail audit key" in ran.err


def test_a_missing_file_or_key_is_wrong_usage(typed: Type, receipt: Path) -> None:
    """Without a receipt that can be read, or without a key, nothing is checked."""
    assert typed("verify", str(receipt.with_name("none")), "--key", KEY).status == 2
    assert typed("verify", str(receipt)).status == 2


def test_redacted_content_is_said_to_be_redacted(
    typed: Type, receipt: Path, task_id: str, db: Database
) -> None:
    """Where content is gone and the record says why, so does the receipt; else it is not in it."""
    entries, note = entries_of(db, task_id)
    bare = [replace(entry, payload=None, outcome=None, stdout=None) for entry in entries]
    receipt.write_text(receipts.build(bare, note))
    text = typed("verify", str(receipt), "--key", KEY).text
    assert "  content     not in this receipt\n" in text
    assert "outcome       not in this receipt\n" in text
    told = event_text(
        seq=4,
        at=db.now,
        type_="content.redacted",
        task_id=task_id,
        attempt=None,
        actor="admin:max",
        detail=canonical.text({"reason": "a password"}),
    )
    receipt.write_text(signed([*(entry.text for entry in bare), told]))
    text = typed("verify", str(receipt), "--key", KEY).text
    gone = "not in this receipt; redacted at 2027-01-15T08:00:00.000Z by admin:max: a password\n"
    assert f"  content     {gone}" in text
    assert f"outcome       {gone}" in text
    assert json.loads(typed("verify", str(receipt), "--key", KEY, "--json").text)["redacted"] is True


def test_half_a_story_is_told_as_one(typed: Type, receipt: Path, task_id: str, db: Database) -> None:
    """A receipt without submission, start or end says so, and claims none of them."""
    entries, note = entries_of(db, task_id)
    receipt.write_text(receipts.build(entries[1:2], note))
    text = typed("verify", str(receipt), "--key", KEY).text
    for name in ("asked by", "started", "ended"):
        assert f"{name:<11}  not in this receipt\n" in text


def test_it_needs_no_server_and_no_network(receipt: Path) -> None:
    """With only the client's packages and without a connection, a receipt on standard input is proven."""
    code = (
        "import sys\n"
        "for name in ('app', 'worker', 'flask', 'sqlalchemy'): sys.modules[name] = None\n"
        "talks = ('socket.connect', 'socket.getaddrinfo', 'socket.sendto')\n"
        "sys.addaudithook(lambda event, _: sys.exit(f'talked: {event}') if event in talks else None)\n"
        "import clawtrail.cli as cli\n"
        f"cli.main(['verify', '-', '--key', {KEY!r}])\n"
    )
    ran = subprocess.run(
        [sys.executable, "-c", code],
        cwd=REPOSITORY,
        env=clean_environ(),
        input=receipt.read_bytes(),
        capture_output=True,
        check=False,
    )
    assert (ran.returncode, ran.stderr) == (0, b"")
    assert ran.stdout.startswith(b"Proven under the key record.example/one:")
