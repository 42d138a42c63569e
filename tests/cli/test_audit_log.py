"""`clawtrail audit log` beside a real service: what it shows, and how it gives up."""

from __future__ import annotations

import json
import os
import re
import signal
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path

import pytest
import requests

from app.cli.audit import COMMANDS
from tests.cli.conftest import Type, spawn
from tests.support.processes import REPOSITORY, Server, clean_environ, start_server, start_worker
from tests.support.screen import on_screen
from tests.support.typing_commands import type_in

TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}[+-]\d\d:\d\d")


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A server and its worker with a short past: a command that ran, one that failed, a stranger."""
    folder = tmp_path_factory.mktemp("service")
    with start_server(folder / "data") as server, start_worker(server, folder / "wim"):
        with server.client() as client:
            client.run("echo hello", timeout=30)
            client.run("printf '\\033[2J'; exit 3", timeout=30)
            client.read_file("/etc/hostname")
        requests.get(f"{server.url}/tasks", timeout=10)
        yield server


@pytest.fixture
def environ(service: Server) -> dict[str, str]:
    """An environment in which the data folder of that server is known."""
    return clean_environ() | {"CLAWTRAIL_DATA": service.environ["CLAWTRAIL_DATA"]}


def audit_log(environ: dict[str, str], *arguments: str) -> list[str]:
    """Run `clawtrail audit log ARGUMENTS` to its good end and return its lines."""
    typed = type_in(environ, "audit", "log", *arguments)
    assert (typed.status, typed.err) == (0, "")
    return typed.text.splitlines()


def complaint(environ: dict[str, str], *arguments: str, status: int = 2) -> str:
    """Run `clawtrail audit log ARGUMENTS` to its bad end and return what it says."""
    typed = type_in(environ, "audit", "log", *arguments)
    assert (typed.status, typed.out) == (status, b"")
    assert typed.err.count("\n") == 1
    return typed.err


def test_the_record_reads_like_a_log(environ: dict[str, str]) -> None:
    """Each event is one line with its time, actor, type, task and what that does, the newest last."""
    lines = audit_log(environ)
    assert all(TIME.match(line) for line in lines)
    assert [line[:29] for line in lines] == sorted(line[:29] for line in lines)
    ends = [line for line in lines if "task.completed" in line]
    assert re.search(r"  worker:shared/wim .*  [0-9a-f]{8}  echo hello  exit=0$", ends[0])
    assert any(line.endswith("file-read /etc/hostname  exit=0") for line in ends)
    assert re.search(r"address:127.0.0.1 +access.denied +- +GET /tasks  status=401$", lines[-1])


def test_what_tasks_contain_steers_no_terminal(environ: dict[str, str]) -> None:
    """Control characters of a command are shown as escapes."""
    [line] = audit_log(environ, "--type", "task.failed")
    assert line.endswith(r"printf '\033[2J'; exit 3  exit=3")
    assert not re.search("[\0-\x1f\x7f]", "".join(audit_log(environ)))


def test_filters_narrow_what_is_shown(environ: dict[str, str]) -> None:
    """Actor, kind, type, number, time and a part of a task's id are each obeyed, and together."""
    types = [json.loads(line)["type"] for line in audit_log(environ, "--json", "--actor", "client:*")]
    assert types == ["task.submitted"] * 3
    kinds = {json.loads(line)["kind"] for line in audit_log(environ, "--json", "--kind", "file-read")}
    assert kinds == {"file-read"}
    last = audit_log(environ, "--type", "task.*", "-n", "2")
    assert len(last) == 2
    assert audit_log(environ, "--task", last[1].split()[3]) == audit_log(environ, "--kind", "file-read")
    assert audit_log(environ, "--task", "last") == audit_log(environ, "--kind", "file-read")
    assert audit_log(environ, "--since", "0s") == []
    assert audit_log(environ, "--until", "1h") == []
    assert audit_log(environ, "--since", "1h") == audit_log(environ)


def test_json_is_one_event_a_line(environ: dict[str, str]) -> None:
    """JSON has the whole event, with its number and its instants, and agrees with the database."""
    told = [json.loads(line) for line in audit_log(environ, "--json")]
    assert [event["seq"] for event in told] == list(range(len(told)))
    with sqlite3.connect(f"file:{environ['CLAWTRAIL_DATA']}/clawtrail.db?mode=ro", uri=True) as conn:
        kept = conn.execute("SELECT seq, at, type, actor, task_id, attempt, detail FROM events").fetchall()
    conn.close()
    names = ("seq", "at", "type", "actor", "taskId", "attempt", "detail")
    assert [tuple(event[name] for name in names) for event in told] == [
        (*row[:6], json.loads(row[6])) for row in kept
    ]
    assert all(datetime.fromisoformat(event["time"]).timestamp() * 1000 == event["at"] for event in told)
    assert {event["summary"] for event in told} >= {"echo hello", "/etc/hostname", None}


