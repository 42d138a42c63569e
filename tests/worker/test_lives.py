"""What survives a crash: starts are not repeated, outcomes are delivered, the unknown is said to be so."""

import signal
import time
from pathlib import Path

import pytest

from tests.support.fake_http import Answer
from tests.support.fake_server import FakeServer
from tests.support.worker_process import eventually, marked
from tests.worker.conftest import StartWorker

INTERRUPTED = "The worker stopped while this task was running; whether it finished is not known"


def test_run_that_a_crash_cut_short_is_told_as_interrupted(
    fake: FakeServer, start_worker: StartWorker, tmp_path: Path
) -> None:
    """After SIGKILL in the middle of a run, the next life says that nobody knows, and runs nothing again."""
    worker = start_worker()
    with marked(tmp_path) as pids:
        task = fake.submit(command=f"echo $$ >> {pids}; exec sleep 60")
        eventually(pids.read_text)
        worker.kill()
        start_worker()
        result = fake.ended(task)
        assert (result["reason"], result["exitCode"], result["error"]) == ("interrupted", -1, INTERRUPTED)
        fake.ended(fake.submit(command="true"))
        assert len(pids.read_text().split()) == 1


@pytest.mark.parametrize("first", ["/worker/sync", "/worker/report"])
def test_crash_between_note_and_yes_leaves_the_task_to_be_run(
    fake: FakeServer, start_worker: StartWorker, tmp_path: Path, first: str
) -> None:
    """A claim that was noted and never confirmed goes back and is run, whichever call gets through first."""
    marks = tmp_path / "marks"
    fake.before = lambda path, _body: Answer(cut=True) if path == "/worker/report" else None
    worker = start_worker()
    task = fake.submit(command=f"echo ran >> {marks}")
    fake.until(lambda: fake.items("start"))
    worker.kill()
    lease = task.lease
    gone_through: set[str] = set()

    def hold_back(path: str, _body: object) -> Answer | None:
        return None if path == first or first in gone_through else Answer(cut=True)

    fake.before = hold_back
    fake.after = lambda path, _body: gone_through.add(path)
    start_worker(CLAWTRAIL_WORKER_POLL_INTERVAL="20")
    assert fake.ended(task)["exitCode"] == 0
    fake.until(lambda: lease in {item["lease"] for item in fake.items("result")})
    assert task.lease != lease
    assert (task.attempt, len(task.results), marks.read_text()) == (1, 1, "ran\n")


def test_crash_between_yes_and_run_is_told_as_interrupted(
    fake: FakeServer, start_worker: StartWorker, tmp_path: Path
) -> None:
    """A start that is on the record is told as interrupted by the next life, once, and nothing is run."""
    marks = tmp_path / "marks"
    fake.after = lambda path, _body: Answer(cut=True) if path == "/worker/report" else None
    worker = start_worker()
    task = fake.submit(command=f"echo ran >> {marks}")
    fake.until(lambda: task.state == "running")
    worker.kill()
    fake.after = lambda _path, _body: None
    worker = start_worker()
    assert fake.ended(task)["reason"] == "interrupted"
    assert worker.stop() == 0
    start_worker()
    fake.ended(fake.submit(command="true"))
    assert len(task.results) == 1
    assert not marks.exists()


def test_outcome_is_delivered_by_the_next_life(
    fake: FakeServer, start_worker: StartWorker, tmp_path: Path
) -> None:
    """An outcome that was not told before a crash is told after it, output and all; nothing runs twice."""
    marks = tmp_path / "marks"
    fake.before = lambda path, body: (
        Answer(503, b'{"error":"later","code":"storage_failed"}')
        if path == "/worker/report" and body["items"][-1]["type"] == "result"
        else None
    )
    worker = start_worker()
    task = fake.submit(command=f"echo ran >> {marks}; echo output")
    fake.until(lambda: fake.items("result"))
    worker.kill()
    fake.before = lambda _path, _body: None
    start_worker()
    result = fake.ended(task)
    assert (result["exitCode"], result["reason"], task.stdout) == (0, "exit", b"output\n")
    fake.ended(fake.submit(command="true"))
    assert marks.read_text() == "ran\n"


def test_untold_lease_is_renewed(fake: FakeServer, start_worker: StartWorker) -> None:
    """While an earlier life's outcome cannot be told, its lease is named in the syncs."""
    fake.before = lambda path, body: (
        Answer(cut=True) if path == "/worker/report" and body["items"][-1]["type"] == "result" else None
    )
    worker = start_worker()
    task = fake.submit(command="true")
    fake.until(lambda: fake.items("result"))
    worker.kill()
    before = len(fake.told("/worker/sync"))
    start_worker()
    fake.until(lambda: len(fake.told("/worker/sync")) > before)
    assert fake.told("/worker/sync")[before]["leases"] == [task.lease]


