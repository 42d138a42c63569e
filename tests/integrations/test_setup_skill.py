"""The setup skill does what it says: all its steps, typed one by one in an empty home folder."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest

from benchmarks.processes import free_port
from tests.docs.markdown import Example, examples
from tests.docs.needing import skip_without
from tests.support.processes import REPOSITORY, clean_environ

SKILL = REPOSITORY / "integrations/clawtrail/skills/clawtrail-setup/SKILL.md"
PIDS = ("worker.pid", "server.pid")


@pytest.fixture
def home(tmp_path: Path) -> Iterator[Path]:
    """An empty home folder; what the steps leave running there is ended."""
    folder = tmp_path / "home"
    folder.mkdir(mode=0o700)
    yield folder
    for name in PIDS:
        with suppress(FileNotFoundError, ProcessLookupError):
            os.kill(int((folder / "clawtrail-server" / name).read_text()), signal.SIGKILL)


def test_the_steps_lead_to_a_connection(home: Path, tmp_path: Path) -> None:
    """Each step ends well; the worker comes online, a task goes there and back, and the tools answer."""
    steps = examples(SKILL)
    skip_without([step.text for step in steps])
    environ, port = _environ(home, tmp_path), str(free_port())
    told = "\n".join(_type(step, environ, home, port) for step in steps)
    assert "task.completed" in told
    assert "online" in told
    assert "git push" in told
    answers = [json.loads(line) for line in told.splitlines() if line.startswith('{"jsonrpc"')]
    assert [one["result"]["serverInfo"]["name"] for one in answers] == ["clawtrail"]
    for token in (home / ".config/clawtrail").glob("*.token"):
        assert token.stat().st_mode & 0o077 == 0
        assert token.read_text().strip() not in told


def _environ(home: Path, folder: Path) -> dict[str, str]:
    programs = folder / "bin"
    programs.mkdir()
    command = programs / "clawtrail"
    command.write_text(f'#!/bin/sh\nexec "{sys.executable}" -m clawtrail "$@"\n')
    command.chmod(0o755)
    (programs / "python3").symlink_to(sys.executable)
    path = f"{programs}{os.pathsep}{os.environ['PATH']}"
    return clean_environ() | {"HOME": str(home), "PATH": path}


def _type(step: Example, environ: dict[str, str], home: Path, port: str) -> str:
    """Run one block in a shell of its own, as an agent does, with a port that is free here."""
    out = home.parent / "step.out"
    with out.open("w+") as file:
        done = subprocess.run(
            ["bash", "-eo", "pipefail", "-c", step.text.replace("3456", port)],
            env=environ,
            cwd=home,
            stdin=subprocess.DEVNULL,
            stdout=file,
            stderr=subprocess.STDOUT,
            timeout=120,
            check=False,
        )
        file.seek(0)
        told = file.read()
    assert done.returncode == 0, f"the step at line {step.line} ended with {done.returncode}: {told[-3000:]}"
    return told
