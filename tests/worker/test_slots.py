"""The book of slots and leases."""

import pytest

from worker import clock
from worker import slots as slots_module
from worker.answers import Claim, ReportAnswer, SyncAnswer
from worker.leases import Asking
from worker.slots import Slots


class Clock:
    """A lease clock that tests move."""

    def __init__(self) -> None:
        self.time = 1000.0

    def now(self) -> float:
        """Give the time that was set."""
        return self.time


@pytest.fixture
def time(monkeypatch: pytest.MonkeyPatch) -> Clock:
    """Put a movable clock in place of the machine's."""
    moved = Clock()
    monkeypatch.setattr(clock, "now", moved.now)
    monkeypatch.setattr(slots_module, "STARTS_FIRST_S", 0.0)
    return moved


def claim(name: str) -> Claim:
    """Make a claim of the task *name*."""
    return Claim.model_validate(
        {
            "taskId": name,
            "attempt": 1,
            "lease": f"lease-{name}",
            "kind": "command",
            "payload": {},
            "timeout": 1,
        }
    )


def said_by(*tasks: str, **said: object) -> SyncAnswer:
    """Make the answer to a sync that brings these tasks."""
    answer = SyncAnswer.model_validate({"leaseMs": 60000, **said})
    return answer.model_copy(update={"tasks": [claim(name) for name in tasks]})


def synced(slots: Slots, *tasks: str, asking: Asking | None = None, **said: object) -> list[str]:
    """Answer a sync with these tasks; the lease is 60 s. Gives the tasks that were taken."""
    fresh, _ = slots.synced(asking or ask(slots), said_by(*tasks, **said))
    return [held.claim.task_id for held in fresh]


def ask(slots: Slots) -> Asking:
    """Get the sync that is due."""
    asking = slots.next_sync()
    assert asking is not None
    return asking


def told(*tasks: str) -> ReportAnswer:
    """Make the answer to a report that brings these tasks."""
    return ReportAnswer(results=[], tasks=[claim(name) for name in tasks])


def test_first_sync_does_not_wait(time: Clock) -> None:
    """The first sync learns how long leases are; later ones wait a third of that, at most 25 seconds."""
    slots = Slots(3)
    assert ask(slots).wait == 0
    slots = Slots(3)
    synced(slots)
    assert ask(slots).wait == 20
    slots = Slots(3)
    synced(slots, leaseMs=600000)
    assert ask(slots).wait == 25


def test_offer_is_what_is_free(time: Clock) -> None:
    """What is held is not offered, and is named."""
    slots = Slots(3)
    assert synced(slots, "a", "b") == ["a", "b"]
    asking = ask(slots)
    assert (asking.offer, asking.leases) == (1, ("lease-a", "lease-b"))


def test_starts_go_before_the_next_sync(time: Clock, monkeypatch: pytest.MonkeyPatch) -> None:
    """After claims the next sync waits a moment, until a report is answered; without claims it does not."""
    monkeypatch.setattr(slots_module, "STARTS_FIRST_S", 0.005)
    slots = Slots(3)
    synced(slots)
    asking = ask(slots)
    synced(slots, "a", asking=asking)
    assert slots._pause() == pytest.approx(0.005)  # noqa: SLF001 - next_sync() would wait so long
    slots.reported(slots.lend([]), told(), [])
    assert ask(slots).offer == 2


def test_more_than_was_offered_is_left_lying(time: Clock) -> None:
    """A service that hands out too much finds the rest not named."""
    slots = Slots(3)
    synced(slots, "a")
    assert synced(slots, "b", "c", "d") == ["b", "c"]
    ask(slots)
    lending = slots.lend(["lease-a"])
    assert [held.claim.task_id for held in slots.reported(lending, told("e", "f"), ["lease-a"])] == ["e"]


def test_parked_offer_is_left_alone(time: Clock) -> None:
    """While a sync that offers something is parked, reports offer nothing, and no other sync is due."""
    slots = Slots(3)
    synced(slots, "a", "b")
    ask(slots)
    lending = slots.lend(["lease-a"])
    assert lending.offer == 0
    assert slots.reported(lending, told(), ["lease-a"]) == []
    assert slots._pause() > 0  # noqa: SLF001 - next_sync() would wait for ever


def test_freed_slot_of_a_full_worker_is_offered_by_its_report(time: Clock) -> None:
    """With all slots in use the report offers what its results free, and may fill it."""
    slots = Slots(2)
    synced(slots, "a", "b")
    assert ask(slots).offer == 0
    lending = slots.lend(["lease-a"])
    assert lending.offer == 1
    assert [held.claim.task_id for held in slots.reported(lending, told("c"), ["lease-a"])] == ["c"]
    assert slots._pause() > 0  # noqa: SLF001 - full again: nothing to ask for


def test_slot_that_a_report_did_not_fill_is_offered_by_a_new_sync(time: Clock) -> None:
    """When the report brings nothing, the parked sync that offers nothing is replaced at once."""
    slots = Slots(2)
    synced(slots, "a", "b")
    ask(slots)
    slots.reported(slots.lend(["lease-a"]), told(), ["lease-a"])
    assert ask(slots).offer == 1


