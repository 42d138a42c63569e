"""The output of one run: kept in bounds, streamed while it comes, exact in every byte that is kept."""

import time
from collections import deque
from dataclasses import dataclass
from queue import SimpleQueue
from typing import Literal

from worker import items

StreamName = Literal["stdout", "stderr"]

HEAD = 5 * 1024 * 1024
TAIL = 5 * 1024 * 1024
CHUNK = 64 * 1024
LATEST_S = 0.25
"""No byte waits longer than this before it is handed to the courier, and no chunk is larger than CHUNK."""


@dataclass
class Chunk:
    """One output item on its way. The courier sets *told*, the run sets *withdrawn*, both once."""

    item: bytes
    told: bool = False
    withdrawn: bool = False


class _Stream:
    """One stream: its first HEAD bytes are streamed, of the rest the last TAIL bytes are kept."""

    def __init__(self, name: StreamName) -> None:
        self.name = name
        self.head, self.end = HEAD, TAIL
        self.total = 0
        self.ready = bytearray()  # of the head, not handed out yet
        self.tail: deque[bytes] = deque()
        self.tail_size = 0

    def add(self, data: bytes) -> None:
        room = max(0, self.head - self.total)
        self.total += len(data)
        if room:
            self.ready += data[:room]
        if len(data) > room:
            self.tail.append(data[room:])
            self.tail_size += len(data) - room
            while self.tail_size - len(self.tail[0]) >= self.end:
                self.tail_size -= len(self.tail.popleft())

    def take(self, *, least: int = 1) -> list[tuple[int, bytes]]:
        """Hand out what is ready, with offsets, in chunks; nothing while it is less than *least*."""
        if len(self.ready) < least:
            return []
        data, self.ready = bytes(self.ready), bytearray()
        return _cut(min(self.total, self.head) - len(data), data)

    def take_tail(self) -> list[tuple[int, bytes]]:
        data = b"".join(self.tail)[-self.end :]
        return _cut(self.total - len(data), data)


class Capture:
    """What one run writes. Used by the thread of that run alone; chunks leave through the courier's queue."""

    def __init__(self, lease: str, courier: "SimpleQueue[Chunk | None]") -> None:
        self._lease = lease
        self._courier = courier
        self._streams: dict[StreamName, _Stream] = {"stdout": _Stream("stdout"), "stderr": _Stream("stderr")}
        self._sent: list[Chunk] = []
        self._due: float | None = None

    def keep(self, most: int | None) -> None:
        """Keep of each stream at most so many bytes, half of them of its end. Call it before any ``add``."""
        if most is not None and most < HEAD + TAIL:
            for stream in self._streams.values():
                stream.head = stream.end = most // 2

    def add(self, stream: StreamName, data: bytes) -> None:
        """Take in *data*, the next bytes of *stream*."""
        self._streams[stream].add(data)
        if self._due is None:
            self._due = time.monotonic() + LATEST_S
        if len(self._streams[stream].ready) >= CHUNK:
            self._hand_over(self._streams[stream], least=CHUNK)

    def note(self, item: bytes) -> None:
        """Take in an item that is told as output is: at once, or with the result at the latest."""
        chunk = Chunk(item)
        self._sent.append(chunk)
        self._courier.put(chunk)

    def flush(self) -> None:
        """Hand out what has waited long enough. To be called every LATEST_S while the run goes on."""
        if self._due is not None and time.monotonic() >= self._due:
            self._due = None
            for stream in self._streams.values():
                self._hand_over(stream)

    def finish(self) -> list[bytes]:
        """Give the items of all output that the service has not confirmed, ends of both streams included.

        What is on its way may be among them and be told twice; the service knows it by its offset.
        """
        left = []
        for chunk in self._sent:
            if not chunk.told:
                chunk.withdrawn = True
                left.append(chunk.item)
        for stream in self._streams.values():
            pieces = [*stream.take(), *stream.take_tail()]
            left += [items.output(self._lease, stream.name, offset, data) for offset, data in pieces]
        return left

    @property
    def sizes(self) -> tuple[int, int]:
        """The real lengths of stdout and stderr in bytes."""
        return self._streams["stdout"].total, self._streams["stderr"].total

    @property
    def truncated(self) -> bool:
        """Whether the middle of a stream was left out."""
        return any(stream.total > stream.head + stream.end for stream in self._streams.values())

    def _hand_over(self, stream: _Stream, *, least: int = 1) -> None:
        for offset, data in stream.take(least=least):
            chunk = Chunk(items.output(self._lease, stream.name, offset, data))
            self._sent.append(chunk)
            self._courier.put(chunk)


def _cut(offset: int, data: bytes) -> list[tuple[int, bytes]]:
    return [(offset + at, data[at : at + CHUNK]) for at in range(0, len(data), CHUNK)]
