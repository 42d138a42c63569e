"""How long to wait after the service did not answer, and what is said about it: once, not at every try."""

import logging
import random
import threading
import time
from collections.abc import Callable

from worker.errors import Refused, Rejected, ServerTrouble, WorkerError

log = logging.getLogger(__name__)

_SHARE = 0.1
"""Of the time that an outage has lasted: the longest pause in it, beyond the first ones."""

_LEAST = 0.2
"""Of the longest pause: the shortest. All that lies between is jitter."""


class Patience:
    """Jittered back-off for all who talk to the service; an outage is logged once, and its end once.

    Any thread may call it; ``_changed`` guards all fields. Callers are named, because one way of
    talking to the service may fail while the other works.
    """

    def __init__(
        self,
        *,
        first: float = 0.5,
        longest: float = 30.0,
        refused: float = 30.0,
        now: Callable[[], float] = time.monotonic,
    ) -> None:
        """Set how long to wait: at most *first* seconds, later a tenth of the outage, at most *longest*.

        So a restart of the service is over for the worker soon after it is over, and the pauses grow
        long only where that matters little. After a refused token it is between half of *refused* and
        all of it. The clock *now* stands still while the machine sleeps: sleep is no outage.
        """
        self._first = first
        self._longest = longest
        self._refused = refused
        self._now = now
        self._changed = threading.Condition()
        self._failing_since: dict[str, float] = {}
        self._said: set[type[WorkerError]] = set()
        self._recoveries = 0
        self._over = False

    def failed(self, caller: str, trouble: ServerTrouble | Rejected) -> float:
        """Take note of a failed call; give the seconds to wait before the next."""
        with self._changed:
            now = self._now()
            lasted = now - self._failing_since.setdefault(caller, now)
            kind = Refused if isinstance(trouble, Refused) else WorkerError
            if kind not in self._said and (kind is Refused or not self._said):
                log.warning("trouble with the service, trying on", extra={"fields": {"error": str(trouble)}})
            self._said.add(kind)
        if isinstance(trouble, Refused):
            return self._refused * random.uniform(0.5, 1)  # noqa: S311 - spreads load, guards nothing
        longest = min(self._longest, max(self._first, lasted * _SHARE))
        asked = trouble.retry_after if isinstance(trouble, ServerTrouble) else None
        return max(random.uniform(longest * _LEAST, longest), asked or 0)  # noqa: S311 - as above

    def succeeded(self, caller: str) -> None:
        """Take note of an answered call; whoever waits because of the outage tries again at once."""
        if caller not in self._failing_since:  # the common case takes no lock
            return
        with self._changed:
            self._failing_since.pop(caller, None)
            self._recoveries += 1
            if not self._failing_since:
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
