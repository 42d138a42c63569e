"""`clawtrail policy replay` against a real server and worker: what another policy would have said."""

import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.policies import write
from tests.support.processes import REPOSITORY, Server, clean_environ, start_server, start_worker

OLD = """default = "allow"
[shell]
verdict = "allow"
[[rule]]
name = "no lists"
verdict = "deny"
argv = ["ls", "**"]
"""
NEW = """default = "ask"
[shell]
verdict = "deny"
[[rule]]
name = "looking"
verdict = "allow"
argv = ["ls|true", "**"]
"""


@pytest.fixture(scope="module")
def past(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A server whose record has four tasks, decided on by the old policy, and one that nobody claimed."""
    folder = tmp_path_factory.mktemp("replay")
    policy = write(folder / "old.toml", OLD)
    with start_server(folder / "data") as server:
        with start_worker(server, folder / "state", "--policy", str(policy)), server.client() as ada:
            for argv in (["ls"], ["true"], ["date"]):
                ada.run(argv=argv)
            ada.run("true; true")
        with server.client() as ada:
            ada.cancel(ada.submit(argv=["true"], labels=["os=none"]).task_id)
        yield server


def replay(server: Server, policy: Path, *options: str) -> subprocess.CompletedProcess[str]:
    """Run the command as Ada would."""
    return subprocess.run(
        [sys.executable, "-m", "clawtrail", "policy", "replay", str(policy), *options],
        cwd=REPOSITORY,
        env=clean_environ() | {"CLAWTRAIL_URL": server.url, "CLAWTRAIL_TOKEN": server.token},
        capture_output=True,
        text=True,
        check=False,
    )


def test_what_would_be_decided_otherwise_is_listed(past: Server, tmp_path: Path) -> None:
    """Each task with another verdict is told with both rules, newest first; the rest is counted."""
    done = replay(past, write(tmp_path / "new.toml", NEW), "--since", "1d", "--json")
    *lines, last = map(json.loads, done.stdout.splitlines())
    assert done.returncode == 1, done.stderr
    changes = [(line["summary"], line["was"], line["now"]["verdict"], line["now"]["rule"]) for line in lines]
    assert changes == [
        ("true; true", {"verdict": "allow", "rule": "shell"}, "deny", "shell"),
        ("date", {"verdict": "allow", "rule": "default"}, "ask", "default"),
        ("ls", {"verdict": "deny", "rule": "no lists"}, "allow", "looking"),
    ]
    assert last == {"looked": 5, "differ": 3, "notJudged": {"no policy ever decided on it": 1}}


def test_same_policy_changes_nothing(past: Server, tmp_path: Path) -> None:
    """Under the policy that decided, nothing is otherwise: exit status 0, no line, the counts on stderr."""
    with past.client() as ada:
        [worker] = {task.worker for task in ada.list()} - {None}
    done = replay(past, write(tmp_path / "old.toml", OLD), "--worker", str(worker))
    assert (done.returncode, done.stdout) == (0, "")
    assert "4 tasks; 0 would be decided otherwise" in done.stderr


def test_bad_policy_is_told_with_its_lines(past: Server, tmp_path: Path) -> None:
    """A policy that cannot be used ends with 2, before anything is asked of the server."""
    done = replay(past, write(tmp_path / "bad.toml", "colour = 1\n"))
    assert (done.returncode, ":1: colour" in done.stderr) == (2, True)
