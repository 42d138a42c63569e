"""The courier: tells the service what no run waits for, live output and the ends of earlier lives."""

import logging
from collections.abc import Callable
from queue import Empty, SimpleQueue

from worker import items
from worker.items import Ending
from worker.journal import Journal, Untold
from worker.output import Chunk
from worker.reporting import Outbox, Parcel
from worker.slots import Slots

log = logging.getLogger(__name__)

_MOST_CHUNKS = 100

INTERRUPTED = Ending(
    exit_code=-1,
    error="The worker stopped while this task was running; whether it finished is not known",
    reason="interrupted",
)


class Courier:
    """One thread of its own (``run``). Runs put chunks in ``queue`` and never wait for it."""

    def __init__(
        self,
        outbox: Outbox,
        journal: Journal,
        slots: Slots,
        *,
        told: Callable[[Untold, bool], None] = lambda _entry, _ran: None,
    ) -> None:
        """Call *told* for what earlier lives left, once it is told, and say whether it had ever run."""
        self.queue: SimpleQueue[Chunk | None] = SimpleQueue()
        self._outbox = outbox
        self._journal = journal
        self._slots = slots
        self._told = told

    def run(self, backlog: list[Untold]) -> None:
        """Tell what earlier lives left, then carry output until None comes through the queue."""
        for entry in backlog:
            self._tell_end(entry)
        while (chunk := self.queue.get()) is not None:
            self._carry(chunk)

    def _tell_end(self, entry: Untold) -> None:
        outcome = entry.outcome or items.result(entry.lease, INTERRUPTED, duration_ms=0)
        parcel = self._outbox.tell(Parcel(outcome.split(b"\n"), ends=entry.lease))
        if parcel.told:
            answer = parcel.answers[-1]
            # A no means that the service has given the lease up, or never said yes to its start.
            if answer.ok and entry.outcome is None:
                self._journal.started(entry.task_id, entry.attempt)
            self._journal.forget(entry.lease)
            self._told(entry, answer.ok or entry.outcome is not None)
            fields = {"task": entry.task_id, "answer": "ok" if answer.ok else answer.code}
            log.info("told the end of a task of an earlier life", extra={"fields": fields})
        elif parcel.rejected:
            self._slots.drop(entry.lease)

    def _carry(self, first: Chunk) -> None:
        chunks = [first]
        while len(chunks) < _MOST_CHUNKS:
            try:
                more = self.queue.get_nowait()
            except Empty:
                break
            if more is None:
                self.queue.put(None)
                break
            chunks.append(more)
        # What its run has taken back goes with the run's result.
        chunks = [chunk for chunk in chunks if not chunk.withdrawn]
        if chunks and self._outbox.tell(Parcel([chunk.item for chunk in chunks])).told:
            for chunk in chunks:
                chunk.told = True
