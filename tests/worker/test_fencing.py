"""Leases: renewed while the service answers, and a run ended when they cannot be."""

import time
from pathlib import Path

from tests.support.fake_http import Answer
from tests.support.fake_server import FakeServer
from tests.support.worker_process import eventually, lives, marked
from tests.worker.conftest import StartWorker


def test_lease_is_renewed_as_long_as_the_run_takes(fake: FakeServer, start_worker: StartWorker) -> None:
    """A run of many lease lengths keeps its lease to the end."""
    fake.lease_ms = 600
    start_worker()
    task = fake.submit(command="sleep 2")
    assert fake.ended(task)["reason"] == "exit"
    assert task.attempt == 1


def test_worker_that_cannot_renew_ends_its_runs_itself(
    fake: FakeServer, start_worker: StartWorker, tmp_path: Path
) -> None:
    """Cut off from the service for the length of a lease, it ends the child, and tells so when it can."""
    fake.lease_ms = 1000
    start_worker()
    with marked(tmp_path) as pids:
        task = fake.submit(command=f"echo $$ >> {pids}; exec sleep 60")
        eventually(pids.read_text)
        fake.before = lambda _path, _body: Answer(cut=True)
        began = time.monotonic()
        eventually(lambda: not lives(int(pids.read_text())), within=20)
        assert time.monotonic() - began < 15
        assert not task.results
        fake.before = lambda _path, _body: None
        result = fake.ended(task)
        assert (result["exitCode"], result["reason"]) == (-1, "failed")
        assert result["error"] == "Stopped: the lease ended, so the service no longer counts on this run"


def test_lost_lease_ends_the_run(fake: FakeServer, start_worker: StartWorker, tmp_path: Path) -> None:
    """Told that a lease is lost, the worker ends that run at once and no other."""
    start_worker()
    with marked(tmp_path) as pids:
        other = fake.submit(command=f"echo $$ >> {pids}; exec sleep 60")
        eventually(pids.read_text)
        task = fake.submit(command=f"echo $$ >> {pids}; exec sleep 60")
        eventually(lambda: len(pids.read_text().split()) == 2)
        fake.until(lambda: task.lease in fake.told("/worker/sync")[-1]["leases"])
        fake.lose(task)
        assert fake.ended(task)["error"].startswith("Stopped: the lease ended")
        assert not other.results


def test_start_that_is_not_confirmed_in_time_is_given_up(
    fake: FakeServer, start_worker: StartWorker, tmp_path: Path
) -> None:
    """If no answer to a start comes while the lease holds, the task is told as not run, and was not run."""
    fake.lease_ms = 600
    marks = tmp_path / "marks"
    fake.before = lambda path, body: (
        Answer(cut=True) if path == "/worker/report" and body["items"][0]["type"] == "start" else None
    )
    start_worker(CLAWTRAIL_WORKER_POLL_INTERVAL="20")
    task = fake.submit(command=f"echo ran >> {marks}")
    fake.until(lambda: fake.items("start"))
    fake.lose(task)
    assert fake.ended(task)["error"].startswith("Not run: the service did not confirm the start")
    assert not marks.exists()


def test_cancel_ends_the_run(fake: FakeServer, start_worker: StartWorker, tmp_path: Path) -> None:
    """A cancellation reaches a running task through the parked sync and ends its whole tree."""
    start_worker()
    with marked(tmp_path) as pids:
        task = fake.submit(command=f"echo $$ >> {pids}; echo so far; sleep 60 & wait")
        eventually(pids.read_text)
        began = time.monotonic()
        fake.cancel(task)
        result = fake.ended(task)
        assert time.monotonic() - began < 15
        assert (result["exitCode"], result["error"], result["reason"]) == (-1, "Cancelled", "cancelled")
        assert task.stdout == b"so far\n"
        assert not lives(int(pids.read_text()))


def test_timeout_is_told(fake: FakeServer, start_worker: StartWorker) -> None:
    """A task that takes longer than it may is told with 124 and the sentence that clients know."""
    start_worker()
    result = fake.ended(fake.submit(command="sleep 60", timeout=400))
    assert (result["exitCode"], result["error"], result["reason"]) == (124, "Timeout after 400 ms", "timeout")
