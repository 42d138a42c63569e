"""Batches that are led by whoever comes first."""

import threading

import pytest

from tests.support.worker_process import eventually
from worker.batching import Crew, Job


class Errand(Job):
    """A job with a name."""

    def __init__(self, name: str) -> None:
        super().__init__()
        self.name = name


def test_lone_caller_does_the_work_itself() -> None:
    """Who finds nobody at work works in its own thread, so a quiet path has no hand-over."""
    threads: list[int] = []
    Crew[Errand](lambda _jobs: threads.append(threading.get_ident())).do(Errand("a"))
    assert threads == [threading.get_ident()]


def test_what_comes_meanwhile_is_one_batch() -> None:
    """All jobs that come during the work go together in the next batch, in order."""
    batches: list[list[str]] = []
    busy, go_on = threading.Event(), threading.Event()

    def work(jobs: list[Errand]) -> None:
        batches.append([job.name for job in jobs])
        busy.set()
        assert go_on.wait(5)

    crew = Crew[Errand](work)
    threads = [threading.Thread(target=crew.do, args=(Errand("first"),))]
    threads[0].start()
    assert busy.wait(5)
    for name in "abc":
        waiting = crew.waiting
        threads.append(threading.Thread(target=crew.do, args=(Errand(name),)))
        threads[-1].start()
        eventually(lambda known=waiting: crew.waiting > known)
    go_on.set()
    for thread in threads:
        thread.join(5)
    assert batches == [["first"], ["a", "b", "c"]]


def test_every_job_is_done_exactly_once_under_contention() -> None:
    """However many threads come at once, each job is worked on once and each caller gets away."""
    seen: list[str] = []
    crew = Crew[Errand](lambda jobs: seen.extend(job.name for job in jobs))

    def call(number: int) -> None:
        for turn in range(200):
            crew.do(Errand(f"{number}.{turn}"))

    threads = [threading.Thread(target=call, args=(number,)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(10)
    assert len(seen) == len(set(seen)) == 1600


def test_finished_job_does_not_wait_for_its_batch() -> None:
    """A follower whose job is finished early goes on while the leader still works on the rest."""
    busy, go_on, away = threading.Event(), threading.Event(), threading.Event()

    def work(jobs: list[Errand]) -> None:
        if jobs[0].name == "first":
            busy.set()
            eventually(lambda: crew.waiting == 2)
        else:
            crew.finish(jobs[1])
            assert go_on.wait(5)

    def follow() -> None:
        crew.do(Errand("early"))
        away.set()

    crew = Crew[Errand](work)
    threads = [threading.Thread(target=crew.do, args=(Errand("first"),))]
    threads[0].start()
    assert busy.wait(5)
    threads.append(threading.Thread(target=crew.do, args=(Errand("late"),)))
    threads[-1].start()
    eventually(lambda: crew.waiting)
    threads.append(threading.Thread(target=follow))
    threads[-1].start()
    assert away.wait(5)
    go_on.set()
    for thread in threads:
        thread.join(5)


def test_failing_work_leaves_nobody_waiting() -> None:
    """If the work breaks its promise and raises, later callers are served all the same."""
    crew = Crew[Errand](lambda jobs: 1 / (jobs[0].name != "bad"))  # type: ignore[arg-type]
    with pytest.raises(ZeroDivisionError):
        crew.do(Errand("bad"))
    crew.do(Errand("good"))
