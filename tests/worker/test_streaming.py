"""Output on its way: it grows while the task runs, is exact, and is bounded."""

import hashlib
from pathlib import Path

from tests.support.fake_http import Answer
from tests.support.fake_server import FakeServer
from tests.support.fake_task import FakeTask
from tests.support.worker_process import eventually
from tests.worker.conftest import StartWorker

MIB = 1024 * 1024


def test_output_comes_while_the_task_runs(
    fake: FakeServer, start_worker: StartWorker, tmp_path: Path
) -> None:
    """What a running task has written can be read at the service before it ends."""
    go_on = tmp_path / "go-on"
    start_worker()
    task = fake.submit(command=f"echo first; until [ -e {go_on} ]; do sleep 0.05; done; echo second")
    fake.until(lambda: task.stdout == b"first\n")
    assert task.state == "running"
    go_on.touch()
    fake.ended(task)
    assert task.stdout == b"first\nsecond\n"


def test_large_output_is_exact_and_in_small_pieces(
    fake: FakeServer, start_worker: StartWorker, tmp_path: Path
) -> None:
    """Megabytes of any bytes arrive unchanged, in chunks of at most 64 KiB, each at its offset."""
    data = bytes(range(256)) * (3 * MIB // 256)
    (tmp_path / "data").write_bytes(data)
    start_worker()
    task = fake.submit(command="cat data; head -c 100000 data >&2")
    result = fake.ended(task)
    assert task.stdout == data
    assert task.read("stderr") == data[:100000]
    assert (result["stdoutBytes"], result["stderrBytes"], result["truncated"]) == (len(data), 100000, False)
    assert max(len(chunk) for chunk in task.outputs["stdout"].values()) == 65536


def test_middle_of_excessive_output_is_left_out(
    fake: FakeServer, start_worker: StartWorker, tmp_path: Path
) -> None:
    """Of 13 MiB the first 5 and the last 5 come, the last at their real offsets, and it is said."""
    with (tmp_path / "data").open("wb") as file:
        for number in range(13 * MIB // 64):
            file.write(b"%063d\n" % number)
    data = (tmp_path / "data").read_bytes()
    start_worker()
    task = fake.submit(command="cat data")
    result = fake.ended(task)
    assert (result["stdoutBytes"], result["truncated"]) == (len(data), True)
    assert _digest(_between(task, 0, 5 * MIB)) == _digest(data[: 5 * MIB])
    assert _digest(_between(task, 8 * MIB, 13 * MIB)) == _digest(data[8 * MIB :])
    assert len(task.stdout) == 10 * MIB
    assert max(_size(body) for body in fake.told("/worker/report")) < 5 * MIB


def test_output_waits_for_the_service(fake: FakeServer, start_worker: StartWorker, tmp_path: Path) -> None:
    """Output written while the service is away holds up no task and is not lost."""
    marks = tmp_path / "marks"
    start_worker(CLAWTRAIL_WORKER_POLL_INTERVAL="20")
    task = fake.submit(
        command="echo one; until [ -e go ]; do sleep 0.05; done; head -c 300000 /dev/zero;"
        f" touch {marks}; sleep 0.4"
    )
    fake.until(lambda: task.stdout)
    fake.before = lambda path, _body: Answer(cut=True) if path == "/worker/report" else None
    (tmp_path / "go").touch()
    eventually(marks.exists)
    fake.before = lambda _path, _body: None
    fake.ended(task, within=20)
    assert task.stdout == b"one\n" + bytes(300000)


def _between(task: FakeTask, start: int, end: int) -> bytes:
    return b"".join(data for at, data in sorted(task.outputs["stdout"].items()) if start <= at < end)


def _digest(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


def _size(body: dict[str, list[dict[str, str]]]) -> int:
    return sum(len(item.get("data", "")) for item in body["items"])
