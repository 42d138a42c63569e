"""The one loop that asks the service for work, and hears what it has to say."""

import json
from collections.abc import Callable, Sequence

from worker import clock
from worker.callbacks.awaiting import Awaiting
from worker.client import Server
from worker.errors import Rejected, ServerTrouble
from worker.leases import Asking, Held
from worker.patience import Patience
from worker.replies import Replies
from worker.slots import Slots
from worker.witnessing import Witness

_FOREVER_S = 86400.0
_HURRIED_PAUSES_S = (0.1, 0.25, 0.5, 1.0, 2.0, 5.0)


class Syncing:
    """Keeps one sync parked at the service. Two threads call ``run``.

    Two, because a parked sync is replaced by sending a newer one, which makes the service answer the
    older: the second thread sends the newer while the first still waits. When to
    send what is decided by ``Slots`` alone.
    """

    def __init__(
        self,
        server: Server,
        slots: Slots,
        patience: Patience,
        witness: Witness,
        take: Callable[[Held], None],
        *,
        replies: Replies,
        sandboxes: Callable[[], Sequence[str]] = tuple,
        awaiting: Awaiting | None = None,
        **about: str | list[str],
    ) -> None:
        """Give each new claim to *take*, what people answered to *replies*, what ended to *awaiting*.

        *about* is what every sync says of this worker, *sandboxes* tells which of them it has at that time.
        """
        self._server = server
        self._slots = slots
        self._patience = patience
        self._witness = witness
        self._take = take
        self._sandboxes = sandboxes
        self._replies = replies
        self._awaiting = awaiting
        self._head = json.dumps(about)[:-1]
        self._hurried = 0

    def run(self) -> None:
        """Sync until the slots are at their end."""
        while (asking := self._slots.next_sync()) is not None:
            try:
                answer = self._server.sync(self._body(asking), wait=asking.wait)
            except (ServerTrouble, Rejected) as trouble:
                self._slots.unsynced(asking)
                self._witness.interrupted()
                self._hold_back(trouble)
                continue
            self._patience.succeeded("sync")
            fresh, news = self._slots.synced(asking, answer)
            for held in fresh:
                self._take(held)
            news |= self._replies.take(answer.answers)
            if self._awaiting is not None:
                news |= self._awaiting.heard(answer.ended)
            self._witness.answered(answer.checkpoint)
            self._mind_hurry(asking, news=news)

    def _body(self, asking: Asking) -> bytes:
        said = {
            "free": asking.offer,
            "leases": asking.leases,
            "cancelling": asking.cancelling,
            "inFlight": 0 if asking.settles else 1,
            "drain": asking.drained,
            "sandboxes": self._sandboxes(),
            "wait": round(asking.wait * 1000),
        }
        if heard := self._replies.heard():
            said["heard"] = heard
        if self._awaiting is not None and (awaited := self._awaiting.names()):
            said["awaiting"] = awaited
        size = self._witness.size_to_say()
        if size is not None:
            said["checkpoint"] = size
        return f"{self._head},{json.dumps(said)[1:]}".encode()

    def _hold_back(self, trouble: ServerTrouble | Rejected) -> None:
        """Let neither thread sync until it is worth another try."""
        self._slots.rest(_FOREVER_S)
        self._patience.wait(self._patience.failed("sync", trouble))
        self._slots.rest(0)

    def _mind_hurry(self, asking: Asking, *, news: bool) -> None:
        """Slow down when syncs come back early with nothing new: the service has no room to park them."""
        if news or clock.now() - asking.sent >= asking.wait / 2:
            self._hurried = 0
            return
        self._slots.rest(_HURRIED_PAUSES_S[min(self._hurried, len(_HURRIED_PAUSES_S) - 1)])
        self._hurried += 1
