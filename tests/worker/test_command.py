"""Kind command: exit codes, exact output, environment, and the end of whole process trees."""

import os
import signal
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.support.recorded_run import RecordedRun, order
from tests.support.worker_process import eventually, lives, marked
from worker.environment import seal_descriptors
from worker.executors import tree
from worker.executors.command import Commands
from worker.items import Ending
from worker.output import StreamName

PATH = "/usr/local/bin:/usr/bin:/bin"
CANCELLED = Ending(-1, "Cancelled", "cancelled")


@pytest.fixture
def commands(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Commands:
    """The executor, with a home folder of its own."""
    monkeypatch.setenv("HOME", str(tmp_path))
    return Commands(env={"PATH": PATH, "HOME": str(tmp_path)}, shell="/bin/sh -c")


@pytest.fixture
def pids(tmp_path: Path) -> Iterator[Path]:
    """A file for numbers of processes, which are killed when the test is over."""
    with marked(tmp_path) as file:
        yield file


@pytest.mark.parametrize(
    ("payload", "code", "error"),
    [
        ({"command": "true"}, 0, None),
        ({"command": "exit 7"}, 7, None),
        ({"argv": ["sh", "-c", "exit 255"]}, 255, None),
        ({"command": "no-such-program-here"}, 127, None),
        ({"argv": ["no-such-program-here"]}, 127, "Command not found: no-such-program-here"),
        ({"argv": ["/etc/passwd"]}, 126, "Cannot run /etc/passwd: Permission denied"),
        ({"argv": ["/no/such"]}, 127, "Command not found: /no/such"),
        ({"argv": ["true"], "cwd": "/no/such"}, 127, "Working directory not found: /no/such"),
        (
            {"argv": ["true"], "cwd": "~none"},
            127,
            "Working directory: no such home folder: ~none",
        ),
        ({"argv": ["nul\0"]}, 126, "Cannot run nul\0: embedded null byte"),
        ({"argv": ["sh", "-c", "kill -9 $$"]}, 137, "Killed by SIGKILL"),
        ({"command": "kill -TERM $$"}, 143, "Killed by SIGTERM"),
    ],
)
def test_exit_code_is_what_a_shell_would_say(
    commands: Commands, payload: dict[str, Any], code: int, error: str | None
) -> None:
    """Codes of programs are passed on; 126, 127 and 128+n say what kept or ended them."""
    ending = commands.run(order(**payload), RecordedRun())
    assert (ending.exit_code, ending.error) == (code, error)


def test_script_without_interpreter_cannot_be_run(commands: Commands, tmp_path: Path) -> None:
    """What the system cannot execute is 126 with its word for it."""
    script = tmp_path / "script"
    script.write_bytes(b"\0\1\2")
    script.chmod(0o755)
    ending = commands.run(order(argv=[str(script)]), RecordedRun())
    assert (ending.exit_code, ending.error) == (126, f"Cannot run {script}: Exec format error")


def test_output_is_exact_to_the_byte(commands: Commands, tmp_path: Path) -> None:
    """Neither stream loses, adds or changes a byte, and they are kept apart."""
    data = bytes(range(256)) * 4000 + "ünïcode\r\n\n".encode()
    (tmp_path / "data").write_bytes(data)
    run = RecordedRun()
    assert commands.run(order(command="cat data; tail -c 100 data >&2"), run).exit_code == 0
    assert (run.stdout, run.stderr) == (data, data[-100:])


def test_stdin_reaches_the_program(commands: Commands) -> None:
    """More input than a pipe holds goes in while the output comes out."""
    text = "käse\n" * 200_000
    run = RecordedRun()
    assert commands.run(order(argv=["cat"], stdin=text), run).exit_code == 0
    assert run.stdout == text.encode()


def test_unread_stdin_is_no_fault(commands: Commands) -> None:
    """A program that does not read its input ends as it likes."""
    assert commands.run(order(argv=["true"], stdin="x" * 1_000_000), RecordedRun()).exit_code == 0


def test_without_stdin_there_is_nothing_to_read(commands: Commands) -> None:
    """A program that reads finds the end at once and does not hang."""
    assert commands.run(order(argv=["cat"]), RecordedRun()).exit_code == 0


def test_environment_is_built_up(commands: Commands, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A command sees what the worker gives it and what its task names, nothing of the worker's own."""
    monkeypatch.setenv("WORKER_TOKEN", "secret")
    run = RecordedRun()
    task = order(argv=["env"], env={"COLOUR": "blau"})
    commands.run(task, run)
    assert set(run.stdout.decode().split()) == {
        f"PATH={PATH}",
        f"HOME={tmp_path}",
        "COLOUR=blau",
        f"CLAWTRAIL_TASK_ID={task.task_id}",
    }


def test_program_is_looked_for_on_the_path_of_the_task(commands: Commands, tmp_path: Path) -> None:
    """A PATH that the task names decides which program runs."""
    (tmp_path / "greet").write_text("#!/bin/sh\necho hello\n")
    (tmp_path / "greet").chmod(0o755)
    run = RecordedRun()
    assert commands.run(order(argv=["greet"], env={"PATH": str(tmp_path)}), run).exit_code == 0
    assert run.stdout == b"hello\n"


@pytest.mark.parametrize(("cwd", "where"), [(None, ""), ("~", ""), ("sub", "sub"), ("~/sub", "sub")])
def test_commands_run_in_the_home_folder_or_below(
    commands: Commands, tmp_path: Path, cwd: str | None, where: str
) -> None:
    """Without a folder it is home; relative ones and ``~`` start there."""
    (tmp_path / "sub").mkdir()
    run = RecordedRun()
    commands.run(order(argv=["pwd", "-P"], cwd=cwd), run)
    assert run.stdout.decode().strip() == str((tmp_path / where).resolve())


def test_children_get_no_descriptor_of_the_worker(commands: Commands, tmp_path: Path) -> None:
    """Descriptors that the worker itself was started with are closed to its commands."""
    with (tmp_path / "open").open("w") as file:
        os.set_inheritable(file.fileno(), True)  # noqa: FBT003 - its signature
        run = RecordedRun()
        probe = order(argv=["ls", "/proc/self/fd"])
        commands.run(probe, run)
        assert str(file.fileno()) in run.stdout.decode().split()
        seal_descriptors()
        run = RecordedRun()
        commands.run(probe, run)
        assert run.stdout.decode().split() == ["0", "1", "2", "3"]  # the last is the folder it looks at


def test_children_lead_a_session_of_their_own(commands: Commands) -> None:
    """No terminal of the worker can reach its commands, and a signal to its group does not."""
    run = RecordedRun()
    commands.run(order(argv=["python3", "-c", "import os; print(os.getsid(0) == os.getpid())"]), run)
    assert run.stdout == b"True\n"


def test_ignored_signals_are_not_inherited(commands: Commands) -> None:
    """A pipe that is closed early ends the writer, as in any shell."""
    run = RecordedRun()
    assert commands.run(order(argv=["sh", "-c", "yes | head -n 1"]), run).exit_code == 0
    assert run.stdout == b"y\n"


def test_timeout_is_124_and_keeps_the_output(commands: Commands) -> None:
    """A command that takes too long is ended; what it wrote until then is kept."""
    run = RecordedRun()
    began = time.monotonic()
    ending = commands.run(order(command="echo before; exec sleep 60", timeout_ms=300), run)
    assert time.monotonic() - began < 20
    assert ending == Ending(124, "Timeout after 300 ms", "timeout")
    assert run.stdout == b"before\n"


STUBBORN = """
trap '' TERM
echo $$ >> {pids}
setsid sh -c 'trap "" TERM; echo $$ >> {pids}; while :; do sleep 60; done' &
(setsid sh -c 'echo $$ >> {pids}; exec sleep 60' &) &
while :; do sleep 60; done
"""


def test_whole_tree_is_ended_even_if_it_resists(
    commands: Commands, pids: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What ignores TERM, left its group or its parent is gone after KILL, and no zombie is left."""
    monkeypatch.setattr(tree, "GRACE_S", 0.4)
    ending = commands.run(order(command=STUBBORN.format(pids=pids), timeout_ms=300), RecordedRun())
    numbers = [int(pid) for pid in pids.read_text().split()]
    assert ending.exit_code == 124
    assert len(numbers) == 3
    eventually(lambda: not any(lives(pid) for pid in numbers))


def test_grace_is_five_seconds() -> None:
    """Whoever heeds TERM has 5 seconds to put things in order."""
    assert tree.GRACE_S == 5


def test_cancel_ends_the_tree_and_waits_for_its_last_words(commands: Commands) -> None:
    """TERM is sent at once, the program may clean up, and the ending is the one that was imposed."""

    def stop(run: RecordedRun) -> Ending | None:
        return CANCELLED if b"ready" in run.stdout else None

    run = RecordedRun(stop)
    command = "trap 'echo bye; exit 0' TERM; echo ready; while :; do sleep 0.1; done"
    assert commands.run(order(command=command), run) == CANCELLED
    assert run.stdout.endswith(b"bye\n")


def test_background_processes_of_an_ended_command_live_on(commands: Commands, pids: Path) -> None:
    """What a command leaves running on purpose is not killed, and does not hold up the result for long."""
    began = time.monotonic()
    run = RecordedRun()
    ending = commands.run(order(command=f"sleep 60 & echo $! >> {pids}; echo done"), run)
    assert time.monotonic() - began < 20
    assert (ending.exit_code, ending.metadata, run.stdout) == (0, {"leftRunning": True}, b"done\n")
    assert lives(int(pids.read_text()))


def test_silenced_background_process_costs_no_time(commands: Commands, pids: Path) -> None:
    """With its output sent elsewhere, the result comes at once."""
    began = time.monotonic()
    ending = commands.run(order(command=f"sleep 60 >/dev/null 2>&1 & echo $! >> {pids}"), RecordedRun())
    assert time.monotonic() - began < 20
    assert ending.metadata is None


def test_command_that_closes_its_output_is_waited_for(commands: Commands) -> None:
    """The end of both streams is not the end of the process."""
    ending = commands.run(order(command="exec >&- 2>&-; sleep 0.3; exit 5"), RecordedRun())
    assert ending.exit_code == 5


def test_end_is_noticed_without_pidfd(commands: Commands, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where the system has no descriptors for processes, commands end and time out all the same."""
    monkeypatch.delattr(os, "pidfd_open")
    assert commands.run(order(command="sleep 0.05; exit 3"), RecordedRun()).exit_code == 3
    assert commands.run(order(command="sleep 60", timeout_ms=100), RecordedRun()).exit_code == 124


def test_no_descriptors_are_left_open(commands: Commands) -> None:
    """However a command ends, or fails to start, the worker is left with the descriptors it had."""
    before = len(list(Path("/proc/self/fd").iterdir()))
    commands.run(order(command="echo x; exit 3"), RecordedRun())
    commands.run(order(argv=["no-such-program"], stdin="x"), RecordedRun())
    commands.run(order(argv=["true"], stdin="x" * 100_000), RecordedRun())
    commands.run(order(command="sleep 60", timeout_ms=50), RecordedRun())
    assert len(list(Path("/proc/self/fd").iterdir())) == before


class _Broken(RecordedRun):
    def write(self, stream: StreamName, data: bytes, *, masked: int | None = None) -> None:
        raise RuntimeError(stream, data)


def test_child_does_not_outlive_a_fault_of_the_worker(commands: Commands, pids: Path) -> None:
    """If the worker fails on its own account, the process it started is killed."""
    with pytest.raises(RuntimeError):
        commands.run(order(command=f"echo $$ >> {pids}; echo x; exec sleep 60"), _Broken())
    assert not lives(int(pids.read_text()))


def test_kill_group_of_nobody_is_quiet() -> None:
    """A group that is gone is no fault."""
    tree.kill_group(2**22 - 1, signal.SIGTERM)


@pytest.mark.parametrize(
    "payload",
    [{}, {"command": "x", "argv": ["x"]}, {"argv": []}, {"command": 5}, {"argv": ["x"], "env": {"a": 1}}],
)
def test_payload_must_have_its_shape(commands: Commands, payload: dict[str, Any]) -> None:
    """What is neither command nor argv, or both, or of a wrong type, is refused before anything runs."""
    with pytest.raises(ValueError, match="validation error"):
        commands.run(order(**payload), RecordedRun())


@pytest.mark.parametrize("leader", [1, 0, -1])
def test_kill_group_never_means_everybody(monkeypatch: pytest.MonkeyPatch, leader: int) -> None:
    """The group of process 1, which killpg(2) takes for all processes there are, gets no signal."""
    told: list[int] = []
    monkeypatch.setattr(os, "killpg", lambda *given: told.append(given[0]))
    with pytest.raises(ValueError, match="leads no group of ours"):
        tree.kill_group(leader)
    assert told == []
