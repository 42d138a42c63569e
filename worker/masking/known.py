"""Masks known values in a stream: all their forms, however the stream is cut into chunks."""

import sys
from bisect import bisect_right
from collections.abc import Iterable
from itertools import compress
from typing import Literal

from worker.masking.forms import LEAST_BYTES, forms_of, frayed_forms_of

MASK = b"*"
_BASE64 = frozenset(b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/-_")
_HEAD = 4

Span = tuple[int, int]


class _Blocks:
    """Finds patterns by the aligned blocks of data that lie in them.

    Whatever is at least twice as long as a block, less one byte, has a whole aligned block in it, which
    begins at one of its first bytes. So data is looked at once, however many patterns there are.
    """

    def __init__(self, width: int, code: Literal["I", "Q"], patterns: Iterable[bytes]) -> None:
        self._width = width
        self._code = code
        self._at: dict[int, list[tuple[bytes, int]]] = {}
        for pattern in patterns:
            for offset in range(width):
                block = int.from_bytes(pattern[offset : offset + width], sys.byteorder)
                self._at.setdefault(block, []).append((pattern, offset))

    def find(self, data: bytes) -> list[tuple[int, bytes]]:
        if not self._at:
            return []
        count = len(data) // self._width
        blocks = memoryview(data)[: count * self._width].cast(self._code)
        if self._at.keys().isdisjoint(blocks):
            return []
        hits = compress(range(count), map(self._at.__contains__, blocks))
        found = []
        for hit in hits:
            for pattern, offset in self._at[blocks[hit]]:
                start = hit * self._width - offset
                if start >= 0 and data.startswith(pattern, start):
                    found.append((start, pattern))
        return found


class Known:
    """The forms of all values, ready to be looked for. Threads may share it."""

    def __init__(self, values: Iterable[str]) -> None:
        """Take *values*; those that are too short are left out."""
        plain: set[bytes] = set()
        self._frayed: set[bytes] = set()
        for value in values:
            plain |= forms_of(value)
            self._frayed |= frayed_forms_of(value)
        patterns = plain | self._frayed
        self._long = _Blocks(8, "Q", (one for one in patterns if len(one) >= 15))
        self._short = _Blocks(4, "I", (one for one in patterns if len(one) < 15))
        self.longest = max(map(len, patterns), default=0)
        # A form that may be followed by one more character is open until that is there.
        self._stems = sorted(plain | {form + b"=" for form in self._frayed})
        self._heads = frozenset(form[:size] for form in patterns for size in range(1, _HEAD + 1))

    def __bool__(self) -> bool:
        """Tell whether there is anything to look for."""
        return self.longest > 0

    def spans(self, data: bytes) -> list[Span]:
        """Give where *data* has a form of a value, in order; what overlaps is one."""
        found = []
        for start, pattern in self._long.find(data) + self._short.find(data):
            end = start + len(pattern)
            if pattern in self._frayed and end < len(data) and data[end] in _BASE64:
                end += 1
            found.append((start, end))
        return merged(found)

    def open_from(self, data: bytes) -> int:
        """Give where a form begins that *data* ends in the middle of; else the length of *data*."""
        for at in range(max(0, len(data) - self.longest), len(data)):
            if data[at : at + _HEAD] in self._heads and self._is_begun(data[at:]):
                return at
        return len(data)

    def _is_begun(self, rest: bytes) -> bool:
        at = bisect_right(self._stems, rest)
        return at < len(self._stems) and self._stems[at].startswith(rest)


class KnownStream:
    """One stream from which known values are masked. *count* is how many were."""

    def __init__(self, known: Known) -> None:
        self._known = known
        self._held = b""
        self._covered = 0  # of the bytes held, so many are known to be part of a value
        self.count = 0

    def feed(self, data: bytes, *, last: bool = False) -> bytes:
        """Take the next bytes, and give those that are decided: each byte of a value as ``*``."""
        data = self._held + data
        spans = self._known.spans(data)
        cut = len(data) if last else self._known.open_from(data)
        begun = [span for span in spans if span[0] < cut]
        self.count += sum(1 for span in begun if span[0] >= self._covered)
        covered = merged([*begun, (0, self._covered)]) if self._covered else begun
        self._held = data[cut:]
        self._covered = max(0, covered[-1][1] - cut) if covered else 0
        return masked(data[:cut], covered)


def merged(spans: Iterable[Span]) -> list[Span]:
    """Give *spans* in order, those that overlap as one."""
    result: list[Span] = []
    for start, end in sorted(spans):
        if result and start < result[-1][1]:
            result[-1] = (result[-1][0], max(result[-1][1], end))
        else:
            result.append((start, end))
    return result


def masked(data: bytes, spans: Iterable[Span]) -> bytes:
    """Give *data* with each byte of *spans* as ``*``; they may end beyond it."""
    parts, at = [], 0
    for start, end in spans:
        stop = min(end, len(data))
        if start < stop:
            parts += [data[at:start], MASK * (stop - start)]
            at = stop
    return b"".join([*parts, data[at:]]) if parts else data


assert LEAST_BYTES >= 2 * _HEAD - 1  # noqa: S101 - what _Blocks rests on
