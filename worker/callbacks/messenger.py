"""Makes the callbacks: one thread for each sink, each outcome on the record."""

import logging
import threading
import time
from collections.abc import Callable, Iterable, Sequence
from queue import Empty, SimpleQueue

from pydantic import ValidationError

from worker import items
from worker.answers import Claim
from worker.callbacks.awaiting import Awaiting
from worker.callbacks.callback import Callback, no_callback, wanted
from worker.callbacks.ended import AWAITING, Ended
from worker.callbacks.line import Line, Sending
from worker.callbacks.nowhere import Nowhere
from worker.callbacks.sink import Sink
from worker.errors import JournalFailed
from worker.journal import CallbackNote, Journal, Untold
from worker.reporting import Outbox, Parcel

log = logging.getLogger(__name__)

_LONGEST_WAIT_S = 60.0
_LATE = "the worker stopped before this was sent, and keeps no token that comes with a task; "


class Messenger:
    """Any thread may hand over; a thread for each sink sends. ``_changed`` guards ``_fresh``."""

    def __init__(self, sinks: Iterable[Sink], journal: Journal, outbox: Outbox) -> None:
        self._lines: dict[str, Line] = {}
        self._queues: dict[str, SimpleQueue[Sending | None]] = {}
        for sink in sinks:
            self._open(sink)
        self._chosen = list(self._lines)
        self._journal = journal
        self._outbox = outbox
        self._changed = threading.Condition()
        self._fresh: set[Sending] = set()
        self._left: list[CallbackNote] = []
        self.awaiting = Awaiting(self._hand_over, self._forget_all)

    def of(self, claim: Claim, token: str | None) -> Callback:
        """Begin the callback of a task, by the sinks that can reach its channel; without one, by all."""
        begun = wanted(claim)
        self.awaiting.came_back(claim.task_id)
        if begun is None:
            return no_callback(claim, token)
        fitting = [name for name in self._chosen if self._lines[name].sink.refuses(begun.channel) is None]
        names = fitting or self._chosen
        return Callback(begun, names, token, tell=self._hand_over, wait=self.awaiting.add)

    def threads(self) -> dict[str, Callable[[], None]]:
        """Give what the thread of each sink has to run, under the names for these threads."""
        return {f"callback-{name}": lambda name=name: self._run(name) for name in self._lines}  # type: ignore[misc]

    def take_up(self, notes: Iterable[CallbackNote], *, untold: Iterable[Untold]) -> None:
        """Send what earlier lives did not; what is *untold* to the service, only with ``go_on``.

        Call it before the threads begin.
        """
        later = {(entry.task_id, entry.attempt) for entry in untold}
        for note in notes:
            if note.sink not in self._lines:
                self._open(Nowhere(note.sink, "this worker has no such sink any more"))
            if (note.task_id, note.attempt) in later:
                self._left.append(note)
            else:
                self._resume(note)

    def go_on(self, entry: Untold, ran: bool) -> None:  # noqa: FBT001 - as the courier says it
        """Send what an earlier life left of an attempt whose end is told now; nothing if it never *ran*."""
        attempt = (entry.task_id, entry.attempt)
        for note in [note for note in self._left if (note.task_id, note.attempt) == attempt]:
            self._left.remove(note)
            if ran:
                self._resume(note)
            else:
                self._forget(note.task_id, note.attempt, note.sink)

    def wait_tried(self, timeout: float) -> bool:
        """Wait until everything was tried once, at most *timeout* seconds."""
        with self._changed:
            return self._changed.wait_for(lambda: not self._fresh, timeout)

    def close(self) -> None:
        """Let the threads end. What is not sent stays in the journal."""
        for queue in self._queues.values():
            queue.put(None)

    def _open(self, sink: Sink) -> None:
        self._lines[sink.name], self._queues[sink.name] = Line(sink), SimpleQueue()

    def _hand_over(
        self, ended: Ended, sinks: Sequence[str], token: str | None, *, late: bool = False
    ) -> None:
        for name in sinks:
            sending = Sending(ended, token, late=late)
            with self._changed:
                self._fresh.add(sending)
            self._queues[name].put(sending)

    def _resume(self, note: CallbackNote) -> None:
        try:
            ended = Ended.model_validate_json(note.ended)
        except ValidationError:  # of another version
            ended = Ended(task_id=note.task_id, attempt=note.attempt, kind="", channel="")
        if ended.status == AWAITING:
            self.awaiting.add(ended, [note.sink], None)
            return
        self._hand_over(ended, [note.sink], None, late=True)

    def _run(self, name: str) -> None:
        line, queue = self._lines[name], self._queues[name]
        while True:
            try:
                pause = line.due_at() - time.monotonic()
                sending = queue.get(timeout=min(max(pause, 0.0), _LONGEST_WAIT_S))
            except Empty:
                pass
            else:
                if sending is None:
                    return
                line.add(sending, now=time.monotonic())
            tried = line.try_next(now=time.monotonic())
            if tried is not None:
                self._tried(name, tried)

    def _tried(self, name: str, tried: Sending) -> None:
        if tried.over:
            self._tell(name, tried)
        with self._changed:
            self._fresh.discard(tried)
            self._changed.notify_all()

    def _tell(self, name: str, done: Sending) -> None:
        """Put on the record what came of it, then forget it."""
        error = f"{_LATE}{done.error}" if done.late and done.error else done.error
        task_id = done.ended.task_id
        item = items.callback(task_id, sent=done.sent, sink=name, tries=done.tries, error=error)
        fields = {"task": task_id, "sink": name, "tries": done.tries}
        if done.sent:
            log.info("callback sent", extra={"fields": fields})
        else:
            log.warning("callback failed", extra={"fields": fields | {"error": error}})
        if self._outbox.tell(Parcel([item])).told:
            self._forget(task_id, done.ended.attempt, name)

    def _forget_all(self, begun: Ended, _sinks: Sequence[str]) -> None:
        self._journal.no_callbacks(begun.task_id, begun.attempt)

    def _forget(self, task_id: str, attempt: int, sink: str) -> None:
        try:
            self._journal.callback_told(task_id, attempt, sink)
        except JournalFailed:  # then it is told once more by the next life
            log.exception("callback not forgotten", extra={"fields": {"task": task_id, "sink": sink}})
