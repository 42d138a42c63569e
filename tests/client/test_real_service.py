"""The client against the real server and the real worker, as processes."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
import requests

from clawtrail import Chunk, Client, Conflict, NotFound, Result, StillRunning, Task, TaskFailed, Unauthorized
from tests.client.conftest import QUICKLY
from tests.support.processes import Server, start_server, start_worker
from tests.support.scripted_server import DROP, Asked, Reply, ScriptedServer

pytestmark = pytest.mark.usefixtures("wim")


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A server with data of its own."""
    with start_server(tmp_path_factory.mktemp("service") / "data") as server:
        yield server


@pytest.fixture(scope="module")
def wim(service: Server, tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Wim, the worker of that server."""
    with start_worker(service, tmp_path_factory.mktemp("wim") / "state"):
        yield


@pytest.fixture
def ada(service: Server) -> Iterator[Client]:
    """Ada's client of that server."""
    with service.client() as client:
        yield client


def until(flag: Path) -> str:
    """Return shell text that waits for the file *flag*."""
    return f"while [ ! -e '{flag}' ]; do sleep 0.02; done"


def test_a_command_comes_back_with_all_it_left(ada: Client, tmp_path: Path) -> None:
    """Streams, exit code, folder, environment and standard input arrive as they were given."""
    script = 'pwd; echo "$GREETING"; cat; echo oops >&2; exit 3'
    result = ada.run(script, cwd=str(tmp_path), env={"GREETING": "grüß"}, stdin="from ada\n")
    assert (result.state, result.exit_code) == ("failed", 3)
    assert result.stdout == f"{tmp_path}\ngrüß\nfrom ada\n"
    assert result.stderr == "oops\n"


def test_an_argv_goes_through_no_shell(ada: Client) -> None:
    """Words arrive as words, whatever a shell would make of them."""
    assert ada.run(argv=["printf", "%s|", "$HOME", "a b", "*"], check=True).stdout == "$HOME|a b|*|"


def test_files_keep_every_byte(ada: Client, tmp_path: Path) -> None:
    """What is written is what is read, all values of a byte included, and an edit changes just its text."""
    path = tmp_path / "deep" / "file"
    everything = bytes(range(256)) * 5
    ada.write_file(str(path), everything)
    assert path.read_bytes() == ada.read_file(str(path)) == everything
    assert ada.read_file(str(path), offset=250, limit=10) == everything[250:260]
    ada.write_file(str(path), "eins\r\nzwei\n")
    edited = ada.edit_file(str(path), "zwei", "$& \\1")
    assert path.read_bytes() == b"eins\r\n$& \\1\n"
    assert "diff" in edited.metadata


@pytest.mark.parametrize("missing", ["read", "edit"])
def test_a_file_that_is_not_there_is_a_failure(ada: Client, tmp_path: Path, missing: str) -> None:
    """A file operation that cannot be done raises with the worker's reason."""
    path = str(tmp_path / "absent")
    with pytest.raises(TaskFailed, match="File not found"):
        ada.read_file(path) if missing == "read" else ada.edit_file(path, "a", "b")


def test_output_is_there_while_the_task_runs(ada: Client, tmp_path: Path) -> None:
    """The first line comes before the task has ended, and the bytes are exact."""
    submitted = ada.submit(f"printf 'one\\377\\n'; {until(tmp_path / 'go')}; echo two; echo end >&2")
    chunks: list[Chunk] = []
    for chunk in ada.output(submitted.task_id):
        if not chunks:
            assert not isinstance(ada.get(submitted.task_id), Result)
            (tmp_path / "go").touch()
        chunks.append(chunk)
    written = {name: b"".join(c.data for c in chunks if c.stream == name) for name in ("stdout", "stderr")}
    assert written == {"stdout": b"one\xff\ntwo\n", "stderr": b"end\n"}


def test_a_running_task_can_be_cancelled(ada: Client, tmp_path: Path) -> None:
    """A cancel reaches the worker, and the wait for the task tells how it ended."""
    submitted = ada.submit("echo begun; sleep 60")
    next(ada.output(submitted.task_id, stream="stdout"))
    ada.cancel(submitted.task_id, reason="enough")
    assert ada.wait(submitted.task_id, timeout=40).state == "cancelled"
    assert ada.cancel(submitted.task_id) == "cancelled"


def test_what_has_ended_is_no_more_to_cancel(ada: Client) -> None:
    """A finished task stays as it is."""
    result = ada.run("true")
    with pytest.raises(Conflict):
        ada.cancel(result.task_id)


def test_a_submission_whose_answer_is_lost_makes_one_task(service: Server, ada: Client) -> None:
    """The server commits, the answer is lost on the way, the client tries again: there is one task."""

    def forward(asked: Asked) -> Reply:
        kept = {name: asked.headers[name] for name in ("Authorization", "Idempotency-Key", "Content-Type")}
        answer = requests.request(
            asked.method, f"{service.url}{asked.path}", data=asked.body, headers=kept, timeout=10
        )
        return Reply(answer.status_code, answer.content)

    def lose(asked: Asked) -> Reply:
        forward(asked)
        return DROP

    with ScriptedServer().running() as lossy:
        for route in ("/tasks", "/tasks/batch"):
            lossy.on("POST", route, lose, lose, forward)
        with Client(lossy.url, service.token, retrying=QUICKLY) as far:
            one = far.submit("true", tags=["lost-answer"])
            batch = far.submit_many([Task.make("true", tags=["lost-batch"])] * 3)
    assert [task.task_id for task in ada.list(tag="lost-answer")] == [one.task_id]
    assert {task.task_id for task in ada.list(tag="lost-batch")} == {task.task_id for task in batch}


def test_the_list_goes_over_pages_and_filters(ada: Client) -> None:
    """All tasks of a tag come, newest first, whatever the size of a page."""
    task = Task.make("true", labels=["has=nobody"], tags=["many"])
    sent = ada.submit_many([task] * 450)
    assert [task.task_id for task in ada.list(tag="many")] == [task.task_id for task in reversed(sent)]
    assert len(list(ada.list(tag="many", limit=205))) == 205
    assert {task.state for task in ada.list(tag="many", limit=5)} == {"pending"}


def test_everything_about_a_task_can_be_read(ada: Client) -> None:
    """Detail, record, workers and counts tell of what was done."""
    result = ada.run("exit 4", tags=["looked-at"])
    detail = ada.show(result.task_id)
    assert (detail.summary.state, detail.summary.exit_code, detail.payload["command"]) == (
        "failed",
        4,
        "exit 4",
    )
    assert [outcome.exit_code for outcome in detail.outcomes] == [4]
    assert detail.why
    types = [event.type for event in ada.history(result.task_id)]
    assert types[0] == "task.submitted"
    assert types[-1] == "task.failed"
    assert [worker.online for worker in ada.workers() if worker.name == "wim"] == [True]
    assert ada.stats().total > 0


def test_rerun_makes_a_new_task(ada: Client) -> None:
    """The content is the old one's, the task is new and names it."""
    result = ada.run("echo again")
    submitted = ada.rerun(result.task_id)
    assert submitted.task_id != result.task_id == submitted.rerun_of
    assert ada.wait(submitted.task_id).stdout == "again\n"


def test_wait_outlasts_a_restart_of_the_server(service: Server, ada: Client, tmp_path: Path) -> None:
    """A wait that has begun before the server goes down gets the result after it is up again."""
    submitted = ada.submit(f"echo begun; {until(tmp_path / 'go')}; echo survived")
    next(ada.output(submitted.task_id, stream="stdout"))
    results: list[Result] = []
    waiting = threading.Thread(target=lambda: results.append(ada.wait(submitted.task_id)))
    waiting.start()
    service.stop()
    service.restart()
    (tmp_path / "go").touch()
    waiting.join(60)
    assert [(result.state, result.stdout) for result in results] == [("completed", "begun\nsurvived\n")]


def test_time_to_wait_is_kept_to(ada: Client, tmp_path: Path) -> None:
    """A wait that is too short says so in its time, and the task goes on."""
    begun = time.monotonic()
    with pytest.raises(StillRunning) as caught:
        ada.run(until(tmp_path / "go"), wait_for=0.5)
    assert 0.4 < time.monotonic() - begun < 5
    (tmp_path / "go").touch()
    assert ada.wait(caught.value.task_id, timeout=40).ok


def test_refusals_of_the_real_server_are_understood(service: Server, ada: Client) -> None:
    """A wrong token and an unknown task are the errors that they are."""
    with Client(service.url, "ctc_somebody-else-entirely") as eve, pytest.raises(Unauthorized):
        eve.stats()
    with pytest.raises(NotFound):
        ada.get("0199a0c1-7000-7000-8000-00000000abcd")
