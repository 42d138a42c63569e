"""What people answered to the questions of runs: from the thread that hears it to the one that waits."""

import threading
from collections import OrderedDict
from collections.abc import Callable, Sequence

from worker.answers import Reply

_KEPT = 200
"""More than the service ever tells of at one time, so none that it tells again is taken for new."""

_LOOK_S = 0.2


class Replies:
    """Any thread may call it; ``_come`` guards the replies, which are few."""

    def __init__(self) -> None:
        self._come = threading.Condition()
        self._by_question: OrderedDict[str, Reply] = OrderedDict()

    def take(self, replies: Sequence[Reply]) -> bool:
        """Take in what a sync told, and tell whether any of it is new."""
        with self._come:
            fresh = [reply for reply in replies if reply.approval not in self._by_question]
            self._by_question.update({reply.approval: reply for reply in fresh})
            while len(self._by_question) > _KEPT:
                self._by_question.popitem(last=False)
            if fresh:
                self._come.notify_all()
        return bool(fresh)

    def heard(self) -> list[str]:
        """List the questions whose answers are known here."""
        with self._come:
            return list(self._by_question)

    def wait(self, question: str, *, give_up: Callable[[], bool]) -> Reply | None:
        """Wait for the answer to a question; None when *give_up* says that it is of no use any more."""
        with self._come:
            while (reply := self._by_question.get(question)) is None:
                if give_up():
                    return None
                self._come.wait(_LOOK_S)
            return reply
