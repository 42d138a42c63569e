"""Tasks that people were asked about: if they end without a run, the service says so, and a chat is told."""

import threading
from collections.abc import Callable, Sequence

from worker.answers import End
from worker.callbacks.ended import Ended

MOST = 100
"""So many are named in one sync; the others come later."""

Handing = Callable[[Ended, Sequence[str], str | None], None]
"""Sends an end by the sinks of these names, with the token that came with the task, if one did."""

_WITHOUT_RUN = {"denied", "cancelled", "expired"}


class Awaiting:
    """Any thread may call it; ``_lock`` guards what is awaited."""

    def __init__(self, hand_over: Handing, forget: Callable[[Ended, Sequence[str]], None]) -> None:
        """Give what ended without a run to *hand_over*, and what has nothing to be told to *forget*."""
        self._hand_over = hand_over
        self._forget = forget
        self._lock = threading.Lock()
        self._awaited: dict[str, tuple[Ended, Sequence[str], str | None]] = {}

    def add(self, begun: Ended, sinks: Sequence[str], token: str | None) -> None:
        """Wait for people's answer on a task."""
        with self._lock:
            known = self._awaited.get(begun.task_id, (begun, (), None))[1]
            self._awaited[begun.task_id] = (begun, [*known, *(set(sinks) - set(known))], token)

    def came_back(self, task_id: str) -> None:
        """Wait no more: the worker has the task again."""
        with self._lock:
            self._awaited.pop(task_id, None)

    def names(self) -> list[str]:
        """List the tasks to ask the service about, the oldest first."""
        with self._lock:
            return list(self._awaited)[:MOST]

    def heard(self, ends: Sequence[End]) -> bool:
        """Take in which of them are over, and tell whether any of that is new."""
        with self._lock:
            found = [(end, self._awaited.pop(end.task_id, None)) for end in ends]
        for end, awaited in found:
            if awaited is None:
                continue
            begun, sinks, token = awaited
            if end.state in _WITHOUT_RUN:
                update = {"status": end.state, "reason": end.state, "error": end.reason}
                self._hand_over(begun.model_copy(update=update), sinks, token)
            else:
                self._forget(begun, sinks)
        return any(awaited is not None for _, awaited in found)
