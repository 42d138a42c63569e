"""The outbox: everything that the worker has to tell leaves through it, whatever waits goes together."""

import json
import logging
from collections.abc import Callable

from worker.answers import ItemAnswer, ReportAnswer
from worker.batching import Crew, Job
from worker.client import Server
from worker.errors import BadAnswer, Rejected, ServerTrouble
from worker.items import is_newer
from worker.leases import Held
from worker.patience import Patience
from worker.slots import Slots

log = logging.getLogger(__name__)

MOST_BYTES = 3 * 1024 * 1024
"""Of items in one report; the service takes bodies of 5 MiB."""

MOST_ITEMS = 500


class Parcel(Job):
    """Items that belong together, told in their order. After ``tell``, *answers* has one answer for each.

    Fewer answers than items mean that the rest was not told: the worker is at its end, the
    service will not take it (``rejected``), or *give_up* said that it is of no use any more.
    """

    def __init__(
        self, items: list[bytes], *, ends: str | None = None, give_up: Callable[[], bool] | None = None
    ) -> None:
        """Pack *items*; *ends* is the lease whose run the last of them ends."""
        super().__init__()
        self.items = items
        self.ends = ends
        self.give_up = give_up or (lambda: False)
        self.answers: list[ItemAnswer] = []
        self.rejected = False
        self.brought: Held | None = None
        """A claim that came with the answer, to be run in the slot that this parcel freed."""

    def leave_out_newer(self) -> bool:
        """Take out what an older service may not know, and tell whether there was any."""
        done = len(self.answers)
        kept = [item for item in self.items[done:] if not is_newer(item)]
        left_out = len(self.items) - done - len(kept)
        self.items[done:] = kept
        return left_out > 0

    @property
    def told(self) -> bool:
        """Whether every item has its answer."""
        return len(self.answers) == len(self.items)


class Outbox:
    """Sends parcels, as one request at a time; any thread may call ``tell``.

    A thread that finds nobody sending sends at once, its own parcel and what else waits. There is no
    thread between a task and the service, and the busier the worker, the more goes in one request.
    """

    def __init__(
        self, server: Server, slots: Slots, patience: Patience, *, worker_id: str, session: str
    ) -> None:
        self._server = server
        self._slots = slots
        self._patience = patience
        self._head = json.dumps({"workerId": worker_id, "session": session})[:-1].encode()
        self._crew: Crew[Parcel] = Crew(self._deliver)

    def tell(self, parcel: Parcel) -> Parcel:
        """Send *parcel* until the service has answered it, however long that takes, and give it back.

        Only the end of the worker, a rejection, or the parcel's own *give_up* end the trying.
        """
        self._crew.do(parcel)
        return parcel

    def _deliver(self, parcels: list[Parcel]) -> None:
        one_by_one = False
        while parcels := [parcel for parcel in parcels if self._is_open(parcel)]:
            chosen = _fitting(parcels[:1] if one_by_one else parcels)
            try:
                self._send(chosen)
                self._patience.succeeded("report")
            except Rejected as error:
                if (one_by_one or len(chosen) == 1) and not chosen[0][0].leave_out_newer():
                    self._reject(chosen[0][0], error)
                one_by_one = True  # one of them is bad: let it not stand in the way of the others
            except ServerTrouble as error:
                if not self._patience.wait(self._patience.failed("report", error)):
                    return

    def _is_open(self, parcel: Parcel) -> bool:
        if parcel.told or parcel.rejected or (not parcel.answers and parcel.give_up()):
            self._crew.finish(parcel)
            return False
        return True

    def _send(self, chosen: list[tuple[Parcel, int]]) -> None:
        ended = [
            p.ends for p, count in chosen if p.ends is not None and len(p.answers) + count == len(p.items)
        ]
        lending = self._slots.lend(ended)
        items = [item for p, count in chosen for item in p.items[len(p.answers) : len(p.answers) + count]]
        body = b'%s,"free":%d,"items":[%s]}' % (self._head, lending.offer, b",".join(items))
        try:
            answer = self._server.report(body)
            if len(answer.results) != len(items):
                raise BadAnswer(f"{len(answer.results)} answers to {len(items)} items")
        except (ServerTrouble, Rejected):
            self._slots.unreported(lending)
            raise
        self._settle(chosen, answer, self._slots.reported(lending, answer, ended))

    def _settle(self, chosen: list[tuple[Parcel, int]], answer: ReportAnswer, brought: list[Held]) -> None:
        results = iter(answer.results)
        for parcel, count in chosen:
            parcel.answers += [next(results) for _ in range(count)]
            if parcel.ends is not None and parcel.told and brought:
                parcel.brought = brought.pop()
            if parcel.told:
                self._crew.finish(parcel)

    def _reject(self, parcel: Parcel, error: Rejected) -> None:
        parcel.rejected = True
        log.error("the service will not take a report", extra={"fields": {"error": str(error)}})


def _fitting(parcels: list[Parcel]) -> list[tuple[Parcel, int]]:
    """Choose how many open items of each parcel go into the next request: in order, at least one in all."""
    chosen: list[tuple[Parcel, int]] = []
    size = items = 0
    for parcel in parcels:
        count = 0
        for item in parcel.items[len(parcel.answers) :]:
            if items and (size + len(item) > MOST_BYTES or items == MOST_ITEMS):
                break
            size += len(item)
            items += 1
            count += 1
        if count:
            chosen.append((parcel, count))
        if len(parcel.answers) + count < len(parcel.items):
            break
    return chosen
