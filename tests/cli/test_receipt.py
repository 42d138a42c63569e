"""`clawtrail receipt`: the exact text, where it is wanted."""

from __future__ import annotations

import json
from pathlib import Path

from tests.cli.conftest import Type
from tests.support.scripted_server import Reply, ScriptedServer, reply

LONG = "0199a0c1-7000-7000-8000-00000000abcd"
TEXT = 'clawtrail receipt v1\n\nevent {"note":"na\u00efve \x9b31m"}\n'
PLAIN = Reply(200, TEXT.encode(), {"Content-Type": "text/plain; charset=utf-8"})


def test_a_pipe_gets_the_exact_bytes(server: ScriptedServer, typed: Type) -> None:
    """What goes to a pipe can be checked: no byte is changed or added."""
    server.on("GET", f"/tasks/{LONG}/receipt", PLAIN)
    ran = typed("receipt", LONG)
    assert (ran.status, ran.out) == (0, TEXT.encode())


def test_it_can_be_written_to_a_file(server: ScriptedServer, typed: Type, tmp_path: Path) -> None:
    """With -o the receipt is in the file, and nothing is printed."""
    server.on("GET", f"/tasks/{LONG}/receipt", PLAIN)
    ran = typed("receipt", LONG, "-o", str(tmp_path / "receipt.txt"))
    assert (ran.status, ran.out, ran.err) == (0, b"", "")
    assert (tmp_path / "receipt.txt").read_bytes() == TEXT.encode()


def test_programs_may_have_it_in_json(server: ScriptedServer, typed: Type) -> None:
    """With --json the same text stands in an object, with the whole id of its task."""
    server.on("GET", f"/tasks/{LONG}/receipt", PLAIN)
    assert json.loads(typed("receipt", LONG, "--json").text) == {"taskId": LONG, "receipt": TEXT}


def test_a_refusal_writes_no_file(server: ScriptedServer, typed: Type, tmp_path: Path) -> None:
    """Without a receipt there is a sentence, a status, and no file."""
    server.on(
        "GET", f"/tasks/{LONG}/receipt", reply(404, {"error": "Task not found", "code": "task_not_found"})
    )
    ran = typed("receipt", LONG, "-o", str(tmp_path / "receipt.txt"))
    assert ran.status != 0
    assert "Task not found" in ran.err
    assert not (tmp_path / "receipt.txt").exists()
