"""POST /worker/sync: the worker's one poll."""

from __future__ import annotations

from typing import Any

import pytest

from app.domain.timing import LEASE_MS, START_MS
from tests.support import cast
from tests.support.asking import submit
from tests.support.machine import Machine, result, start
from tests.support.patience import until
from tests.support.service import NOON, Caller, RunningService

HELD = 25_000


def test_a_claim_carries_all_that_a_worker_needs(ada: Caller, wim: Machine) -> None:
    """The answer has the task, its lease and the times that the worker has to keep."""
    task_id = submit(ada, "uname -a", timeout=7000)
    told = wim.sync(free=1)
    (claimed,) = told.pop("tasks")
    assert told == {
        "cancel": [],
        "lost": [],
        "drain": False,
        "now": NOON,
        "leaseMs": LEASE_MS,
        "startMs": START_MS,
    }
    lease = claimed.pop("lease")
    assert claimed == {
        "taskId": task_id,
        "attempt": 1,
        "kind": "command",
        "payload": {"command": "uname -a"},
        "timeout": 7000,
        "leaseExpiresAt": NOON + START_MS,
        "submittedBy": "client:ada",
        "createdAt": NOON,
    }
    assert lease.startswith(f"{task_id}.1.")
    assert ada.get(f"/tasks/{task_id}").get_json()["state"] == "claimed"


def test_no_more_are_taken_than_are_free(ada: Caller, wim: Machine, wes: Machine) -> None:
    """A worker gets as many tasks as it has slots, another the rest, and nobody gets one twice."""
    ids = [submit(ada) for _ in range(5)]
    assert wim.sync(free=0)["tasks"] == []
    taken = [claim["taskId"] for machine in (wim, wes) for claim in machine.sync(free=3)["tasks"]]
    assert taken == ids


def test_a_worker_gets_only_kinds_and_labels_that_it_has(ada: Caller, wim: Machine) -> None:
    """A task waits for a worker with its kind and all of its labels."""
    submit(ada, labels=["os=macos"])
    ada.post("/files/read", {"path": "/x"})
    wim.kinds, wim.labels = ("command",), ("arch=arm",)
    assert wim.sync(free=9)["tasks"] == []
    wim.labels = ("arch=arm", "os=macos")
    assert [claim["kind"] for claim in wim.sync(free=9)["tasks"]] == ["command"]
    wim.kinds = ("command", "file-read")
    assert [claim["kind"] for claim in wim.sync(free=9)["tasks"]] == ["file-read"]


def test_a_parked_worker_is_woken_by_a_task(service: RunningService, ada: Caller, wim: Machine) -> None:
    """A submission wakes a worker that waits for it."""
    parked = service.parked(lambda: wim.sync(free=1, wait=HELD), workers=1)
    task_id = submit(ada)
    assert [claim["taskId"] for claim in parked.result(5)["tasks"]] == [task_id]


def test_one_task_wakes_the_one_that_waited_longest(
    service: RunningService, ada: Caller, wim: Machine, wes: Machine
) -> None:
    """Of two parked workers the first gets the first task and the other sleeps on."""
    first = service.parked(lambda: wim.sync(free=1, wait=HELD), workers=1)
    second = service.parked(lambda: wes.sync(free=1, wait=HELD), workers=1)
    submit(ada)
    assert len(first.result(5)["tasks"]) == 1
    assert not second.done()
    submit(ada)
    assert len(second.result(5)["tasks"]) == 1


def test_a_newer_sync_answers_the_older_at_once(service: RunningService, ada: Caller, wim: Machine) -> None:
    """Of one worker session one sync is held: the older one is answered empty and says why."""
    older = service.parked(lambda: wim.sync(free=1, wait=HELD), workers=1)
    newer = service.meanwhile(lambda: wim.sync(free=1, wait=HELD))
    told = older.result(5)
    assert (told["superseded"], told["tasks"]) == (True, [])
    until(lambda: service.inside.room.parked() == (1, 0))
    submit(ada)
    told = newer.result(5)
    assert len(told["tasks"]) == 1
    assert "superseded" not in told


def test_another_session_supersedes_nothing(service: RunningService, wim: Machine) -> None:
    """A second worker program of the same name does not answer the first one's sync."""
    parked = service.parked(lambda: wim.sync(free=1, wait=HELD), workers=1)
    wim.sync(session="second-life")
    assert not parked.done()
    service.inside.room.close()
    assert "superseded" not in parked.result(5)


def test_a_sync_renews_what_it_lists(service: RunningService, ada: Caller, wim: Machine) -> None:
    """A started attempt lives as long as its worker syncs, and no longer."""
    task_id = submit(ada)
    claimed = wim.start()
    for _ in range(4):
        service.pass_time(LEASE_MS - 1000)
        assert wim.sync()["lost"] == []
    assert service.state_of(task_id) == "running"
    service.pass_time(LEASE_MS)
    assert service.state_of(task_id) == "unknown"
    assert wim.sync()["lost"] == [claimed["lease"]]


def test_a_lost_lease_is_told_at_once(service: RunningService, wim: Machine) -> None:
    """A sync that lists a lease nobody knows is not held."""
    told = wim.sync(leases=["no-such-task.1.grant", "nonsense", ""], wait=HELD)
    assert told["lost"] == ["no-such-task.1.grant", "nonsense", ""]


