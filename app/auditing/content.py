"""Comparing kept output with the digests that outcomes hold of it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from hashlib import sha256
from typing import Any

from app.auditing.faults import Faults
from app.auditing.scanning import Scan
from app.auditing.told import Told

_CHUNKS = (
    'SELECT task_id, attempt, stream, "offset", data FROM output WHERE task_id IN ({ids})'
    ' ORDER BY task_id, attempt, stream, "offset"'
)


@dataclass(slots=True)
class Due:
    """What an outcome says of its attempt's output: the digest of each stream, under its salt.

    *whole*: of all that is kept. Else of what was kept by then: the first pieces, or none.
    """

    seq: int
    task_id: str
    attempt: int
    salt: bytes
    digests: Mapping[str, bytes | None]
    whole: bool


@dataclass(slots=True)
class _Stream:
    """One stream while its pieces come."""

    due: Due
    wanted: bytes
    total: Any = field(init=False)
    fits: bool = field(init=False)

    def __post_init__(self) -> None:
        self.total = sha256(self.due.salt)
        self._look()

    def add(self, data: bytes) -> None:
        self.total.update(data)
        if self.due.whole or not self.fits:
            self._look()

    def _look(self) -> None:
        self.fits = self.total.digest() == self.wanted


class Content:
    """Checks output against digests. For one thread."""

    def __init__(self, scan: Scan, faults: Faults) -> None:
        self._scan = scan
        self._faults = faults

    def check(
        self, task_ids: Sequence[str], due: Iterable[Due], *, told: Mapping[str, Told] | None = None
    ) -> None:
        """Read all output of these tasks once and compare it with what is *due*.

        With *told*, pieces where no run was, or of which its outcome says nothing, are faults too.
        """
        streams = {
            (one.task_id, one.attempt, name): _Stream(one, wanted)
            for one in due
            for name, wanted in one.digests.items()
            if wanted is not None
        }
        before: tuple[Any, ...] = ()
        end = 0
        for task_id, attempt, name, offset, data in self._scan.of_tasks(_CHUNKS, task_ids):
            key = (task_id, attempt, name)
            if key == before and offset < end:
                self._faults.add(f"its {name} at byte {offset} overlaps what is before", task_id=task_id)
            before, end = key, offset + len(data)
            stream = streams.get(key)
            if stream is not None:
                stream.add(data)
            elif told is not None:
                self._nobody_told(told[task_id], task_id, attempt, name)
        for (task_id, _attempt, name), stream in streams.items():
            if not stream.fits:
                what = f"its {name} is not what was reported"
                self._faults.add(what, seq=stream.due.seq, task_id=task_id)

    def _nobody_told(self, one: Told, task_id: str, attempt: int, name: str) -> None:
        if not 1 <= attempt <= one.attempt:
            self._faults.add(f"there is {name} of attempt {attempt}, which never was", task_id=task_id)
        elif one.outcome is not None and one.outcome[0] == attempt:
            what = f"there is {name} of which its outcome says nothing"
            self._faults.add(what, seq=one.seq, task_id=task_id)
