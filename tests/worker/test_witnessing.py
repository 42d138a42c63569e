"""The worker's witness against a server whose answers a test writes down."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from clawtrail.remembering import Memory
from tests.support.fake_server import FakeServer
from tests.support.history import History, plain
from tests.support.patience import until
from tests.support.scripted_server import Asked, Reply, ScriptedServer, page, reply
from tests.worker.conftest import StartWorker
from worker import witnessing
from worker.alarms import Alarms
from worker.client import Server
from worker.patience import Patience
from worker.reporting import Outbox
from worker.slots import Slots
from worker.witnessing import Witness

REAL = History()


@dataclass
class Desk:
    """A witness with its thread, what it says to the slots, and the server that it looks at."""

    server: ScriptedServer
    folder: Path
    witness: Witness
    slots: Slots

    @property
    def memory(self) -> Memory:
        """What the witness keeps."""
        return Memory(self.folder, self.server.url)

    @property
    def size(self) -> int:
        """The size that is remembered; 0 for none."""
        seen = self.memory.recall()
        return 0 if seen is None else seen.size

    @property
    def alarms(self) -> list[Path]:
        """The alarms that stand."""
        return Alarms(self.folder).standing()

    def looks(self, path: str = "/log/checkpoint") -> int:
        """How often the server was asked for *path*."""
        return len(self.server.asked_for(path))


@pytest.fixture
def server() -> Iterator[ScriptedServer]:
    """A server that says what the test writes down; it takes every report."""
    with ScriptedServer().running() as running:
        running.on("POST", "/worker/report", reply(200, {"results": [{"ok": True}]}))
        yield running


def start(server: ScriptedServer, folder: Path) -> Desk:
    """Put a witness together that compares as often as it can, and let it run."""
    slots, patience = Slots(1), Patience(first=0.01)
    client = Server(server.url, "token", version="1", proxy=None, ca_file=None)
    outbox = Outbox(client, slots, patience, worker_id="wim", session="s")
    witness = Witness(
        client,
        slots,
        outbox,
        Memory(folder, server.url),
        Alarms(folder),
        key=None,
        period=0.01,
        halts=True,
    )
    threading.Thread(target=witness.run, daemon=True).start()
    return Desk(server, folder, witness, slots)


@pytest.fixture
def desk(server: ScriptedServer, tmp_path: Path) -> Desk:
    """A witness that has seen the real record at 50 events."""
    REAL.serve(server, 50)
    desk = start(server, tmp_path)
    until(lambda: desk.witness.size_to_say() == 50)
    return desk


def offers(slots: Slots) -> int:
    """How many claims the next sync would ask for."""
    asking = slots.next_sync()
    assert asking is not None
    slots.unsynced(asking)
    return asking.offer


def test_sync_brings_a_larger_record(desk: Desk) -> None:
    """What a sync brings is compared and remembered, without asking for the checkpoint again."""
    desk.witness.answered(REAL.note(70))
    until(lambda: desk.size == 70)
    assert desk.looks() == 1
    assert not desk.alarms


def test_answer_that_comes_late_is_no_alarm(desk: Desk) -> None:
    """An older checkpoint from a sync that was answered out of order is asked about, and forgotten."""
    REAL.serve(desk.server, 80)
    desk.witness.answered(REAL.note(70))
    until(lambda: desk.size == 70)
    desk.witness.answered(REAL.note(60))
    until(lambda: desk.size == 80)
    assert not desk.alarms


def test_record_that_is_smaller_when_asked_is_an_alarm(desk: Desk) -> None:
    """What a sync brought is told as an alarm when the newest checkpoint is as small as that."""
    REAL.serve(desk.server, 40)
    desk.witness.answered(REAL.note(40))
    until(lambda: desk.alarms)
    until(lambda: desk.looks("/worker/report"))
    assert desk.server.asked_for("/worker/report")[0].json["items"] == [
        {
            "type": "alarm",
            "fault": "shrank",
            "reason": "The record shrank from 50 events to 40",
            "remembered": REAL.note(50),
            "shown": REAL.note(40),
        }
    ]
    assert desk.size == 50


def test_claims_stop_at_an_alarm(desk: Desk) -> None:
    """From the alarm on syncs offer nothing, and no size is named in them."""
    assert offers(desk.slots) == 1
    desk.witness.answered(History(branch="other", fork=10).note(70))
    until(lambda: desk.alarms)
    assert offers(desk.slots) == 0
    assert desk.witness.size_to_say() is None


def test_many_answers_make_one_comparison(desk: Desk) -> None:
    """While a comparison is under way only the newest of what is heard meanwhile is looked at."""
    gate, proofs = threading.Event(), []

    def slow(asked: Asked) -> Reply:
        proofs.append((asked.query["from"], asked.query["to"]))
        gate.wait(5)
        return REAL.proof(asked)

    desk.server.on("GET", "/log/proof/consistency", slow)
    desk.witness.answered(REAL.note(60))
    until(lambda: proofs)
    for size in range(61, 71):
        desk.witness.answered(REAL.note(size))
    gate.set()
    until(lambda: desk.size == 70)
    assert proofs == [("50", "60"), ("60", "70")]


@pytest.mark.parametrize(
    "answer", [reply(503, {"error": "no", "code": "storage_failed"}), page(200, "<p>"), plain("<p>" * 9999)]
)
def test_trouble_is_no_alarm(desk: Desk, answer: Reply) -> None:
    """A server that cannot prove its growth now is asked again, and a page of a proxy proves nothing."""
    desk.server.on("GET", "/log/proof/consistency", *[answer] * 5, REAL.proof)
    REAL.show(desk.server, 70)
    desk.witness.answered(REAL.note(70))
    until(lambda: desk.size == 70)
    assert desk.looks("/log/proof/consistency") == 6
    assert not desk.alarms


def test_refusing_the_proof_is_an_alarm(desk: Desk) -> None:
    """A server that signs a larger record and refuses three times to prove that it grew is not believed."""
    desk.server.on(
        "GET", "/log/proof/consistency", reply(404, {"error": "no such thing", "code": "beyond_record"})
    )
    REAL.show(desk.server, 70)
    desk.witness.answered(REAL.note(70))
    until(lambda: desk.alarms)
    assert desk.looks("/log/proof/consistency") == witnessing.REFUSALS
    assert "does not prove that its record grew from 50 events to 70" in desk.alarms[0].read_text()


def test_outage_makes_it_look_anew(desk: Desk) -> None:
    """After an outage no size is named until the record was looked at, which happens at the first answer."""
    desk.witness.interrupted()
    assert desk.witness.size_to_say() is None
    REAL.serve(desk.server, 60)
    desk.witness.answered(None)
    until(lambda: desk.size == 60)
    until(lambda: desk.witness.size_to_say() == 60)


def test_first_look_needs_the_key(server: ScriptedServer, tmp_path: Path) -> None:
    """With a key that is none nothing is remembered and nothing is alarmed, until there is one."""
    REAL.serve(server, 50)
    server.on("GET", "/log/key", plain("nonsense"), plain(str(REAL.signer.verifier)))
    desk = start(server, tmp_path)
    until(lambda: desk.size == 50)
    assert desk.looks("/log/key") == 2


def test_service_without_a_log_is_said_once(fake: FakeServer, start_worker: StartWorker) -> None:
    """A worker of a service that is too old says so once, names no size in its syncs, and runs tasks."""
    worker = start_worker(CLAWTRAIL_WORKER_WITNESS_PERIOD="0.1", CLAWTRAIL_WORKER_WAIT="100")
    assert fake.ended(fake.submit(command="true"))["exitCode"] == 0
    before = len(fake.told("/worker/sync"))
    fake.until(lambda: len(fake.told("/worker/sync")) > before + 5)
    assert worker.messages().count("the service does not show its record") == 1
    assert not any("checkpoint" in body for body in fake.told("/worker/sync"))
