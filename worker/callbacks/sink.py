"""What every sink is: a way to tell an end, and how it says that it could not."""

from typing import Protocol

from worker.callbacks.ended import Ended


class NotSent(Exception):
    """This try failed; the sentence holds no secret.

    *again* says whether another try may help. *pause* are the seconds that the other side asked for, during
    which this sink sends nothing at all.
    """

    def __init__(self, why: str, *, again: bool = True, pause: float = 0.0) -> None:
        super().__init__(why)
        self.again = again
        self.pause = pause


class Sink(Protocol):
    """One way to tell an end. Used by one thread."""

    @property
    def name(self) -> str:
        """Its name in settings and on the record."""

    def refuses(self, channel: str) -> str | None:
        """Say why nothing can be sent to *channel*, which a client named; None if it can."""

    def send(self, ended: Ended, token: str | None) -> None:
        """Tell *ended*, with the *token* that came with the task where there is one. Raises ``NotSent``."""
