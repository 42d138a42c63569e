"""`clawtrail run`: what is sent, what is shown, and how it ends."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from tests.cli.conftest import Type, spawn
from tests.support.answers import ACCEPTED, RUNNING, finished, piece
from tests.support.processes import REPOSITORY
from tests.support.scripted_server import Asked, Reply, ScriptedServer, page, reply


def streams(*, out: bytes = b"", err: bytes = b"") -> dict[str, bytes]:
    """Return what a task writes, by stream."""
    return {"stdout": out, "stderr": err}


def script_long_task(server: ScriptedServer, written: dict[str, bytes], **result: object) -> None:
    """Script a task that does not end at once, with its output and its result."""

    def output(asked: Asked) -> Reply:
        stream, start = asked.query["stream"], int(asked.query["from"])
        return piece(stream, start, written[stream][start:], done=True)

    server.on("POST", "/tasks", reply(200, RUNNING))
    server.on("GET", "/tasks/t-1/output", output)
    server.on("GET", "/tasks/t-1", reply(200, RUNNING), reply(200, finished(**result)))


def test_a_text_goes_to_the_shell_over_there(server: ScriptedServer, typed: Type) -> None:
    """One argument is sent as text, with the options in the wire's units."""
    server.on("POST", "/tasks", reply(200, finished(stdout="Linux\n")))
    options = ["--timeout", "5m", "--cwd", "/src", "--env", "A=b=c", "--env", "E=", "--label", "os=mac"]
    options += [
        "--priority",
        "-3",
        "--effect",
        "read",
        "--ttl",
        "1h",
        "--tag",
        "x",
        "--idempotency-key",
        "k 1",
    ]
    ran = typed("run", "uname -a", *options)
    assert (ran.status, ran.out, ran.err) == (0, b"Linux\n", "")
    assert server.asked[0].json == {
        "command": "uname -a",
        "timeout": 300_000,
        "cwd": "/src",
        "env": {"A": "b=c", "E": ""},
        "labels": ["os=mac"],
        "priority": -3,
        "effect": "read",
        "ttl": 3_600_000,
        "tags": ["x"],
    }
    assert server.asked[0].headers["Idempotency-Key"] == "k 1"


def test_words_after_dashes_are_an_argv(server: ScriptedServer, typed: Type) -> None:
    """After -- everything belongs to the program over there, further dashes and options too."""
    server.on("POST", "/tasks", reply(200, finished()))
    typed("run", "--timeout", "1s", "--", "git", "log", "--oneline", "--", "a b", "--json")
    assert server.asked[0].json["argv"] == ["git", "log", "--oneline", "--", "a b", "--json"]


@pytest.mark.parametrize("words", [["git", "status"], [], ["git", "--", "status"], ["--"]])
def test_words_are_not_guessed_at(server: ScriptedServer, typed: Type, words: list[str]) -> None:
    """What is neither one text nor words after -- is refused with both ways to write it."""
    ran = typed("run", *words)
    assert ran.status == 2
    assert "clawtrail run 'git status'" in ran.err
    assert "clawtrail run -- git status" in ran.err
    assert not server.asked


def test_the_exit_status_is_the_tasks(server: ScriptedServer, typed: Type) -> None:
    """An exit code over there is the exit status here, without a word on top."""
    server.on("POST", "/tasks", reply(200, finished(exitCode=7, state="failed", stderr="no\n")))
    ran = typed("run", "make")
    assert (ran.status, ran.out, ran.err) == (7, b"", "no\n")


@pytest.mark.parametrize(
    ("state", "sentence"),
    [
        ("cancelled", "was cancelled"),
        ("denied", "was denied (Ann said no)"),
        ("expired", "has expired"),
        ("unknown", "may or may not have run to its end"),
    ],
)
def test_an_end_without_exit_code_is_125_and_a_sentence(
    server: ScriptedServer, typed: Type, state: str, sentence: str
) -> None:
    """Ends that have no exit code share one status, and the sentence tells them apart."""
    error = "Ann said no" if state == "denied" else None
    server.on("POST", "/tasks", reply(200, finished(exitCode=-1, state=state, error=error)))
    ran = typed("run", "make")
    assert ran.status == 125
    assert sentence in ran.err


@pytest.mark.parametrize(
    ("code", "status", "sentence"),
    [(124, 124, "Timeout after 1000 ms"), (126, 126, "Refused by policy: no pushing"), (-1, 125, "no exit")],
)
def test_why_it_failed_is_said(
    server: ScriptedServer, typed: Type, code: int, status: int, sentence: str
) -> None:
    """An error that the exit code does not tell comes on standard error."""
    server.on("POST", "/tasks", reply(200, finished(exitCode=code, state="failed", error=sentence)))
    ran = typed("run", "make")
    assert ran.status == status
    assert sentence in ran.err


def test_output_of_a_long_task_comes_byte_by_byte(server: ScriptedServer, typed: Type) -> None:
    """In pipes, both streams are what the task wrote, escape sequences and broken UTF-8 included."""
    out, err = b"\x1b[31mred\xff\x00\r\n", b"warn\xc3"
    script_long_task(server, streams(out=out, err=err), stdout="replaced")
    ran = subprocess.run(
        [sys.executable, "-m", "clawtrail", "run", "make", "--url", server.url],
        env={"CLAWTRAIL_TOKEN": "ctc_ada", "PYTHONPATH": str(REPOSITORY)},
        capture_output=True,
        check=False,
    )
    assert (ran.returncode, ran.stdout, ran.stderr) == (0, out, err)


