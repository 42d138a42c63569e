"""`clawtrail read`, `write` and `edit`: exact bytes there and back."""

from __future__ import annotations

import base64
import json
from pathlib import Path

import pytest

from tests.cli.conftest import Type, spawn
from tests.support.answers import finished
from tests.support.scripted_server import ScriptedServer, reply

RAW = bytes(range(256))


def test_read_prints_the_bytes(server: ScriptedServer, typed: Type) -> None:
    """A pipe gets the file as it is."""
    server.on("POST", "/files/read", reply(200, finished(stdout=base64.b64encode(RAW).decode())))
    ran = typed("read", "~/x", "--offset", "5", "--limit", "256")
    assert (ran.status, ran.out, ran.err) == (0, RAW, "")
    assert server.asked[0].json == {"path": "~/x", "encoding": "base64", "offset": 5, "limit": 256}


@pytest.mark.parametrize(("content", "encoding"), [("zwölf\n".encode(), "utf8"), (RAW, "base64")])
def test_read_as_json_says_its_encoding(
    server: ScriptedServer, typed: Type, content: bytes, encoding: str
) -> None:
    """Text comes as text and other bytes as base64."""
    server.on("POST", "/files/read", reply(200, finished(stdout=base64.b64encode(content).decode())))
    read = json.loads(typed("read", "x", "--json").out)
    assert (read["encoding"], read["size"]) == (encoding, len(content))
    found = read["content"].encode() if encoding == "utf8" else base64.b64decode(read["content"])
    assert found == content


def test_a_read_that_fails_is_one_sentence(server: ScriptedServer, typed: Type) -> None:
    """What the worker says of the file is said here, with its exit code."""
    answer = finished(state="failed", exitCode=1, error="File not found: /x", stdout="not content")
    server.on("POST", "/files/read", reply(200, answer))
    ran = typed("read", "/x")
    assert (ran.status, ran.out) == (1, b"")
    assert ran.err.endswith("File not found: /x.\n")


def test_write_sends_the_file(server: ScriptedServer, typed: Type, tmp_path: Path) -> None:
    """Text goes as text; what is printed is the size and the digest."""
    server.on("POST", "/files/write", reply(200, finished(metadata={"sha256After": "ab12"})))
    (tmp_path / "draft").write_bytes(b"eins\r\n")
    assert typed("write", "~/x", str(tmp_path / "draft")).out == b"~/x: 6 bytes written, sha256 ab12\n"
    assert server.asked[0].json == {"path": "~/x", "content": "eins\r\n", "encoding": "utf8"}


@pytest.mark.parametrize("arguments", [["~/x"], ["~/x", "-"]])
def test_write_takes_standard_input(
    server: ScriptedServer, environ: dict[str, str], arguments: list[str]
) -> None:
    """Without a file, or with -, standard input is written, whatever bytes it holds."""
    server.on("POST", "/files/write", reply(200, finished()))
    with spawn("write", *arguments, environ=environ) as process:
        process.communicate(RAW, timeout=40)
    asked = server.asked[0].json
    assert asked == {"path": "~/x", "content": base64.b64encode(RAW).decode(), "encoding": "base64"}


def test_write_of_a_missing_file_sends_nothing(server: ScriptedServer, typed: Type) -> None:
    """A file that is not here is told before anything is sent."""
    assert typed("write", "~/x", "/absent").status == 2
    assert not server.asked


def test_edit_prints_the_difference(server: ScriptedServer, typed: Type) -> None:
    """The diff that the worker made is what is printed."""
    diff = "--- x\n+++ x\n@@ -1 +1 @@\n-a\n+b\n"
    server.on("POST", "/files/edit", reply(200, finished(metadata={"diff": diff})))
    assert typed("edit", "x", "--old", "a", "--new", "b", "--all").text == diff
    assert server.asked[0].json == {"path": "x", "old_string": "a", "new_string": "b", "replace_all": True}


def test_an_edit_that_fails_leaves_with_its_exit_code(server: ScriptedServer, typed: Type) -> None:
    """A text that is not there is a failure, and --json still gives all of the result."""
    answer = finished(state="failed", exitCode=1, error="old_string not found")
    server.on("POST", "/files/edit", reply(200, answer))
    ran = typed("edit", "x", "--old", "a", "--new", "b", "--json")
    assert ran.status == 1
    assert json.loads(ran.out) == answer
    assert "old_string not found" in ran.err