def test_unanswered_report_keeps_its_offer(time: Clock) -> None:
    """A sync that is sent while a report may bring claims does not offer its slots again."""
    slots = Slots(2)
    synced(slots, "a", "b")
    first = ask(slots)
    lending = slots.lend(["lease-a"])
    slots.unsynced(first)
    asking = ask(slots)
    assert (asking.offer, asking.settles, asking.leases) == (0, False, ("lease-a", "lease-b"))
    slots.unreported(lending)
    assert slots._unused() == 0  # noqa: SLF001 - untold, so still held


def test_claims_are_called_never_received_only_when_no_other_can_be_on_its_way(time: Clock) -> None:
    """The first sync settles what was before; then none does until an offer stays unanswered."""
    slots = Slots(2)
    first = ask(slots)
    assert first.settles
    assert slots.lend([]).offer == 0
    synced(slots, "a", "b", asking=first)
    parked = ask(slots)
    assert not parked.settles
    slots.unreported(slots.lend(["lease-a"]))
    settling = ask(slots)
    assert (settling.settles, settling.wait) == (True, 0)
    assert slots.lend(["lease-a"]).offer == 0
    synced(slots, asking=parked)
    synced(slots, asking=settling)
    assert not ask(slots).settles
    assert slots.lend(["lease-a"]).offer == 1


def test_lost_offer_of_a_sync_is_settled_by_the_next(time: Clock) -> None:
    """A sync that offered and got no answer may have been sent claims; the next gives them back."""
    slots = Slots(2)
    synced(slots)
    slots.unsynced(ask(slots))
    assert ask(slots).settles


def test_offer_in_the_way_is_replaced_before_settling(time: Clock) -> None:
    """With an offer still open a sync without one takes its place, and the one after that settles."""
    slots = Slots(2)
    synced(slots)
    older = ask(slots)
    time.time += 30
    newer = ask(slots)
    slots._unsettled = True  # noqa: SLF001 - as if an earlier offer had been lost only now
    synced(slots, asking=newer)
    replacing = ask(slots)
    assert (replacing.offer, replacing.settles) == (0, False)
    synced(slots, asking=older)
    assert ask(slots).settles


def test_replaced_sync_may_still_bring_claims(time: Clock) -> None:
    """A sync that is sent over another that offers leaves its offer out."""
    slots = Slots(2)
    synced(slots)
    assert ask(slots).offer == 2
    time.time += 30
    asking = ask(slots)
    assert (asking.offer, asking.settles) == (0, False)


def test_sync_is_repeated_after_the_machine_slept(time: Clock) -> None:
    """When a parked sync is long overdue by the clock that counts sleep, another is sent."""
    slots = Slots(1)
    synced(slots)
    asking = ask(slots)
    assert slots._pause() == asking.wait + 5  # noqa: SLF001 - how long it would be left
    time.time += 3600
    assert ask(slots).sent == time.time


def test_lease_is_trusted_from_the_sending_of_the_sync(time: Clock) -> None:
    """A renewal counts from when it was asked for, less a tenth; without one the lease is gone."""
    slots = Slots(1)
    (held,) = slots.synced(ask(slots), said_by("a"))[0]
    time.time += 50
    asking = ask(slots)
    time.time += 3
    assert not held.gone()
    synced(slots, asking=asking)
    time.time += 50
    assert not held.gone()
    time.time += 2
    assert held.gone()


def test_lost_lease_is_gone_and_no_longer_named(time: Clock) -> None:
    """What the service calls lost is stopped, and not asked about again."""
    slots = Slots(1)
    (held,) = slots.synced(ask(slots), said_by("a"))[0]
    synced(slots, lost=["lease-a"])
    assert held.gone()
    assert ask(slots).leases == ()


def test_cancellation_reaches_the_held(time: Clock) -> None:
    """A cancellation heard by a sync or a report marks the task, and is news once."""
    slots = Slots(2)
    first, second = slots.synced(ask(slots), said_by("a", "b"))[0]
    answer = said_by(cancel=["a", "unknown"])
    assert slots.synced(ask(slots), answer)[1]
    assert first.cancelled
    again = ask(slots)
    assert again.cancelling == ("a",)
    assert not slots.synced(again, answer)[1]
    slots.reported(slots.lend([]), ReportAnswer(results=[], cancel=["b"]), [])
    assert second.cancelled


def test_closed_book_offers_and_takes_nothing(time: Clock) -> None:
    """At the end a sync without an offer replaces the parked one, and late claims are left lying."""
    slots = Slots(2)
    synced(slots)
    parked = ask(slots)
    slots.close()
    assert ask(slots).offer == 0
    assert synced(slots, "late", asking=parked) == []
    assert slots.wait_empty(0)
    slots.end()
    assert slots.next_sync() is None


def test_claim_that_came_too_late_goes_back_at_once(time: Clock) -> None:
    """After a claim was left lying, one more sync tells the service that nothing is on the way."""
    slots = Slots(1)
    synced(slots)
    parked = ask(slots)
    slots.close()
    closing = ask(slots)
    assert synced(slots, "late", asking=parked) == []
    synced(slots, asking=closing)
    assert not slots.wait_unoffered(0)
    assert ask(slots).settles


def test_leases_of_an_earlier_life_take_no_slot(time: Clock) -> None:
    """They are named until their end has been told, and hold up the end of the worker."""
    slots = Slots(1)
    slots.keep("old")
    asking = ask(slots)
    assert (asking.offer, asking.leases) == (1, ("old",))
    assert not slots.wait_empty(0)
    slots.reported(slots.lend(["old"]), told(), ["old"])
    assert slots.wait_empty(0)
