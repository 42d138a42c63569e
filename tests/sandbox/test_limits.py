"""The limits of [limits]: what a command sees of them, and how one that runs into them ends."""

import os
import subprocess
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest

from tests.sandbox.conftest import Ward
from worker.sandboxing.confines import Confines, Limits, Wrapped
from worker.sandboxing.handing import handed

INSIDE = pytest.mark.parametrize("inside", [True, False])


def limited(ward: Ward, *, inside: bool, **limits: int) -> Confines:
    """Make confines of limits, with and without a sandbox."""
    return ward.confines(limits=Limits(**limits)) if inside else Confines(limits=Limits(**limits))


@INSIDE
def test_limits_hold_from_the_first_instruction(ward: Ward, inside: bool) -> None:  # noqa: FBT001 - a parameter of the test
    """The command finds them set, soft and hard; in a sandbox nobody can raise one. Core files are none."""
    confines = limited(ward, inside=inside, cpu_seconds=50, memory=100, files=64, file_size=5)
    said = ward.run("cat /proc/self/limits; bash -c 'ulimit -H -n 65 && echo raised'", confines)[1]
    seen = {line[:26].strip(): line[26:68].split() for line in said.splitlines()}
    assert seen["Max cpu time"] == ["50", "55"]
    assert seen["Max data size"] == [str(100 * 2**20)] * 2
    assert seen["Max open files"] == ["64", "64"]
    assert seen["Max file size"] == [str(5 * 2**20)] * 2
    assert seen["Max core file size"] == ["0", "0"]
    assert "raised" not in said or not inside  # where root really is root, it may


@INSIDE
def test_processor_time_that_is_used_up_is_said(ward: Ward, inside: bool) -> None:  # noqa: FBT001 - a parameter of the test
    """A command that spins ends by SIGXCPU, and the error says which limit that was."""
    ending, _ = ward.run("while :; do :; done", limited(ward, inside=inside, cpu_seconds=1))
    assert ending.exit_code == 152
    assert ending.error == (
        "Killed by SIGXCPU: it used 1 s of processor time, the most that [limits] of the policy allows"
    )


def test_file_that_grows_too_large_is_said(ward: Ward) -> None:
    """A command that writes beyond the size of a file ends by SIGXFSZ, and the error says so."""
    ending, _ = ward.run("exec head -c 3M /dev/zero > large", limited(ward, inside=True, file_size=1))
    large = ward.work / "large"
    assert large.stat().st_size == 2**20
    large.unlink()
    assert ending.exit_code == 153
    assert "a file grew beyond 1 MB" in (ending.error or "")


def test_memory_hog_gets_none(ward: Ward) -> None:
    """A command that wants more memory than it may have is told so by the system, and ends by itself."""
    ending, said = ward.run("head -c 400M /dev/zero | tail", limited(ward, inside=True, memory=64))
    assert ending.exit_code != 0
    assert "memory exhausted" in said


@pytest.fixture
def open_folder() -> Iterator[Path]:
    """A folder of somebody who is not root: root is held to no number of processes."""
    with TemporaryDirectory() as name:
        os.chown(name, 65534, 65534)
        yield Path(name)


@pytest.mark.skipif(os.getuid() != 0, reason="only root can start something as somebody else")
def test_fork_bomb_is_bounded(ward: Ward, open_folder: Path) -> None:
    """A run has no more processes than it may, though its user has others; the machine goes on."""
    text = "n=0; while [ $n -lt 40 ]; do sleep 9 & n=$((n+1)); echo $n; done"
    confines = Confines("no-network", tree=open_folder, limits=Limits(processes=20))
    program = Path(os.path.realpath("/bin/sh"))
    plain = Wrapped(("sh", "-c", text), program, {"PATH": "/usr/bin:/bin", "HOME": "/nonexistent"})
    wrapped = ward.sandboxes.confined(confines, plain, cwd=open_folder)
    with handed(wrapped.argv, wrapped.options) as (argv, descriptors):
        done = subprocess.run(
            argv,
            executable=wrapped.program,
            env=dict(wrapped.env),
            pass_fds=descriptors,
            user=65534,
            group=65534,
            extra_groups=[],
            cwd="/",
            capture_output=True,
            text=True,
            timeout=20,
            check=False,
        )
    assert "Cannot fork" in done.stderr, done
    assert 10 < len(done.stdout.split()) < 20


def test_processes_are_counted_beside_the_present_ones(ward: Ward) -> None:
    """Without a sandbox the limit is what comes on top of what the user runs already."""
    said = ward.run("bash -c 'ulimit -u'", limited(ward, inside=False, processes=1000))[1]
    assert 1000 < int(said) < 100_000
    assert ward.run("bash -c 'ulimit -u'", limited(ward, inside=True, processes=1000))[1] == "1000\n"
