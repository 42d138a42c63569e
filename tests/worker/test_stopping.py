"""The end of a worker: it claims nothing more, lets runs end, delivers, and leaves with 0."""

import signal
import time
from pathlib import Path

import pytest

from tests.support.fake_http import Answer
from tests.support.fake_server import FakeServer
from tests.support.worker_process import eventually
from tests.worker.conftest import StartWorker


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_running_task_may_end(fake: FakeServer, start_worker: StartWorker, number: signal.Signals) -> None:
    """Told to end, the worker tells the service that it offers nothing, and its task runs to its end."""
    worker = start_worker()
    task = fake.submit(command="sleep 0.5; echo done")
    fake.until(lambda: task.state == "running")
    worker.signal(number)
    assert worker.wait() == 0
    assert (task.result["exitCode"], task.stdout) == (0, b"done\n")
    assert fake.told("/worker/sync")[-1]["free"] == 0
    assert worker.messages()[-1] == "worker ended"


def test_idle_worker_ends_at_once(fake: FakeServer, start_worker: StartWorker) -> None:
    """With nothing to do, a parked sync does not hold up the end."""
    worker = start_worker()
    fake.until(lambda: len(fake.requests) == 2)
    began = time.monotonic()
    assert worker.stop() == 0
    assert time.monotonic() - began < 15
    assert fake.told("/worker/sync")[-1]["free"] == 0


def test_nothing_is_claimed_once_told_to_end(fake: FakeServer, start_worker: StartWorker) -> None:
    """A task that comes while the worker drains stays for others."""
    worker = start_worker("--max-concurrent", "2")
    running = fake.submit(command="sleep 2")
    fake.until(lambda: running.state == "running")
    worker.signal(signal.SIGTERM)
    # The draining sync has come, and the one that offered a slot is answered.
    fake.until(lambda: fake.told("/worker/sync")[-1]["free"] == 0 and fake.offered == 0)
    later = fake.submit(command="true")
    assert worker.wait() == 0
    assert running.results
    assert later.state == "pending"


def test_service_that_is_away_does_not_hold_up_the_end(fake: FakeServer, start_worker: StartWorker) -> None:
    """A claim whose start cannot be confirmed is not waited for when the worker is told to end."""
    fake.before = lambda path, _body: Answer(cut=True) if path == "/worker/report" else None
    worker = start_worker()
    task = fake.submit(command="true")
    fake.until(lambda: fake.items("start"))
    fake.before = lambda _path, _body: Answer(cut=True)
    began = time.monotonic()
    assert worker.stop() == 0
    assert time.monotonic() - began < 15
    assert not task.results


def test_second_signal_stops_what_runs(fake: FakeServer, start_worker: StartWorker) -> None:
    """Asked twice, the worker ends its tasks, tells so, and leaves with 0."""
    worker = start_worker()
    task = fake.submit(command="sleep 60")
    fake.until(lambda: task.state == "running")
    worker.signal(signal.SIGTERM)
    fake.until(lambda: fake.told("/worker/sync")[-1]["free"] == 0)
    worker.signal(signal.SIGTERM)
    assert worker.wait() == 0
    assert task.result["error"] == "Stopped: the worker was shut down"


def test_drain_time_is_limited(fake: FakeServer, start_worker: StartWorker) -> None:
    """After the drain time the worker does as after a second signal."""
    worker = start_worker("--drain", "0.2")
    task = fake.submit(command="sleep 60")
    fake.until(lambda: task.state == "running")
    assert worker.stop() == 0
    assert (task.result["exitCode"], task.result["reason"]) == (-1, "failed")


def test_outcome_that_cannot_be_told_is_kept(
    fake: FakeServer, start_worker: StartWorker, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """If the service is away at the end, the outcome stays in the journal and the next life tells it."""
    worker = start_worker()
    task = fake.submit(command=f"touch {tmp_path}/ran; sleep 0.3")
    eventually((tmp_path / "ran").exists)
    fake.before = lambda _path, _body: Answer(cut=True)
    assert worker.stop() == 0
    assert "some outcomes are not delivered yet; they are kept in the journal" in worker.messages()
    fake.before = lambda _path, _body: None
    start_worker()
    assert fake.ended(task)["exitCode"] == 0
