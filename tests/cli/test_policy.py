"""The commands ``clawtrail policy``: init, check and test, as processes."""

import subprocess
from pathlib import Path

import pytest

from tests.support.policies import write
from tests.support.processes import REPOSITORY
from tests.support.typing_commands import clawtrail


def policy(home: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run ``clawtrail policy`` with a home folder of its own."""
    return clawtrail("policy", *arguments, HOME=str(home))


def test_init_writes_a_private_file_once(tmp_path: Path) -> None:
    """The careful policy is written for its owner alone, and never over another."""
    file = tmp_path / ".config/clawtrail/policy.toml"
    assert policy(tmp_path, "init").returncode == 0
    assert file.read_text() == (REPOSITORY / "config/policy.example.toml").read_text()
    assert file.stat().st_mode & 0o777 == 0o600
    again = policy(tmp_path, "init", "--allow-all")
    assert (again.returncode, "already" in again.stderr) == (2, True)


def test_init_allow_all_says_what_it_is(tmp_path: Path) -> None:
    """The first line of such a policy says that everything is allowed, and check warns of it."""
    file = tmp_path / "p.toml"
    assert policy(tmp_path, "init", "--allow-all", "--file", str(file)).returncode == 0
    assert file.read_text().startswith("# ALLOWS EVERYTHING")
    checked = policy(tmp_path, "check", str(file))
    assert checked.returncode == 0
    assert "default = allow" in checked.stderr


def test_check_tells_every_fault(tmp_path: Path) -> None:
    """Each fault stands on a line with file and line number, and the status is 2."""
    file = write(tmp_path / "p.toml", 'colour = 1\ndefault = "ask"\ntaste = 2\n')
    checked = policy(tmp_path, "check", str(file))
    assert checked.returncode == 2
    assert f"{file}:1: colour: this key means nothing here" in checked.stderr
    assert f"{file}:3: taste: this key means nothing here" in checked.stderr


def test_check_warns_of_open_interpreters(tmp_path: Path) -> None:
    """A rule that allows an interpreter with any arguments can be used, and is pointed out."""
    rule = '[[rule]]\nname = "r"\nverdict = "allow"\nargv = ["python3|ls", "**"]\n'
    checked = policy(tmp_path, "check", str(write(tmp_path / "p.toml", rule)))
    assert checked.returncode == 0
    assert "with any arguments, python3 can run any program" in checked.stderr


@pytest.mark.parametrize(
    ("arguments", "status", "said"),
    [
        (["--", "date"], 0, "allow   machine and time"),
        (["--", "git", "push"], 3, "ask   default"),
        (["--shell", "ls | wc -l"], 3, "ask   shell"),
        (["--read", "~/.ssh/id_ed25519"], 4, "deny   keys and passwords"),
        (["--write", "~/Notes/x.md"], 0, "allow   notes"),
        (["--env", "LD_PRELOAD=x", "--", "date"], 3, "ask   default"),
        (["--", "sudo", "ls"], 4, "deny   becoming somebody else"),
        ([], 2, "Name one thing"),
        (["--read", "x", "--", "date"], 2, "Name one thing"),
    ],
)
def test_test_says_verdict_rule_and_why(arguments: list[str], status: int, said: str, tmp_path: Path) -> None:
    """The answer is printed and is the exit status; nothing is run."""
    asked = policy(tmp_path, "test", *arguments)
    assert asked.returncode == status
    assert said in asked.stdout + asked.stderr