def test_a_short_output_that_is_no_text_is_fetched_as_bytes(server: ScriptedServer, typed: Type) -> None:
    """Where the result's text has replacement characters, the real bytes are shown."""
    server.on("POST", "/tasks", reply(200, finished(stdout="a\ufffdb")))
    written = streams(out=b"a\xffb")
    server.on(
        "GET",
        "/tasks/t-1/output",
        lambda asked: piece(
            asked.query["stream"],
            int(asked.query["from"]),
            written[asked.query["stream"]][int(asked.query["from"]) :],
            done=True,
        ),
    )
    assert typed("run", "cat x").out == b"a\xffb"


def test_missing_output_is_told(server: ScriptedServer, typed: Type) -> None:
    """A gap in the kept output is said on standard error."""
    script_long_task(server, streams())
    gap = {0: piece("stdout", 0, b"head"), 4: piece("stdout", 4, b"tail", skipped=1000)}
    quiet = piece("stderr", 0, b"", done=True)
    end = piece("stdout", 1008, b"", done=True)
    server.on(
        "GET",
        "/tasks/t-1/output",
        lambda asked: gap.get(int(asked.query["from"]), end) if asked.query["stream"] == "stdout" else quiet,
    )
    ran = typed("run", "make")
    assert ran.out == b"headtail"
    assert "1000 bytes of stdout were not kept" in ran.err


def test_json_is_the_result_as_the_server_gives_it(server: ScriptedServer, typed: Type) -> None:
    """With --json there is one object on standard output, for short and for long tasks."""
    server.on("POST", "/tasks", reply(200, finished(stdout="\x1b[31m", extra=1)))
    assert json.loads(typed("run", "--json", "make").out) == finished(stdout="\x1b[31m", extra=1)
    script_long_task(server, streams(), exitCode=3, state="failed")
    ran = typed("run", "--json", "make")
    assert ran.status == 3
    assert json.loads(ran.out)["exitCode"] == 3


def test_detach_prints_the_id_and_leaves(server: ScriptedServer, typed: Type) -> None:
    """With --detach nothing is waited for."""
    server.on("POST", "/tasks", reply(200, ACCEPTED))
    assert typed("run", "--detach", "make").out == b"t-1\n"
    assert json.loads(typed("run", "--detach", "--json", "make").out) == {"taskId": "t-1"}
    assert "wait" not in server.asked[0].query


def test_standard_input_comes_from_a_file(server: ScriptedServer, typed: Type, tmp_path: Path) -> None:
    """--stdin sends what the file holds."""
    server.on("POST", "/tasks", reply(200, finished()))
    (tmp_path / "notes").write_text("eins\nzwölf\n")
    typed("run", "--stdin", str(tmp_path / "notes"), "--", "wc")
    assert server.asked[0].json["stdin"] == "eins\nzwölf\n"


def test_standard_input_comes_from_here(server: ScriptedServer, environ: dict[str, str]) -> None:
    """--stdin - sends what this command's own standard input holds."""
    server.on("POST", "/tasks", reply(200, finished()))
    with spawn("run", "--stdin", "-", "--", "wc", environ=environ) as process:
        process.communicate(b"piped", timeout=40)
    assert server.asked[0].json["stdin"] == "piped"


@pytest.mark.parametrize("content", [None, b"\xff\xfe"])
def test_standard_input_that_cannot_be_sent_is_refused(
    server: ScriptedServer, typed: Type, tmp_path: Path, content: bytes | None
) -> None:
    """A missing file and bytes that are no text are told before anything is sent."""
    if content is not None:
        (tmp_path / "in").write_bytes(content)
    ran = typed("run", "--stdin", str(tmp_path / "in"), "--", "wc")
    assert ran.status == 2
    assert "--stdin" in ran.err or "Standard input" in ran.err
    assert not server.asked


@pytest.mark.parametrize("value", ["30", "5 minutes", "-1s", "1e3s", ""])
def test_a_duration_needs_its_unit(typed: Type, value: str) -> None:
    """A bare number is refused, since it could be seconds or milliseconds."""
    ran = typed("run", "--timeout", value, "true")
    assert ran.status == 2
    assert "500ms, 30s, 5m or 2h" in ran.err


@pytest.mark.parametrize(
    ("answer", "status"),
    [
        (reply(400, {"error": "timeout must be at least 1000", "code": "invalid_request"}), 1),
        (reply(401, {"error": "Unauthorized", "code": "unauthorized"}), 77),
        (reply(403, {"error": "Not with this role", "code": "forbidden"}), 77),
        (reply(500, {"error": "Internal error", "code": "internal_error"}), 69),
        (page(200, "<h1>Welcome to nginx</h1>"), 76),
    ],
)
def test_refusals_have_their_exit_statuses(
    server: ScriptedServer, typed: Type, answer: Reply, status: int
) -> None:
    """Each sort of trouble has its documented exit status and one line on standard error."""
    server.on("POST", "/tasks", answer)
    ran = typed("run", "true")
    assert ran.status == status
    assert ran.err.startswith("clawtrail: ")
    assert ran.err.count("\n") == 1
