"""A real worker and its sandboxes: told to the service, used, and missed where there is none."""

import subprocess
import sys
from pathlib import Path

from benchmarks.processes import free_port
from tests.support.fake_server import FakeServer
from tests.support.policies import write
from tests.support.processes import REPOSITORY, clean_environ
from tests.worker.conftest import StartWorker, fake, start_worker

__all__ = ["fake", "start_worker"]

POLICY = """\
default = "ask"
[sandbox]
default = "no-network"
[limits]
output = 1
[[rule]]
name = "any"
verdict = "allow"
kinds = ["command"]
shell = true
"""
# Bubblewrap hides itself: a file that root alone could not have put there is none for us.
NO_BUBBLEWRAP = ["bwrap", "--dev-bind", "/", "/", "--ro-bind", "/dev/null", "/usr/bin/bwrap", "--"]


def test_sandbox_is_told_and_used(fake: FakeServer, start_worker: StartWorker, tmp_path: Path) -> None:
    """A worker tells which sandboxes it has; a run inside names its own, and its output is bounded."""
    work = tmp_path / "work"
    work.mkdir()
    worker = start_worker("--policy", str(write(tmp_path / "policy.toml", POLICY)))
    text = (
        f"echo in > inside; echo out > {tmp_path}/outside; cat {tmp_path}/policy.toml; head -c 3M /dev/zero"
    )
    task = fake.submit(command=text, cwd=str(work))
    result = fake.ended(task)
    assert fake.told("/worker/sync")[0]["sandboxes"] == ["read-only", "no-network", "workspace"]
    assert (result["exitCode"], result["metadata"]) == (0, {"sandbox": "no-network"})
    assert (result["truncated"], result["stdoutBytes"], len(task.stdout)) == (True, 3 * 2**20, 2**20)
    assert (work / "inside").exists()
    assert not (tmp_path / "outside").exists()
    assert any(said == "sandboxes" for said in worker.messages())
    assert POLICY.encode() not in task.stdout


def test_missing_bubblewrap_is_told_with_the_way_out() -> None:
    """Where there is no bubblewrap, the command says what to install, and leaves with 1."""
    asked = subprocess.run(
        [*NO_BUBBLEWRAP, sys.executable, "-m", "clawtrail", "policy", "sandboxes"],
        cwd=REPOSITORY,
        env=clean_environ(),
        capture_output=True,
        text=True,
        check=False,
    )
    assert asked.returncode == 1, asked.stderr
    assert asked.stdout.count("bubblewrap is not installed; on Debian: sudo apt install bubblewrap") == 3


def test_quick_start_without_bubblewrap_says_so_and_runs_its_first_task(tmp_path: Path) -> None:
    """The first task works; other commands are not allowed, and both the screen and the policy say why."""
    port, data = str(free_port()), tmp_path / "data"
    up = [sys.executable, "-m", "clawtrail", "up", "--once", "--port", port, "--data", str(data)]
    said = subprocess.run(
        [*NO_BUBBLEWRAP, *up],
        cwd=REPOSITORY,
        env=clean_environ(),
        capture_output=True,
        text=True,
        check=False,
    )
    assert said.returncode == 0, said
    assert "NO SANDBOX works here" in said.stdout
    policy = (data / "policy.toml").read_text()
    assert policy.startswith("# NO SANDBOX WORKS ON THIS MACHINE")
    assert 'default = "deny"' in policy
