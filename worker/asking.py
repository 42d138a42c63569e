"""Questions from inside a run: put to people by the outbox, answered by a sync, and no whenever in doubt."""

import time
from collections.abc import Callable

from worker.orders import Decision
from worker.replies import Replies
from worker.reporting import Outbox, Parcel

LONGEST_S = 31 * 60
"""The service closes a question after 30 minutes and tells so; this is for when it does not."""

UNSIGNED = "this worker takes signed answers only, and answers to questions of runs are not signed"


class Asker:
    """Asks people. Any thread may call ``ask``."""

    def __init__(self, outbox: Outbox, replies: Replies | None) -> None:
        """Without *replies* nobody is asked: where a yes has to be signed, none that comes so counts."""
        self._outbox = outbox
        self._replies = replies

    def ask(self, question: bytes, *, is_over: Callable[[], bool]) -> Decision:
        """Put an item of ``items.question`` to people and wait; when *is_over* the answer is no."""
        if self._replies is None:
            return Decision(allowed=False, why=UNSIGNED)
        until = time.monotonic() + LONGEST_S

        def give_up() -> bool:
            return is_over() or time.monotonic() > until

        parcel = self._outbox.tell(Parcel([question], give_up=give_up))
        if not parcel.told:
            return Decision(allowed=False, why="the question did not reach the service")
        asked = parcel.answers[0]
        if not asked.ok or asked.approval is None:
            return Decision(allowed=False, why=f"the service does not put the question: {asked.error}")
        reply = self._replies.wait(asked.approval, give_up=give_up)
        if reply is None:
            return Decision(allowed=False, why="the run ended before there was an answer")
        said = f": {reply.comment}" if reply.comment else ""
        return Decision(allowed=reply.decision == "allow", why=f"people said {_WORDS[reply.decision]}{said}")


_WORDS = {"allow": "yes", "deny": "no"}
