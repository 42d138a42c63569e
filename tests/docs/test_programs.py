"""The programs in examples/, and the custom kind of docs/worker.md, do what they are shown for."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import requests

from tests.docs.conftest import Reader
from tests.docs.markdown import examples
from tests.docs.needing import skip_without
from tests.support.processes import REPOSITORY, TOKEN, start_worker

EXAMPLES = REPOSITORY / "examples"


def _run(reader: Reader, *command: str, **environ: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        list(command),
        env=reader.environ | environ,
        cwd=reader.folder,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


def _old(reader: Reader, program: str, *words: str, token: str = TOKEN) -> subprocess.CompletedProcess[str]:
    address = {"WORKER_URL": reader.server.url, "WORKER_TOKEN": token}
    return _run(reader, sys.executable, str(EXAMPLES / "old-client" / program), *words, **address)


def test_the_client_example_shows_all_it_says(reader: Reader, tmp_path: Path) -> None:
    """examples/submit.py runs a command, follows output, changes a file and reads the record."""
    done = _run(
        reader, sys.executable, "-W", "error", str(EXAMPLES / "submit.py"), str(tmp_path / "example.txt")
    )
    assert done.returncode == 0, done.stderr
    told = done.stdout.splitlines()
    assert "diff: +colour = blue" in told
    assert "file: colour = blue" in told
    assert "refused: old_string not found" in told
    assert "record: task.submitted by client:ada" in told


def test_the_curl_example_goes_the_whole_way(reader: Reader) -> None:
    """examples/curl.sh submits, waits and reads the record."""
    program = EXAMPLES / "curl.sh"
    skip_without([program.read_text(encoding="utf-8")])
    done = _run(reader, "sh", str(program))
    assert done.returncode == 0, done.stderr
    assert "exit 0\none\ntwo\n" in done.stdout
    assert "task.completed worker:macbook" in done.stdout


def test_an_old_client_runs_commands(reader: Reader) -> None:
    """A client written for openclaw-worker gets output and exit code of a command with the shared token."""
    done = _old(reader, "client.py", "echo hello; echo oops >&2; exit 4")
    assert (done.stdout, done.stderr, done.returncode) == ("hello\n", "oops\n", 4)


def test_an_old_client_works_on_files(reader: Reader, tmp_path: Path) -> None:
    """A client written for openclaw-worker writes, edits and reads a file."""
    done = _old(reader, "client.py", "--edit", str(tmp_path / "old.txt"), "one", "two")
    assert (done.stdout, done.returncode) == ("two\n", 0), done.stderr


def test_an_old_worker_runs_a_task(reader: Reader) -> None:
    """A worker written for openclaw-worker polls a task, runs it and reports its result."""
    with reader.server.client(reader.tokens["ada"]) as client:
        _drain(reader, "drain")
        try:
            task = client.submit("echo from an old worker")
            done = _old(reader, "worker.py", "1")
            assert done.returncode == 0, done.stderr
            result = client.wait(task.task_id, timeout=10)
            history = [(event.type, event.actor) for event in client.history(task.task_id)]
        finally:
            _drain(reader, "resume")
    assert (result.stdout, result.exit_code) == ("from an old worker\n", 0)
    assert ("task.completed", "worker:shared/v1") in history


def test_the_custom_kind_of_the_document_runs(reader: Reader, tmp_path: Path) -> None:
    """The executor printed in docs/worker.md, installed as it says, runs tasks of its kind."""
    [code] = [one for one in examples(REPOSITORY / "docs" / "worker.md") if one.language == "python"]
    (tmp_path / "greeting.py").write_text(code.text)
    installed = tmp_path / "clawtrail_greeting-1.dist-info"
    installed.mkdir()
    (installed / "METADATA").write_text("Metadata-Version: 2.1\nName: clawtrail-greeting\nVersion: 1\n")
    (installed / "entry_points.txt").write_text("[clawtrail.executors]\ngreet = greeting:greet\n")
    path = f"{tmp_path}:{REPOSITORY}"
    with start_worker(
        reader.server,
        tmp_path / "state",
        name="laptop",
        token=reader.tokens["laptop"],
        environ={"PYTHONPATH": path, "HOME": str(tmp_path)},
    ):
        told = requests.post(
            f"{reader.server.url}/tasks?wait=10000",
            json={"kind": "greet", "payload": {"name": "Ada"}},
            headers={"Authorization": f"Bearer {reader.tokens['ada']}"},
            timeout=20,
        ).json()
    assert (told["state"], told["stdout"], told["metadata"]) == ("completed", "Hello,\nAda\n", {"length": 3})


def _drain(reader: Reader, what: str) -> None:
    headers = {"Authorization": f"Bearer {reader.tokens['root']}"}
    requests.post(
        f"{reader.server.url}/workers/macbook/{what}", headers=headers, timeout=10
    ).raise_for_status()
