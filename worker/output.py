"""The output of one run: kept in bounds, streamed while it comes, exact in every byte that is kept."""

import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from queue import SimpleQueue
from typing import Literal

from worker import items
from worker.masking.streams import SHAPES_ALONE, Masking

StreamName = Literal["stdout", "stderr"]

HEAD = 5 * 1024 * 1024
TAIL = 5 * 1024 * 1024
BEFORE_TAIL = 256 * 1024
"""So much is kept before the tail, since a secret may begin there."""

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
    """One stream, masked: its first HEAD bytes are streamed, of the rest the last TAIL bytes are kept.

    What lies between is never masked, since it is never shown: a flood costs no more than before.
    """

    def __init__(self, name: StreamName, masking: Masking, *, head: int, end: int) -> None:
        self.name = name
        self.head, self.end = head, end
        self.total = 0
        self.ready = bytearray()  # of the head, not handed out yet
        self._masking = masking
        self._mask = masking.stream()
        self._masked = 0
        self._given = 0  # bytes that came out of the mask so far
        self._over = bytearray()  # of them, what lies beyond the head
        self._raw: deque[bytes] = deque()
        self._raw_size = 0
        self._has_gap = False

    def add(self, data: bytes, masked: int | None) -> None:
        self.total += len(data)
        self._masked += masked or 0
        if self._given >= self.head:
            self._keep(data)
        elif masked is None:
            self._take_in(self._mask.feed(data))
        else:
            self._take_in(self._mask.feed(b"", last=True) + data)

    def take(self, *, least: int = 1) -> list[tuple[int, bytes]]:
        """Hand out what is ready, with offsets, in chunks; nothing while it is less than *least*."""
        if len(self.ready) < least:
            return []
        data, self.ready = bytes(self.ready), bytearray()
        return _cut(min(self._given, self.head) - len(data), data)

    def take_rest(self) -> list[tuple[int, bytes]]:
        """Hand out what is left, at the end of the stream."""
        raw = b"".join(self._raw)
        if self._has_gap:
            self._masked += self._mask.count
            self._mask = self._masking.stream()
            tail = self._mask.feed(raw, last=True)
        else:
            self._take_in(self._mask.feed(raw, last=True))
            tail = bytes(self._over)
        tail = tail[-self.end :]
        return self.take() + _cut(self.total - len(tail), tail)

    @property
    def masked(self) -> int:
        """How many secrets are masked."""
        return self._masked + self._mask.count

    def _take_in(self, data: bytes) -> None:
        room = max(0, self.head - self._given)
        self._given += len(data)
        self.ready += data[:room]
        self._over += data[room:]

    def _keep(self, data: bytes) -> None:
        self._raw.append(data)
        self._raw_size += len(data)
        while self._raw_size - len(self._raw[0]) >= self.end + BEFORE_TAIL:
            self._raw_size -= len(self._raw.popleft())
            self._has_gap = True


class Capture:
    """What one run writes. Used by the thread of that run alone; chunks leave through the courier's queue."""

    def __init__(
        self,
        lease: str,
        courier: "SimpleQueue[Chunk | None]",
        masking: Callable[[], Masking] = lambda: SHAPES_ALONE,
    ) -> None:
        """Mask everything with what *masking* gives when the first output comes."""
        self._lease = lease
        self._courier = courier
        self._masking = masking
        self._streams: dict[StreamName, _Stream] = {}
        self._sent: list[Chunk] = []
        self._due: float | None = None
        self._masked_elsewhere = 0
        self._head, self._end = HEAD, TAIL

    def keep(self, most: int | None) -> None:
        """Keep of each stream at most so many bytes, half of them of its end. Call it before any ``add``."""
        if most is not None and most < HEAD + TAIL:
            self._head = self._end = most // 2

    def add(self, name: StreamName, data: bytes, *, masked: int | None = None) -> None:
        """Take in *data*, the next bytes of a stream; as they are, if so many secrets are masked already."""
        stream = self._streams.get(name) or self._begin(name)
        stream.add(data, masked)
        if self._due is None:
            self._due = time.monotonic() + LATEST_S
        if len(stream.ready) >= CHUNK:
            self._hand_over(stream, least=CHUNK)

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
            left += [items.output(self._lease, stream.name, *piece) for piece in stream.take_rest()]
        return left

    @property
    def sizes(self) -> tuple[int, int]:
        """The real lengths of stdout and stderr in bytes."""
        return self._size("stdout"), self._size("stderr")

    def count_masked(self, count: int) -> None:
        """Take in that so many secrets are masked in what goes other ways."""
        self._masked_elsewhere += count

    @property
    def masked(self) -> int:
        """How many secrets are masked in both streams, and in what was counted besides."""
        return self._masked_elsewhere + sum(stream.masked for stream in self._streams.values())

    @property
    def truncated(self) -> bool:
        """Whether the middle of a stream was left out."""
        return any(stream.total > stream.head + stream.end for stream in self._streams.values())

    def _begin(self, name: StreamName) -> _Stream:
        stream = _Stream(name, self._masking(), head=self._head, end=self._end)
        return self._streams.setdefault(name, stream)

    def _size(self, name: StreamName) -> int:
        stream = self._streams.get(name)
        return 0 if stream is None else stream.total

    def _hand_over(self, stream: _Stream, *, least: int = 1) -> None:
        for offset, data in stream.take(least=least):
            chunk = Chunk(items.output(self._lease, stream.name, offset, data))
            self._sent.append(chunk)
            self._courier.put(chunk)


def _cut(offset: int, data: bytes) -> list[tuple[int, bytes]]:
    return [(offset + at, data[at : at + CHUNK]) for at in range(0, len(data), CHUNK)]
