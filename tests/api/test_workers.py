"""GET /workers, POST /workers/:id/drain and /resume."""

from __future__ import annotations

import time

from app.domain.timing import ONLINE_MS
from tests.support import cast
from tests.support.asking import submit
from tests.support.machine import Machine
from tests.support.service import NOON, Caller, RunningService


def test_every_worker_ever_seen_is_listed(
    service: RunningService, ada: Caller, wim: Machine, wes: Machine
) -> None:
    """With what it can run, how much it holds, and whether it was seen lately."""
    submit(ada)
    wim.labels = ("os=linux",)
    wim.sync(free=3, name="Wim's laptop", sandboxes=["no-network"])
    service.clock.move(ONLINE_MS)
    wes.sync()
    told = {worker["workerId"]: worker for worker in ada.get("/workers").get_json()["workers"]}
    assert told["wim"] == {
        "workerId": "wim",
        "name": "Wim's laptop",
        "state": "active",
        "online": False,
        "kinds": list(wim.kinds),
        "labels": ["os=linux"],
        "version": "1",
        "free": 3,
        "held": 1,
        "sandboxes": ["no-network"],
        "firstSeenAt": NOON,
        "lastSeenAt": NOON,
    }
    assert told["wes"]["online"] is True


def test_a_worker_that_missed_the_resuming_is_told_at_once(service: RunningService, wim: Machine) -> None:
    """Drained and resumed within a moment, a worker that heard only the first is not left parked."""
    wim.sync(free=1)
    admin = service.as_(cast.MAX)
    admin.post("/workers/wim/drain")
    assert wim.sync(free=0)["drain"] is True
    admin.post("/workers/wim/resume")
    began = time.monotonic()
    assert wim.sync(free=0, drain=True, wait=20_000)["drain"] is False
    assert time.monotonic() - began < 5


def test_a_draining_worker_takes_nothing_new(service: RunningService, ada: Caller, wim: Machine) -> None:
    """It hears of it at once, keeps what it has, and is taken back by resume."""
    admin = service.as_(cast.MAX)
    submit(ada)
    claimed = wim.start()
    parked = service.parked(lambda: wim.sync(free=1, wait=25_000), workers=1)
    told = admin.post("/workers/wim/drain").get_json()
    assert (told["success"], told["workerId"], told["state"]) == (True, "wim", "draining")
    assert parked.result(5)["drain"] is True
    submit(ada)
    told = wim.sync(free=1)
    assert (told["tasks"], told["drain"], told["lost"]) == ([], True, [])
    assert wim.report({"type": "result", "lease": claimed["lease"], "exitCode": 0})[0]["ok"]
    wim.leases.clear()
    parked = service.parked(lambda: wim.sync(free=1, wait=25_000), workers=1)
    admin.post("/workers/wim/resume")
    told = parked.result(5)
    assert (told["drain"], len(told["tasks"])) == (False, 1)


def test_doing_it_twice_says_it_once(service: RunningService, wim: Machine) -> None:
    """A second drain is answered alike and is no second event."""
    wim.sync()
    admin = service.as_(cast.MAX)
    assert [admin.post("/workers/wim/drain").status_code for _ in range(2)] == [200, 200]
    assert service.count_events("worker.drained") == 1


def test_an_unknown_worker_is_not_found(service: RunningService) -> None:
    """It is 404 with its own code, whatever the id looks like."""
    for worker_id in ("nobody", "a/b/c", "%00", "..", "é"):
        response = service.as_(cast.MAX).post(f"/workers/{worker_id}/drain")
        assert (response.status_code, response.get_json()["code"]) == (404, "worker_not_found")


def test_a_worker_with_a_shared_token_is_told_apart_by_its_machine(service: RunningService) -> None:
    """Its id is the token's name and the machine's; drain takes it with the slash in it."""
    old = service.as_(cast.OLD)
    body = {"workerId": "laptop", "session": "s", "kinds": ["command"]}
    assert old.post("/worker/sync", body).status_code == 200
    told = service.as_(cast.MAX).post("/workers/shared/laptop/drain").get_json()
    assert told["workerId"] == "shared/laptop"
    assert old.post("/worker/sync", body).get_json()["drain"] is True
