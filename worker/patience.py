"""How long to wait after the service did not answer, and what is said about it: once, not at every try."""

import logging
import random
import threading

from worker.errors import Refused, Rejected, ServerTrouble, WorkerError

log = logging.getLogger(__name__)


class Patience:
    """Full-jitter back-off for all who talk to the service; an outage is logged once, and its end once.

    Any thread may call it; ``_changed`` guards all fields. Callers are named, because one way of
    talking to the service may fail while the other works.
    """

    def __init__(self, *, first: float = 0.5, longest: float = 30.0, refused: float = 30.0) -> None:
        """Set how long to wait: at most *first* seconds, then twice as much, up to *longest*.

        After a refused token it is between half of *refused* and all of it.
        """
        self._first = first
        self._longest = longest
        self._refused = refused
        self._changed = threading.Condition()
        self._tries: dict[str, int] = {}
        self._said: set[type[WorkerError]] = set()
        self._recoveries = 0
        self._over = False

    def failed(self, caller: str, trouble: ServerTrouble | Rejected) -> float:
        """Take note of a failed call; give the seconds to wait before the next."""
        with self._changed:
            tries = self._tries[caller] = self._tries.get(caller, 0) + 1
            kind = Refused if isinstance(trouble, Refused) else WorkerError
            if kind not in self._said and (kind is Refused or not self._said):
                log.warning("trouble with the service, trying on", extra={"fields": {"error": str(trouble)}})
            self._said.add(kind)
        if isinstance(trouble, Refused):
            return self._refused * random.uniform(0.5, 1)  # noqa: S311 - spreads load, guards nothing
        longest = min(self._longest, self._first * 2 ** min(tries - 1, 30))
        asked = trouble.retry_after if isinstance(trouble, ServerTrouble) else None
        return max(random.uniform(0, longest), asked or 0)  # noqa: S311 - as above

    def succeeded(self, caller: str) -> None:
        """Take note of an answered call; whoever waits because of the outage tries again at once."""
        if caller not in self._tries:  # the common case takes no lock
            return
        with self._changed:
            self._tries.pop(caller, None)
            self._recoveries += 1
            if not self._tries:
                self._said.clear()
                log.warning("the service answers again")
            self._changed.notify_all()

    def wait(self, seconds: float) -> bool:
        """Wait so long, or until a nudge or the end of another's outage. False: the worker is at its end."""
        with self._changed:
            seen = self._recoveries
            self._changed.wait_for(lambda: self._over or self._recoveries != seen, seconds)
            return not self._over

    def nudge(self) -> None:
        """Let everybody who waits try again now."""
        with self._changed:
            self._recoveries += 1
            self._changed.notify_all()

    def end(self) -> None:
        """Let nobody wait any more."""
        with self._changed:
            self._over = True
            self._changed.notify_all()
