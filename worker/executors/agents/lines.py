"""The stream of an agent: one JSON object a line, and whatever else it may print."""

import json
from collections.abc import Iterator

from worker.executors.agents.story import Event

MOST_LINE = 64 * 1024 * 1024
"""A longer line is passed over: an answer is one line, and no answer of use is longer."""


class Lines:
    """Makes events of bytes as they come. Used by one thread. *broken* counts lines that are no object."""

    def __init__(self) -> None:
        self.broken = 0
        self._parts: list[bytes] = []
        self._size = 0

    def feed(self, data: bytes) -> Iterator[Event]:
        """Take in the next bytes, and give the events that they complete."""
        *ends, rest = data.split(b"\n")
        for end in ends:
            self._add(end)
            yield from self.finish()
        self._add(rest)

    def finish(self) -> Iterator[Event]:
        """Take what there is as a whole line: the last one need not have an end."""
        line, size = b"".join(self._parts).strip(), self._size
        self._parts, self._size = [], 0
        if not size:
            return
        event = _object(line) if size <= MOST_LINE else None
        if event is not None:
            yield event
        elif line or size > MOST_LINE:
            self.broken += 1

    def _add(self, part: bytes) -> None:
        self._size += len(part)
        if self._size > MOST_LINE:
            self._parts = []
        elif part:
            self._parts.append(part)


def _object(line: bytes) -> Event | None:
    try:
        event = json.loads(line)
    except (ValueError, RecursionError):
        return None
    return event if isinstance(event, dict) else None
