"""``clawtrail up``: from nothing to a first task on the record, and back to nothing."""

import shutil
import signal
import socket
import sqlite3
import subprocess
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import psutil
import pytest

from benchmarks.processes import free_port
from tests.support.patience import until
from tests.support.processes import REPOSITORY, clean_environ
from tests.support.quickstart import Up, start_up


def _mode(path: Path) -> int:
    return path.stat().st_mode & 0o777


def _once(data: Path) -> str:
    with start_up(data, free_port(), "--once") as up:
        assert up.wait() == 0, up.said
        return up.said


def _tokens(data: Path) -> list[str]:
    return [(data / name).read_text() for name in ("client.token", "worker.token")]


def _completed(data: Path) -> int:
    with closing(sqlite3.connect(data / "clawtrail.db")) as database:
        count: int = database.execute("SELECT count(*) FROM tasks WHERE state = 'completed'").fetchone()[0]
        return count


def _shell(line: str) -> str:
    done = subprocess.run(
        ["bash", "-c", line], cwd=REPOSITORY, env=clean_environ(), capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, f"{line}\n{done.stdout}{done.stderr}"
    return done.stdout


@contextmanager
def _staying(data: Path) -> Iterator[Up]:
    with start_up(data, free_port()) as up:
        up.until("Ctrl-C here stops both.")
        yield up


@pytest.fixture(scope="module")
def up(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Up]:
    """A quick start that has come all the way and stays up."""
    with _staying(tmp_path_factory.mktemp("quickstart") / "a folder") as started:
        yield started


@pytest.fixture(scope="module")
def ended(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, str]:
    """The data folder of a quick start that left after its first task, and what it printed."""
    data = tmp_path_factory.mktemp("quickstart") / "data"
    return data, _once(data)


def test_first_task_and_its_history_are_shown(ended: tuple[Path, str]) -> None:
    """With --once it leaves with 0 after a first task, whose output and history it printed."""
    said = ended[1]
    assert "uname -a" in said
    assert subprocess.check_output(["uname", "-s"], text=True).strip() in said
    for event in ("task.submitted", "task.claimed", "task.started", "task.completed"):
        assert event in said


def test_only_the_owner_can_read_what_it_makes(ended: tuple[Path, str]) -> None:
    """The folder is closed to others, and so are both tokens, the database and the logs."""
    data = ended[0]
    assert _mode(data) == 0o700
    for name in ("client.token", "worker.token", "clawtrail.db", "server.log", "worker.log"):
        assert _mode(data / name) == 0o600, name


def test_second_run_goes_on_with_the_same_data(ended: tuple[Path, str]) -> None:
    """Run again, it keeps the tokens and adds to the same record."""
    data = ended[0]
    tokens, tasks = _tokens(data), _completed(data)
    _once(data)
    assert _tokens(data) == tokens
    assert _completed(data) == tasks + 1


def test_lost_database_gets_new_tokens(tmp_path: Path) -> None:
    """Tokens of a database that is gone are replaced, because no other database knows them."""
    data = tmp_path / "data"
    _once(data)
    tokens = _tokens(data)
    for file in data.glob("clawtrail.db*"):
        file.unlink()
    shutil.rmtree(data / "worker")
    _once(data)
    assert not set(tokens) & set(_tokens(data))


def test_printed_lines_work_as_they_are(up: Up) -> None:
    """The run, curl, and sqlite3 lines that it prints work when they are pasted into a shell."""
    (run,) = up.lines_with(" run --url")
    (curl,) = up.lines_with("curl ")
    (query,) = up.lines_with("sqlite3 -readonly")
    assert socket.gethostname() in _shell(run)
    assert '"exitCode":0' in _shell(curl).replace(" ", "")
    assert "task.completed" in _shell(query)


@pytest.mark.parametrize("name", ["serve", "worker"])
def test_child_that_dies_is_started_again(up: Up, name: str) -> None:
    """A killed server or worker comes back, it is said, and tasks run as before."""
    up.child(name).kill()
    up.until(f"The {'server' if name == 'serve' else name} is started again")
    until(up.answers, within=30)
    (run,) = up.lines_with(" run --url")
    assert socket.gethostname() in _shell(run)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_stops_with_all_its_children(tmp_path: Path, number: signal.Signals) -> None:
    """Ctrl-C, SIGTERM and a closed terminal end it with 0; no process stays, and no outcome came too late."""
    with _staying(tmp_path / "data") as up:
        children = up.children()
        up.send(number)
        assert up.wait() == 0, up.said
    assert not psutil.wait_procs(children, timeout=5)[1]
    # A worker that outlives its server would complain about it.
    log = (tmp_path / "data" / "worker.log").read_text()
    assert "worker ended" in log
    assert "level=warning" not in log


def test_busy_port_is_said_in_a_sentence(tmp_path: Path) -> None:
    """A taken port ends it with 2 and the advice to take another; nothing is made."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        with start_up(tmp_path / "data", port) as up:
            assert up.wait() == 2
            assert f"Port {port} is taken" in up.said
            assert "--port" in up.said
    assert not (tmp_path / "data").exists()


def test_wrong_setting_is_passed_on(tmp_path: Path) -> None:
    """What a program of ours says against its settings is shown, and the exit status is 2."""
    with start_up(tmp_path / "data", free_port(), environ={"CLAWTRAIL_THREADS": "none"}) as up:
        assert up.wait() == 2
        assert "CLAWTRAIL_THREADS" in up.said
