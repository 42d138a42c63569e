"""The command line against the real server and the real worker, as processes."""

from __future__ import annotations

import json
import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.cli.conftest import spawn
from tests.support.processes import Server, clean_environ, start_server, start_worker
from tests.support.screen import on_screen


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A server with a worker."""
    folder = tmp_path_factory.mktemp("service")
    with start_server(folder / "data") as server, start_worker(server, folder / "wim"):
        yield server


@pytest.fixture
def environ(service: Server) -> dict[str, str]:
    """An environment in which that server is configured."""
    return clean_environ() | {"CLAWTRAIL_URL": service.url, "CLAWTRAIL_TOKEN": service.token}


def claw(environ: dict[str, str], *arguments: str, typed: bytes = b"") -> subprocess.CompletedProcess[bytes]:
    """Run `clawtrail ARGUMENTS` to its end."""
    with spawn(*arguments, environ=environ) as process:
        out, err = process.communicate(typed, timeout=40)
    return subprocess.CompletedProcess(arguments, process.returncode, out, err)


def test_run_is_as_if_it_ran_here(environ: dict[str, str]) -> None:
    """Bytes of both streams and the exit status are those of the command."""
    ran = claw(environ, "run", "printf 'a\\377\\0b'; printf warn >&2; exit 5")
    assert (ran.returncode, ran.stdout, ran.stderr) == (5, b"a\xff\0b", b"warn")


def test_run_takes_words_and_standard_input(environ: dict[str, str]) -> None:
    """An argv and a pipe go over there unchanged."""
    ran = claw(environ, "run", "--stdin", "-", "--", "sed", "s/a b/$HOME/", typed=b"a b c\n")
    assert (ran.returncode, ran.stdout) == (0, b"$HOME c\n")


def test_output_comes_while_the_task_runs(environ: dict[str, str], tmp_path: Path) -> None:
    """The first line is here before the task goes on."""
    flag = tmp_path / "go"
    script = f"echo first; while [ ! -e '{flag}' ]; do sleep 0.02; done; echo second"
    with spawn("run", script, environ=environ) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == b"first\n"
        flag.touch()
        assert process.communicate(timeout=40)[0] == b"second\n"
    assert process.returncode == 0


def test_a_task_out_of_time_is_124(environ: dict[str, str]) -> None:
    """A timeout has its shell's exit status and its sentence."""
    ran = claw(environ, "run", "--timeout", "1s", "sleep 60")
    assert ran.returncode == 124
    assert b"Timeout after 1000 ms" in ran.stderr


def test_ctrl_c_ends_the_task_over_there(environ: dict[str, str]) -> None:
    """After SIGINT the task is cancelled on the record, and the status is 130."""
    with spawn("run", "echo begun; sleep 60", environ=environ) as process:
        assert process.stdout is not None
        process.stdout.readline()
        process.send_signal(signal.SIGINT)
        process.communicate(timeout=40)
    assert process.returncode == 130
    newest = json.loads(claw(environ, "tasks", "--json", "--limit", "1").stdout)
    assert newest["state"] == "cancelled"


def test_a_detached_task_is_found_again(environ: dict[str, str]) -> None:
    """What --detach prints is what the other commands take, whole or in part."""
    task_id = (
        claw(environ, "run", "--detach", "--tag", "found", "echo out; echo err >&2; exit 6")
        .stdout.decode()
        .strip()
    )
    watched = claw(environ, "watch", task_id)
    assert watched.returncode == 6
    assert watched.stdout == b"out\n"
    assert b"task.submitted" in watched.stderr
    assert b"task.failed" in watched.stderr
    listed = claw(environ, "tasks", "--tag", "found").stdout.decode().split("\t")
    assert (listed[0], listed[2], listed[3]) == (task_id, "failed", "6")
    assert b"exit code 6" in claw(environ, "show", task_id[-12:]).stdout
    history = claw(environ, "history", "last").stdout.decode().splitlines()
    assert history[0].split("\t")[2] == "task.submitted"


def test_files_go_there_and_back(environ: dict[str, str], tmp_path: Path) -> None:
    """write, read and edit keep every byte, and an edit that cannot be is 1."""
    path = str(tmp_path / "file")
    everything = bytes(range(256))
    assert claw(environ, "write", path, typed=everything).returncode == 0
    assert claw(environ, "read", path).stdout == everything
    claw(environ, "write", path, typed=b"old text\n")
    assert b"+new text" in claw(environ, "edit", path, "--old", "old", "--new", "new").stdout
    assert claw(environ, "edit", path, "--old", "old", "--new", "new").returncode == 1
    assert claw(environ, "read", path).stdout == b"new text\n"


def test_rerun_and_cancel_of_what_has_ended(environ: dict[str, str]) -> None:
    """A new run has an id of its own; a finished one cannot be cancelled."""
    claw(environ, "run", "echo again")
    again = claw(environ, "rerun", "last").stdout.decode().strip()
    assert claw(environ, "watch", again).stdout == b"again\n"
    assert claw(environ, "cancel", again).returncode == 1


def test_the_worker_is_listed(environ: dict[str, str]) -> None:
    """The worker is there and online."""
    lines = claw(environ, "workers", "--json").stdout.splitlines()
    assert [(worker["name"], worker["online"]) for worker in map(json.loads, lines)] == [("wim", True)]


def test_a_wrong_token_is_77(environ: dict[str, str]) -> None:
    """Who has no good token is told where to look."""
    ran = claw(environ | {"CLAWTRAIL_TOKEN": "ctc_somebody-else-entirely"}, "tasks")
    assert ran.returncode == 77
    assert b"CLAWTRAIL_TOKEN" in ran.stderr


def test_a_person_at_a_terminal_sees_and_cancels(environ: dict[str, str]) -> None:
    """On a screen output is live and harmless, Ctrl-C asks, and the answer ends the real task."""
    script = "printf '\\033]0;owned\\007begun\\n'; sleep 60"
    with on_screen([sys.executable, "-m", "clawtrail", "run", script], environ=environ) as screen:
        screen.await_text(re.escape("\\x1b]0;owned\\x07begun"))
        screen.type("\x03")
        screen.await_text("ait on")
        screen.type("c\n")
        assert screen.await_end() == 130
    assert b"\x1b]" not in screen.shown
    assert "was cancelled" in screen.text
