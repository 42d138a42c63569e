"""The tries of one sink: what waits to be sent, when, and what came of it."""

import heapq
import itertools
import logging
from dataclasses import dataclass

from worker.callbacks.ended import Ended
from worker.callbacks.sink import NotSent, Sink

log = logging.getLogger(__name__)

TRIES = 3
BETWEEN_S = 5.0
LONGEST_PAUSE_S = 900.0
"""Whoever asks for a longer pause is not waited for."""

_FOREVER = float("inf")


@dataclass(eq=False)
class Sending:
    """One end on its way to one sink, with the token that came with its task: it is kept nowhere else.

    *late* says that an earlier life of the worker should have sent it.
    """

    ended: Ended
    token: str | None
    late: bool = False
    tries: int = 0
    sent: bool = False
    error: str | None = None
    over: bool = False

    def __repr__(self) -> str:
        return f"Sending({self.ended.id})"


class Line:
    """What one sink has to send. Used by one thread, which says what time it is, in seconds of any clock."""

    def __init__(self, sink: Sink) -> None:
        self.sink = sink
        self._numbers = itertools.count()
        self._waiting: list[tuple[float, int, Sending]] = []
        self._not_before = 0.0

    def add(self, sending: Sending, *, now: float) -> None:
        """Take in what is to be sent as soon as may be."""
        heapq.heappush(self._waiting, (now, next(self._numbers), sending))

    def due_at(self) -> float:
        """Give the time of the next try; infinity while there is none."""
        return max(self._waiting[0][0], self._not_before) if self._waiting else _FOREVER

    def try_next(self, *, now: float) -> Sending | None:
        """Make the next try, if it is due, and give what was tried; it is ``over`` if no try comes after."""
        if self.due_at() > now:
            return None
        _, _, sending = heapq.heappop(self._waiting)
        sending.error = self.sink.refuses(sending.ended.channel)
        if sending.error is not None:
            sending.over = True
            return sending
        sending.tries += 1
        trouble = self._send(sending)
        sending.sent = trouble is None
        sending.over = trouble is None or not self._again(sending, trouble, now)
        return sending

    def _send(self, sending: Sending) -> NotSent | None:
        try:
            self.sink.send(sending.ended, sending.token)
        except NotSent as trouble:
            return trouble
        except Exception as fault:  # one message that a sink fails on must not take the others with it
            fields = {"sink": self.sink.name, "task": sending.ended.task_id}
            log.exception("sink failed", extra={"fields": fields})
            return NotSent(f"the sink failed: {type(fault).__name__}", again=False)
        return None

    def _again(self, sending: Sending, trouble: NotSent, now: float) -> bool:
        """Take in a failure; tell whether there will be another try."""
        sending.error = str(trouble)
        self._not_before = max(self._not_before, now + min(trouble.pause, LONGEST_PAUSE_S))
        if not trouble.again or sending.tries == TRIES or trouble.pause > LONGEST_PAUSE_S:
            return False
        self.add(sending, now=now + BETWEEN_S)
        return True
