"""The book of slots of a worker that is to claim nothing for a while."""

from __future__ import annotations

from worker.answers import ReportAnswer, SyncAnswer
from worker.leases import Asking
from worker.slots import Slots


def claim(name: str) -> dict[str, object]:
    """Make a claim of the task *name*."""
    told: dict[str, object] = {"taskId": name, "attempt": 1, "lease": f"lease-{name}"}
    return told | {"kind": "command", "payload": {}, "timeout": 1000}


def ask(slots: Slots) -> Asking:
    """Get the sync that is due."""
    asking = slots.next_sync()
    assert asking is not None
    return asking


def answer(slots: Slots, asking: Asking, *tasks: str) -> list[str]:
    """Answer a sync with these tasks and give those that were taken."""
    said = SyncAnswer.model_validate({"leaseMs": 60000, "tasks": [claim(name) for name in tasks]})
    fresh, _ = slots.synced(asking, said)
    return [held.claim.task_id for held in fresh]


def test_halted_worker_offers_nothing() -> None:
    """From the halt on neither syncs nor reports ask for claims; what is held is renewed."""
    slots = Slots(3)
    assert answer(slots, ask(slots), "a") == ["a"]
    slots.halt(on=True)
    asking = ask(slots)
    assert (asking.offer, asking.leases) == (0, ("lease-a",))
    lending = slots.lend(["lease-a"])
    assert lending.offer == 0
    assert slots.reported(lending, ReportAnswer(results=[]), ["lease-a"]) == []
    answer(slots, asking)
    slots.halt(on=False)
    assert ask(slots).offer == 3


def test_parked_offer_is_replaced_at_a_halt() -> None:
    """A sync that is parked with an offer is replaced by one without; what comes all the same goes back."""
    slots = Slots(1)
    answer(slots, ask(slots))
    parked = ask(slots)
    slots.halt(on=True)
    assert slots._pause() <= 0  # noqa: SLF001 - next_sync() would wait until the parked one is overdue
    replacing = ask(slots)
    assert (parked.offer, replacing.offer) == (1, 0)
    assert answer(slots, parked, "late") == []
    answer(slots, replacing)
    settling = ask(slots)
    assert (settling.settles, settling.leases, settling.wait) == (True, (), 0)