def test_lost_answer_to_a_result_makes_it_told_twice_and_run_once(
    fake: FakeServer, start_worker: StartWorker, tmp_path: Path
) -> None:
    """An answer that never arrives is asked for again; the outcome is told twice, and the task run once."""
    marks = tmp_path / "marks"
    cuts = iter([True])
    fake.after = lambda path, body: (
        Answer(cut=True)
        if path == "/worker/report" and body["items"][-1]["type"] == "result" and next(cuts, False)
        else None
    )
    start_worker()
    task = fake.submit(command=f"echo ran >> {marks}")
    fake.until(lambda: len(task.results) == 2)
    assert task.results[0] == task.results[1]
    assert marks.read_text() == "ran\n"


def test_lost_answer_to_a_start_is_asked_again_before_anything_runs(
    fake: FakeServer, start_worker: StartWorker, tmp_path: Path
) -> None:
    """Without the yes nothing runs; the repeated start gets the same yes, and the task runs once."""
    marks = tmp_path / "marks"
    ran_early = []

    def cut_first_two(path: str, _body: object) -> Answer | None:
        if path != "/worker/report" or len(fake.items("start")) > 2:
            return None
        ran_early.append(marks.exists())
        return Answer(cut=True)

    fake.after = cut_first_two
    start_worker()
    task = fake.submit(command=f"echo ran >> {marks}")
    assert fake.ended(task)["exitCode"] == 0
    assert ran_early == [False, False]
    assert marks.read_text() == "ran\n"


def test_attempt_that_was_started_before_is_not_started_again(
    fake: FakeServer, start_worker: StartWorker, tmp_path: Path
) -> None:
    """A service that hands the same attempt out twice, as after a restore, does not make it run twice."""
    marks = tmp_path / "marks"
    worker = start_worker()
    task = fake.submit(command=f"echo ran >> {marks}")
    fake.ended(task)
    worker.stop()
    task.results.clear()
    task.state, task.attempt = "pending", 0
    start_worker()
    result = fake.ended(task)
    assert (result["reason"], result["exitCode"]) == ("interrupted", -1)
    assert result["error"] == "Not run: this worker has started this attempt before"
    assert marks.read_text() == "ran\n"


def test_claim_that_came_to_nothing_may_come_again(
    fake: FakeServer, start_worker: StartWorker, tmp_path: Path
) -> None:
    """A claim whose start was refused burns no attempt; handed out again under the same number, it runs."""
    marks = tmp_path / "marks"
    start_worker()
    fake.until(lambda: len(fake.requests) == 2)
    task = fake.submit(command=f"echo ran >> {marks}")
    losses = iter([True])

    def lose_once(path: str, _body: object) -> None:
        if path == "/worker/report" and next(losses, False):
            fake.lose(task)

    fake.before = lose_once
    fake.until(lambda: task.state == "unknown" and not fake.told("/worker/sync")[-1]["leases"])
    with fake.changed:
        task.state, task.attempt = "pending", 0
        fake.changed.notify_all()
    assert fake.ended(task)["exitCode"] == 0
    assert task.attempt == 1
    assert marks.read_text() == "ran\n"


def test_two_workers_on_one_state_folder_are_refused(start_worker: StartWorker) -> None:
    """The second says so in a sentence and leaves with 2; the first is not disturbed."""
    first = start_worker()
    eventually(lambda: "worker started" in first.messages())
    second = start_worker()
    assert second.wait() == 2
    assert "Another worker runs on" in second.said
    assert first.process.poll() is None


def test_stopped_worker_finds_its_lease_gone_and_ends_the_run(
    start_worker: StartWorker, tmp_path: Path, fake: FakeServer
) -> None:
    """Stopped past its lease and woken, as by a laptop's lid, the worker ends its child at once."""
    fake.lease_ms = 1500
    worker = start_worker()
    with marked(tmp_path) as pids:
        task = fake.submit(command=f"echo $$ >> {pids}; exec sleep 60")
        eventually(pids.read_text)
        worker.signal(signal.SIGSTOP)
        eventually(lambda: time.monotonic() > task.lease_until)
        worker.signal(signal.SIGCONT)
        result = fake.ended(task, within=20)
        assert result["reason"] == "failed"
        assert result["error"].startswith("Stopped: the lease ended")
        assert fake.ended(fake.submit(command="true"))["exitCode"] == 0
