"""What the worker holds and what it offers: leases, free slots, and when to ask for work anew."""

import threading
from collections.abc import Iterable

from worker import clock
from worker.answers import Claim, ReportAnswer, SyncAnswer
from worker.leases import Asking, Held, Lending

LONGEST_WAIT_S = 25.0
_OVERDUE_S = 5.0
_TICK_S = 5.0
_FIRST_LEASE_S = 60.0
STARTS_FIRST_S = 0.005
"""After claims the next sync waits so long for a report to be answered, so as not to get in its way."""

_TRUSTED = 0.9
"""Of the length of a lease: the service need not write each renewal, and no two clocks run alike."""


class Slots:
    """The one book of slots and leases; all threads of the worker write in it, under one lock.

    The rule: slots in use, offered by syncs and lent to reports are together never more than there
    are. A parked sync that offers at least one slot is left alone, whatever else frees up: as long as
    it is unanswered nothing waits for this worker. Only one that offers none is replaced when
    a slot frees. So an offer is never replaced, and none is ever counted twice. Reports offer
    the slots that their results free while the parked sync offers none.

    Claims whose answer was lost are given back by a sync that says ``inFlight`` 0 and does not name them. A
    report that offers may overtake a sync on the way, so a sync may say so only while no report offers:
    at the beginning, and after an offer that got no answer. Such a book is unsettled; one
    answered sync, which does not wait, settles it. All other syncs say 1.
    """

    def __init__(self, total: int, *, longest_wait: float = LONGEST_WAIT_S) -> None:
        self._total = total
        self._longest_wait = longest_wait
        self._changed = threading.Condition()
        self._held: dict[str, Held] = {}
        self._untold: set[str] = set()
        self._syncs: list[Asking] = []
        self._reports: list[Lending] = []
        self._lease_s = _FIRST_LEASE_S
        self._unsettled = True
        self._starts_first_until = 0.0
        self._not_before = 0.0
        self._drained = False
        self._halted = False
        self._closed = False
        self._over = False

    # Syncs

    def next_sync(self) -> Asking | None:
        """Wait until it is time to sync, and book that sync. None when the worker is over."""
        with self._changed:
            while not self._over:
                pause = self._pause()
                if pause <= 0:
                    return self._ask()
                self._changed.wait(min(pause, _TICK_S))
            return None

    def synced(self, asking: Asking, answer: SyncAnswer) -> tuple[list[Held], bool]:
        """Book the answer of a sync. Gives what is new to run, and whether the answer told anything new."""
        with self._changed:
            self._syncs.remove(asking)
            self._unsettled = self._unsettled and not asking.settles
            self._lease_s = answer.lease_ms / 1000
            news = bool(answer.tasks or answer.lost) or answer.superseded or answer.drain != self._drained
            self._drained = answer.drain
            for lease in asking.leases:
                self._renew(lease, asking.sent, lost=lease in answer.lost)
            news |= self._cancel(answer.cancel)
            fresh = self._take(answer.tasks[: asking.offer], asking.sent)
            self._starts_first_until = clock.now() + STARTS_FIRST_S if fresh else 0.0
            self._note_change()
            return fresh, news

    def unsynced(self, asking: Asking) -> None:
        """Book that a sync got no answer."""
        with self._changed:
            self._syncs.remove(asking)
            self._unsettled = self._unsettled or asking.offer > 0
            self._note_change()

    def rest(self, seconds: float) -> None:
        """Let no sync be sent for so long; zero ends such a rest."""
        with self._changed:
            self._not_before = clock.now() + seconds
            self._changed.notify_all()

    def halt(self, *, on: bool) -> None:
        """Take no claims from now on, or take them again. What runs goes on; claims on their way go back."""
        with self._changed:
            self._halted = on
            self._changed.notify_all()

    # Reports

    def lend(self, ending: Iterable[str]) -> Lending:
        """Book a report that ends the runs of these leases; ``offer`` is how many claims it may ask for."""
        with self._changed:
            lending = Lending(0, clock.now(), [lease for lease in ending if lease in self._held])
            if self._offering() and not self._unsettled and not any(sync.offer for sync in self._syncs):
                lending.offer = len(lending.ending)
                for lease in lending.ending:
                    self._held[lease].lent = True
            self._reports.append(lending)
            return lending

    def reported(self, lending: Lending, answer: ReportAnswer, ended: Iterable[str]) -> list[Held]:
        """Book the answer of a report, and that the runs of *ended* are told. Gives what is new to run."""
        with self._changed:
            self._reports.remove(lending)
            for lease in ended:
                self._held.pop(lease, None)
                self._untold.discard(lease)
            self._cancel(answer.cancel)
            self._starts_first_until = 0.0
            fresh = self._take(answer.tasks[: lending.offer], lending.sent)
            self._note_change()
            return fresh

    def unreported(self, lending: Lending) -> None:
        """Book that a report got no answer: its runs are not told, their slots not free."""
        with self._changed:
            self._reports.remove(lending)
            self._unsettled = self._unsettled or lending.offer > 0
            for lease in lending.ending:
                self._held[lease].lent = False
            self._note_change()

    # Leases

    def keep(self, lease: str) -> None:
        """Renew a lease of an earlier life until its end has been told; it takes no slot."""
        with self._changed:
            self._untold.add(lease)

    def drop(self, lease: str) -> None:
        """Let go of a lease that was not run, or whose end the service will not take; its slot is free."""
        with self._changed:
            self._held.pop(lease, None)
            self._untold.discard(lease)
            self._note_change()

    def is_over(self, held: Held) -> None:
        """Book that the run of *held* is over and its outcome noted."""
        with self._changed:
            held.over = True
            self._note_change()

    # The end

    def close(self) -> None:
        """Offer nothing any more, and tell the service so with one more sync."""
        with self._changed:
            self._closed = True
            self._changed.notify_all()

    def wait_idle(self, timeout: float) -> bool:
        """Wait until every run is over, at most *timeout* seconds. Call it when closed."""
        with self._changed:
            return self._changed.wait_for(lambda: all(held.over for held in self._held.values()), timeout)

    def wait_empty(self, timeout: float) -> bool:
        """Wait until all ends are told, those of earlier lives too, at most *timeout* seconds.

        Call it when closed.
        """
        with self._changed:
            return self._changed.wait_for(lambda: not self._held and not self._untold, timeout)

    def wait_unoffered(self, timeout: float) -> bool:
        """Wait until no offer is open and every claim left lying went back, at most *timeout* seconds.

        Call it when closed.
        """
        with self._changed:
            return self._changed.wait_for(lambda: not (self._unsettled or any(self._offers())), timeout)

    def end(self) -> None:
        """Let ``next_sync`` return None to whoever waits in it."""
        with self._changed:
            self._over = True
            self._changed.notify_all()

    # Under the lock

    def _note_change(self) -> None:
        # Waking a thread costs more than reckoning whether it would find anything to do.
        if self._closed or self._pause() <= 0:
            self._changed.notify_all()

    def _offering(self) -> bool:
        return not (self._closed or self._drained or self._halted)

    def _free(self) -> int:
        return self._unused() if self._offering() else 0

    def _unused(self) -> int:
        used = sum(not held.lent for held in self._held.values())
        return self._total - used - sum(self._offers())

    def _offers(self) -> list[int]:
        """List what each unanswered request offers."""
        return [sync.offer for sync in self._syncs] + [report.offer for report in self._reports]

    def _pause(self) -> float:
        """Seconds until the next sync; it is reckoned anew when anything changes, and every few seconds."""
        now = clock.now()
        if now < self._not_before:
            return self._not_before - now
        if not self._syncs:
            return self._starts_first_until - now
        if len(self._syncs) > 1:
            return _TICK_S
        parked = self._syncs[0]
        if self._is_outdated(parked):
            return 0
        # Still unanswered long after its time: the machine slept, and the connection is dead.
        return parked.sent + parked.wait + _OVERDUE_S - now

    def _is_outdated(self, parked: Asking) -> bool:
        if parked.settles:  # answered in a moment anyway
            return False
        if parked.offer:
            return self._closed or self._halted or self._unsettled
        return self._free() > 0 or self._can_settle()

    def _ask(self) -> Asking:
        settles = self._can_settle()
        asking = Asking(
            offer=self._free() if settles or not self._unsettled else 0,
            leases=(*(lease for lease, held in self._held.items() if not held.lost), *self._untold),
            cancelling=tuple(held.claim.task_id for held in self._held.values() if held.cancelled),
            settles=settles,
            wait=0.0 if settles else min(self._longest_wait, self._lease_s / 3),
            sent=clock.now(),
            drained=self._drained,
        )
        self._syncs.append(asking)
        return asking

    def _can_settle(self) -> bool:
        return self._unsettled and not any(self._offers())

    def _renew(self, lease: str, sent: float, *, lost: bool) -> None:
        held = self._held.get(lease)  # None when its end was told meanwhile
        if held is not None:
            held.lost = held.lost or lost
            held.expires = max(held.expires, self._known_until(sent))

    def _known_until(self, sent: float) -> float:
        return sent + self._lease_s * _TRUSTED

    def _cancel(self, task_ids: list[str]) -> bool:
        news = False
        for held in self._held.values():
            if held.claim.task_id in task_ids and not held.cancelled:
                held.cancelled = news = True
        return news

    def _take(self, claims: list[Claim], sent: float) -> list[Held]:
        if self._closed or self._halted:
            # Left lying: the sync that settles does not name them, so they go back at once.
            self._unsettled |= bool(claims)
            return []
        fresh = {claim.lease: Held(claim, self._known_until(sent)) for claim in claims}
        self._held |= fresh
        return list(fresh.values())
