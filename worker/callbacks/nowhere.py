"""Stands in for a sink that is not there, so that what was asked for in vain is on the record."""

from worker.callbacks.ended import Ended
from worker.callbacks.sink import NotSent


class Nowhere:
    """Refuses every channel, and says why."""

    def __init__(self, name: str, why: str) -> None:
        self.name = name
        self._why = why

    def refuses(self, _channel: str) -> str | None:
        """Refuse every channel."""
        return self._why

    def send(self, _ended: Ended, _token: str | None) -> None:
        """Send nothing. Raises ``NotSent``."""
        raise NotSent(self._why, again=False)
