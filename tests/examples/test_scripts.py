"""examples/multi-round and examples/cron against the real service."""

from __future__ import annotations

import json
import subprocess
import sys
from importlib.metadata import version
from pathlib import Path

import pytest
from packaging.requirements import Requirement

from tests.examples.conftest import EXAMPLES, Place
from tests.support.processes import REPOSITORY

ROUNDS = str(EXAMPLES / "multi-round" / "rounds.py")
NIGHTLY = str(EXAMPLES / "cron" / "nightly.sh")


def test_three_rounds_go_on_after_a_crash(place: Place, tmp_path: Path) -> None:
    """A script that is killed in a round goes on there: no round runs twice, none is left out."""
    file = tmp_path / "kept.json"
    command = [sys.executable, "-W", "error", ROUNDS, str(file)]
    words = ["mend the door", "in oak", "the lock"]
    with subprocess.Popen(
        command, env=place.environ, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as first:
        assert first.stdin is not None
        assert first.stdout is not None
        first.stdin.write("\n".join(words[:2]) + "\n")
        first.stdin.flush()
        assert any("round 1: Make a plan" in line for line in first.stdout)
        first.kill()
    kept = json.loads(file.read_text())
    rest = "\n".join(words[len(kept["said"]) :])
    done = _run(place, *command, said=rest)
    assert done.returncode == 0, done.stderr
    told = [line for line in done.stdout.splitlines() if line.startswith("round")]
    assert told == [
        "round 1: Make a plan, and change nothing yet. The task: mend the door",
        "round 2: Carry the plan out, with this in mind: in oak",
        "round 3: Look at it again: the lock. Then sum up all changes.",
    ]
    [session] = [one for one in place.bot.sessions("claude") if one.session_id == kept["session"]]
    assert session.tasks == 3


def test_input_that_ends_is_no_end(place: Place, tmp_path: Path) -> None:
    """Without a person's word the rounds stop, and say how to go on."""
    done = _run(place, sys.executable, ROUNDS, str(tmp_path / "kept.json"), said="one\n")
    assert (done.returncode, done.stderr) == (1, "Stopped: EOF when reading a line. Run it again to go on.\n")


def test_cron_may_start_it_as_often_as_it_likes(place: Place, tmp_path: Path) -> None:
    """The nightly script makes one task a day, and shows its result each time."""
    notes = tmp_path / "notes"
    notes.mkdir()
    first, second = (_run(place, "sh", NIGHTLY, str(notes)) for _ in range(2))
    assert (first.returncode, second.returncode) == (0, 0), first.stderr + second.stderr
    [task] = place.bot.list(tag="backup")
    argv = place.bot.show(task.task_id).payload["argv"]
    assert isinstance(argv, list)
    assert Path(argv[4]).exists()
    Path(argv[4]).unlink()
    gone = _run(place, "sh", NIGHTLY, str(tmp_path / "gone"))
    assert gone.returncode == 2
    assert "tar: " in gone.stderr


@pytest.mark.parametrize(
    "file", sorted(EXAMPLES.glob("*/requirements.txt")), ids=lambda file: file.parent.name
)
def test_requirements_of_examples_are_what_the_suite_runs(file: Path) -> None:
    """What an example asks for is installed here in a version that fits, and Clawtrail is this checkout's."""
    lines = [line for line in file.read_text().splitlines() if not line.startswith("#")]
    assert (file.parent / lines.pop()).resolve() == REPOSITORY
    for wanted in map(Requirement, lines):
        assert wanted.specifier.contains(version(wanted.name)), wanted


def _run(place: Place, *command: str, said: str = "") -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        list(command),
        env=dict(place.environ),
        input=said,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
