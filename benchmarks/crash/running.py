"""One crash test from the first start to the verdict."""

import time
from collections import Counter
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

from benchmarks.crash import checking, plan
from benchmarks.crash.clients import Acknowledged, Client
from benchmarks.crash.stage import Stage
from benchmarks.service import Service

CLIENTS = 6
SLOTS = 4
GRACE_S = 60  # a worker drains for up to 30 s, then ends what runs and delivers: 41 s by its own bounds
SETTLE_S = 120  # a lease lasts 60 s; what a worker forgot ends with it


@dataclass(frozen=True)
class Report:
    """What a crash test saw; it passed when *faults* is empty."""

    seed: int
    kills: dict[str, int]
    seconds: float
    settled_after_s: float
    slowest_start_s: float
    acknowledged: int
    repeated_requests: int
    states: dict[str, int]
    events: int
    runs: int
    faults: list[str]


def run(folder: Path, *, kills: int, seed: int, done: Callable[[], None] = lambda: None) -> Report:
    """Kill *kills* times by the plan of *seed* under load, data in *folder*, and check what is left.

    *done* is called after each kill. Raises `Ended` when server or worker end without being killed.
    """
    marks = folder / "marks"
    marks.mkdir(parents=True)
    planned = plan.draw(kills, seed)
    told = Acknowledged()
    begin = time.monotonic()
    with ExitStack() as stack:
        service = Service(stack, folder)
        stage = Stage(service, SLOTS)
        stage.raise_all()
        stage.wait_ready()
        clients = _start_clients(service, marks, told, seed)
        for kill in planned:
            stage.do(kill)
            done()
        stage.wait_ready()
        for client in clients:
            client.stop()
        for client in clients:
            client.join()
        settled = _settle(service)
        _end(stage, told)
    verdict = checking.check(service.database, marks, told)
    return Report(
        seed=seed,
        kills=dict(Counter(f"{kill.victim} {kill.moment}" for kill in planned)),
        seconds=time.monotonic() - begin,
        settled_after_s=settled,
        slowest_start_s=stage.slowest_start_s,
        acknowledged=len(told.tasks),
        repeated_requests=told.repeats,
        states=dict(verdict.states),
        events=verdict.events,
        runs=verdict.runs,
        faults=verdict.faults,
    )


def _start_clients(service: Service, marks: Path, told: Acknowledged, seed: int) -> list[Client]:
    clients = [
        Client(f"c{n}", url=service.url, headers=service.headers, marks=marks, told=told, seed=seed + n)
        for n in range(CLIENTS)
    ]
    for client in clients:
        client.start()
    return clients


def _settle(service: Service) -> float:
    """Wait until every task has ended, at most `SETTLE_S`; return the seconds that it took."""
    begin = time.monotonic()
    while time.monotonic() < begin + SETTLE_S:
        counts = service.count_by_state()
        if not any(counts.get(state) for state in ("pending", "claimed", "running")):
            break
        time.sleep(0.1)
    return time.monotonic() - begin


def _end(stage: Stage, told: Acknowledged) -> None:
    """Stop worker and server as an operator does; an exit code other than 0 is a fault."""
    for name, running in (("worker", stage.worker), ("server", stage.server)):
        if running is not None:
            running.stop(grace=GRACE_S)
            if running.process.returncode != 0:
                left = f"the {name} left with {running.process.returncode} when asked to stop"
                told.faults.append(str(running.complain(left)))