def test_following_shows_events_as_they_come(service: Server, environ: dict[str, str]) -> None:
    """What happens after the start is shown without being asked again, until Ctrl-C ends it quietly."""
    with spawn("audit", "log", "-f", "-n", "1", "--type", "task.*", environ=environ) as process:
        assert process.stdout is not None
        assert b"task.completed" in process.stdout.readline()
        with service.client() as client:
            client.run("echo followed", timeout=30)
        lines = [process.stdout.readline().decode() for _ in range(4)]
        process.send_signal(signal.SIGINT)
        rest = process.communicate(timeout=40)
    assert (process.returncode, rest) == (130, (b"", b"\n"))
    assert [line.split()[2] for line in lines] == [
        "task.submitted",
        "task.claimed",
        "task.started",
        "task.completed",
    ]
    assert all("echo followed" in line for line in lines)


def test_following_notices_another_database(tmp_path: Path, environ: dict[str, str]) -> None:
    """When the file is replaced under its eyes it says so and ends, instead of waiting for ever."""
    data = tmp_path / "data"
    with start_server(data):
        pass
    with spawn("audit", "log", "--follow", "--data", str(data), environ=environ) as process:
        assert process.stdout is not None
        process.stdout.readline()
        (data / "clawtrail.db").rename(data / "older.db")
        _, err = process.communicate(timeout=40)
    assert process.returncode == 2
    assert b"Start this command again" in err


def test_colours_are_for_screens(environ: dict[str, str]) -> None:
    """On a terminal ends have colours, with NO_COLOR they have none, and the words are the same."""
    command = [sys.executable, "-m", "clawtrail", "audit", "log", "--type", "task.failed"]
    shown = []
    for more in ({}, {"NO_COLOR": "1"}):
        with on_screen(command, environ=environ | more, columns=200) as screen:
            assert screen.await_end() == 0
        shown.append(screen.text)
    assert "\x1b[31mtask.failed" in shown[0]
    assert re.sub(r"\x1b\[\d*m", "", shown[0]) == shown[1]


def test_a_reader_that_goes_away_is_no_error(environ: dict[str, str]) -> None:
    """`audit log | head` ends as every program in a pipe does."""
    with spawn("audit", "log", environ=environ) as process:
        assert process.stdout is not None
        process.stdout.close()
        process.wait(40)
        assert process.stderr is not None
        assert process.stderr.read() == b""
    assert process.returncode == 141


def test_faults_are_said_in_a_sentence(tmp_path: Path, environ: dict[str, str]) -> None:
    """No database, no such task, an older schema and a wrong file are each told in one line."""
    assert "no database" in complaint(environ, "--data", str(tmp_path))
    assert "no task has the id" in complaint(environ, "--task", "ffffffff")
    assert "too short" in complaint(environ, "--task", "f")
    assert "only one" in complaint(environ, "--follow", "--until", "1h")
    assert "is no moment" in complaint(environ, "--since", "yesterday")
    (tmp_path / "clawtrail.db").write_bytes(b"this is no database" * 100)
    assert "cannot be read" in complaint(environ, "--data", str(tmp_path))
    (tmp_path / "clawtrail.db").write_bytes(b"")
    assert "clawtrail migrate" in complaint(environ, "--data", str(tmp_path))


def test_looking_changes_nothing(service: Server, environ: dict[str, str]) -> None:
    """The database file is the same before and after, and its connection could not write."""
    before = subprocess.run(
        ["sqlite3", "-readonly", f"{environ['CLAWTRAIL_DATA']}/clawtrail.db", ".dump"],
        capture_output=True,
        check=True,
    )
    audit_log(environ, "--json")
    after = subprocess.run(before.args, capture_output=True, check=True)
    assert after.stdout == before.stdout


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can become somebody else")
def test_who_may_not_read_the_file_is_told(environ: dict[str, str]) -> None:
    """Another user of the computer gets a sentence, not the record and not a trace of our code.

    The program is loaded first, by a run that shows nothing: the other user may not read that either.
    """
    code = (
        "import os, clawtrail.cli as cli\n"
        "try: cli.main(['audit', 'log', '-n', '0'])\n"
        "except SystemExit as left: assert not left.code\n"
        "os.setgroups([]); os.setgid(65534); os.setuid(65534)\n"
        "cli.main(['audit', 'log'])\n"
    )
    command = [sys.executable, "-c", code]
    done = subprocess.run(
        command, env=environ, cwd=REPOSITORY, capture_output=True, text=True, timeout=40, check=False
    )
    assert (done.returncode, done.stdout) == (2, "")
    assert "owner" in done.stderr
    assert done.stderr.count("\n") == 1


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_of_the_group_is_listed(typed: Type, name: str) -> None:
    """`clawtrail audit` lists each of its commands, whose manual begins with the same line."""
    assert f"  {name} " in typed("audit", "--help").text
    manual = typed("audit", name, "--help")
    assert manual.status == 0
    assert manual.text.split("\n\n")[1].strip().replace("\n  ", " ").startswith(COMMANDS[name].line)
    assert f"clawtrail audit {name}" in manual.text