def test_nobody_renews_anothers_lease(ada: Caller, wim: Machine, wes: Machine) -> None:
    """A lease in the hands of another worker is lost to it."""
    submit(ada)
    claimed = wim.start()
    assert wes.sync(leases=[claimed["lease"]])["lost"] == [claimed["lease"]]


def test_a_claim_that_was_not_received_goes_back_at_once(
    service: RunningService, ada: Caller, wim: Machine, wes: Machine
) -> None:
    """A worker whose next sync does not list a claim never got it: it is pending again, no attempt burned."""
    task_id = submit(ada)
    claimed = wim.claim()
    wim.sync(free=0, leases=[])
    assert service.state_of(task_id) == "pending"
    again = wes.claim()
    assert (again["taskId"], again["attempt"]) == (task_id, 1)
    (answer,) = wim.report(start(claimed))
    assert (answer["ok"], answer["code"]) == (False, "lease_lost")


def test_a_claim_that_was_not_received_comes_again(ada: Caller, wim: Machine) -> None:
    """The very sync that gives a claim back may take it anew, under another lease."""
    submit(ada)
    claimed = wim.claim()
    (again,) = wim.sync(free=1, leases=[])["tasks"]
    assert again["taskId"] == claimed["taskId"]
    assert again["lease"] != claimed["lease"]


def test_nothing_is_taken_back_while_an_answer_is_under_way(
    service: RunningService, ada: Caller, wim: Machine
) -> None:
    """With requests in flight that may bring claims, what is not listed stays the worker's."""
    task_id = submit(ada)
    wim.claim()
    wim.sync(leases=[], inFlight=1)
    assert service.state_of(task_id) == "claimed"


def test_a_started_attempt_is_not_taken_back(service: RunningService, ada: Caller, wim: Machine) -> None:
    """Not listing a running attempt does not end it: only time does."""
    task_id = submit(ada)
    wim.start()
    wim.sync(leases=[])
    assert service.state_of(task_id) == "running"


def test_a_claim_not_started_in_time_goes_back(service: RunningService, ada: Caller, wim: Machine) -> None:
    """After 15 seconds without a start the task is pending again, even if the worker syncs on."""
    task_id = submit(ada)
    claimed = wim.claim()
    service.pass_time(START_MS - 1)
    assert wim.sync()["lost"] == []
    assert service.state_of(task_id) == "claimed"
    service.pass_time(1)
    assert service.state_of(task_id) == "pending"
    assert wim.sync()["lost"] == [claimed["lease"]]


def test_what_goes_back_wakes_another_worker(
    service: RunningService, ada: Caller, wim: Machine, wes: Machine
) -> None:
    """A released claim is taken at once by a worker that waits."""
    task_id = submit(ada)
    wim.claim()
    parked = service.parked(lambda: wes.sync(free=1, wait=HELD), workers=1)
    wim.sync(free=0, leases=[])
    assert [claim["taskId"] for claim in parked.result(5)["tasks"]] == [task_id]


def test_a_lost_run_that_may_be_repeated_is_requeued(
    service: RunningService, ada: Caller, wim: Machine
) -> None:
    """Reading is harmless: after a lost lease it is pending for its second attempt."""
    task_id = ada.post("/files/read", {"path": "/x"}).get_json()["taskId"]
    wim.start()
    service.pass_time(LEASE_MS)
    assert service.state_of(task_id) == "pending"
    assert wim.claim()["attempt"] == 2


def test_a_worker_is_known_from_its_first_sync(service: RunningService, wim: Machine) -> None:
    """It is registered once for each session, not at every sync."""
    for _ in range(3):
        wim.sync()
    wim.sync(session="second-life")
    assert service.count_events("worker.registered") == 2


BAD: dict[str, dict[str, Any]] = {
    "no worker id": {"workerId": None},
    "a bad worker id": {"workerId": "a/b"},
    "an endless worker id": {"workerId": "x" * 65},
    "a worker id with a line break": {"workerId": "wim\n"},
    "no session": {"session": ""},
    "no kinds": {"kinds": None},
    "a kind that is none": {"kinds": ["Command"]},
    "too many slots": {"free": 65},
    "less than no slots": {"free": -1},
    "true slots": {"free": True},
    "leases of numbers": {"leases": [1]},
    "too many leases": {"leases": ["x"] * 1001},
    "a huge lease": {"leases": ["x" * 201]},
    "a label without value": {"labels": ["linux"]},
    "a wait that is none": {"wait": "long"},
    "an unknown field": {"freee": 1},
}


@pytest.mark.parametrize("said", BAD.values(), ids=BAD)
def test_what_makes_no_sense_is_refused(house: RunningService, said: dict[str, Any]) -> None:
    """A sync with a fault is 400 with a sentence, registers nobody and claims nothing."""
    before = house.count_events()
    response = Machine(house.as_(cast.WIM)).ask(**said)
    assert (response.status_code, response.get_json()["code"]) == (400, "invalid_request")
    assert house.count_events() == before


def test_one_session_runs_one_after_the_other(ada: Caller, wim: Machine, wes: Machine) -> None:
    """Of tasks with the same session the first unfinished one is handed out, to whomever."""
    first, second = submit(ada, sessionId="s"), submit(ada, sessionId="s")
    claims = wim.sync(free=5)["tasks"]
    assert [claim["taskId"] for claim in claims] == [first]
    assert wes.sync(free=5)["tasks"] == []
    wim.report(start(claims[0]), result(claims[0]))
    assert [claim["taskId"] for claim in wes.sync(free=5)["tasks"]] == [second]
