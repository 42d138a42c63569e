"""Wake-ups are never lost: without the safety net, every task that somebody can take is taken."""

from __future__ import annotations

import random
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from werkzeug.test import TestResponse

from tests.support.cast import ADA, WES, WIM, Person
from tests.support.patience import until
from tests.support.service import RunningService, running_service

ROUNDS = 60
WORKERS = (
    ("both", WIM, ("alpha", "beta"), 1),
    ("alpha", WIM, ("alpha",), 1),
    ("beta", WES, ("beta",), 2),
    ("gpu", WES, ("beta",), 1),
)


@pytest.fixture
def service(tmp_path: Path) -> Iterator[RunningService]:
    """The real service without its janitor: nobody looks a second time for what was missed."""
    with running_service(tmp_path, max_pending=100_000) as running:
        running.janitor.stop()
        yield running


class Taker:
    """A worker of one kind that takes tasks, runs them in no time, and asks for more."""

    def __init__(
        self, service: RunningService, name: str, who: Person, kinds: tuple[str, ...], free: int
    ) -> None:
        self._door = service.as_(who)
        self._me = {"workerId": name, "session": name}
        labels = ["gpu=1"] if name == "gpu" else []
        self._sync = {**self._me, "kinds": list(kinds), "labels": labels, "free": free, "wait": 25_000}
        self._random = random.Random(name)
        self._over = threading.Event()

    def work(self) -> None:
        """Go on until told to stop."""
        while not self._over.is_set():
            told = self._door.post("/worker/sync", self._sync).get_json()
            for task in told["tasks"]:
                self._run(task)

    def _run(self, task: dict[str, Any]) -> None:
        lease = task["lease"]
        end = {"type": "result", "lease": lease, "exitCode": 0, "error": None, "durationMs": 1}
        end |= {"metadata": None, "stdoutBytes": 0, "stderrBytes": 0, "truncated": False}
        items = [{"type": "start", "lease": lease}, end]
        if self._random.random() < 0.5:  # two rounds give others a chance in between
            self._report(items[:1])
            items = items[1:]
        self._report(items)

    def _report(self, items: list[dict[str, Any]]) -> None:
        answer = self._door.post("/worker/report", {**self._me, "items": items})
        assert all(result["ok"] for result in answer.get_json()["results"]), answer.get_json()

    def stop(self) -> None:
        """Let the present round be the last."""
        self._over.set()


def some_tasks(dice: random.Random) -> list[dict[str, Any]]:
    """Return one to three tasks of random sorts, for one request."""

    def task() -> dict[str, Any]:
        kind = dice.choice(["alpha", "beta"])
        options: dict[str, Any] = {"priority": dice.choice([0, 0, 5])}
        if dice.random() < 0.2:
            options["sessionId"] = "one"
        if kind == "beta" and dice.random() < 0.3:
            options["labels"] = ["gpu=1"]
        return {"kind": kind, "payload": {}, **options}

    return [task() for _ in range(dice.randint(1, 3))]


@pytest.mark.parametrize("seed", [1, 2, 3, 4])
def test_every_task_is_taken_without_the_safety_net(service: RunningService, seed: int) -> None:
    """Round after round a few tasks come while workers come and go, and none lies until a poll ends.

    Nothing else happens in a round, so that a wake-up that went astray is not made up for by the next.
    """
    takers = [Taker(service, *one) for one in WORKERS]
    dice, sent = random.Random(seed), 0
    with ThreadPoolExecutor(len(takers) + 2) as pool:
        working = [pool.submit(taker.work) for taker in takers]
        try:
            for _ in range(ROUNDS):
                batches = [some_tasks(dice) for _ in range(dice.randint(1, 2))]
                requests = [pool.submit(service.as_(ADA).post, "/tasks/batch", {"tasks": b}) for b in batches]
                sent += sum(request.result(10).get_json()["count"] for request in requests)
                # Far less than the 25 seconds after which a poll would look again by itself.
                until(lambda: service.count_events("task.completed") == sent, within=8)  # noqa: B023
        finally:
            for taker in takers:
                taker.stop()
            service.inside.room.close()
        for future in working:
            future.result(10)
    assert service.count_events("task.claimed") == sent


def test_a_worker_without_a_free_hand_takes_nobodys_wake_up(service: RunningService) -> None:
    """A task goes to the worker that can take it, although one with full hands has waited longer."""
    full = {"workerId": "full", "session": "s", "kinds": ["command"], "free": 0, "wait": 20_000}
    free = {"workerId": "free", "session": "s", "kinds": ["command"], "free": 1, "wait": 20_000}
    first = service.parked(lambda: service.as_(WIM).post("/worker/sync", full), workers=1)
    second = service.parked(lambda: service.as_(WES).post("/worker/sync", free), workers=1)
    task_id = service.as_(ADA).post("/tasks", {"command": "true"}).get_json()["taskId"]
    assert [task["taskId"] for task in second.result(5).get_json()["tasks"]] == [task_id]
    assert not first.done()
    service.inside.room.close()


def test_a_worker_that_takes_something_better_leaves_the_first_task_to_others(
    service: RunningService,
) -> None:
    """Woken for one task and taking a more urgent one, it does not let the first lie while it is busy."""

    def ask(who: Person, name: str, *kinds: str) -> Callable[[], TestResponse]:
        body = {"workerId": name, "session": "s", "kinds": kinds, "free": 1, "wait": 20_000}
        return lambda: service.as_(who).post("/worker/sync", body)

    both = service.parked(ask(WIM, "both", "alpha", "beta"), workers=1)
    other = service.parked(ask(WES, "other", "alpha"), workers=1)
    tasks = [{"kind": "alpha", "payload": {}}, {"kind": "beta", "payload": {}, "priority": 5}]
    service.as_(ADA).post("/tasks/batch", {"tasks": tasks})
    assert [task["kind"] for task in both.result(5).get_json()["tasks"]] == ["beta"]
    assert [task["kind"] for task in other.result(5).get_json()["tasks"]] == ["alpha"]


def test_a_cancel_is_heard_at_once_by_a_parked_worker(service: RunningService) -> None:
    """The worker that runs the task hears of its cancellation while it waits for others."""
    door, me = service.as_(WIM), {"workerId": "wim", "session": "s", "kinds": ["command"], "free": 1}
    task_id = service.as_(ADA).post("/tasks", {"command": "true"}).get_json()["taskId"]
    [task] = door.post("/worker/sync", {**me, "wait": 0}).get_json()["tasks"]
    door.post(
        "/worker/report",
        {"workerId": "wim", "session": "s", "items": [{"type": "start", "lease": task["lease"]}]},
    )
    again = {**me, "leases": [task["lease"]], "wait": 20_000}
    waiting = service.parked(lambda: door.post("/worker/sync", again), workers=1)
    service.as_(ADA).post(f"/tasks/{task_id}/cancel")
    assert waiting.result(5).get_json()["cancel"] == [task_id]
