"""Comparing kept output with the digests that outcomes hold of it."""

from __future__ import annotations

from collections.abc import Iterable
from hashlib import sha256
from typing import Any

from app.auditing.faults import Faults
from app.auditing.scanning import Scan

_CHUNKS = (
    'SELECT task_id, attempt, stream, "offset", data FROM output WHERE task_id IN ({ids})'
    ' ORDER BY task_id, attempt, stream, "offset"'
)
_STRANGE = (
    "SELECT DISTINCT task_id, attempt, stream FROM output x WHERE"
    " NOT EXISTS (SELECT 1 FROM tasks WHERE id = x.task_id AND x.attempt BETWEEN 1 AND attempt)"
    " OR EXISTS (SELECT 1 FROM outcomes o WHERE o.task_id = x.task_id AND o.attempt = x.attempt"
    "   AND nr = 0 AND CASE stream WHEN 'stdout' THEN stdout_digest ELSE stderr_digest END IS NULL)"
)


class Due:
    """What an outcome says of one stream of its attempt: the digest under its salt.

    *whole*: of all that is kept. Else of what was kept by then: the first pieces, or none.
    """

    __slots__ = ("fits", "key", "salt", "seq", "total", "wanted", "whole")

    def __init__(
        self, key: tuple[str, int, str], seq: int, salt: bytes, wanted: bytes, *, whole: bool
    ) -> None:
        self.key = key
        self.seq = seq
        self.salt = salt
        self.wanted = wanted
        self.whole = whole
        self.total: Any = None
        self.fits = False

    def add(self, data: bytes) -> None:
        """Take the next piece."""
        if self.total is None:
            self.total = sha256(self.salt)
            self.fits = not self.whole and self.total.digest() == self.wanted
        self.total.update(data)
        if not self.whole and not self.fits:
            self.fits = self.total.digest() == self.wanted

    def is_met(self) -> bool:
        """Say whether the output is as the outcome says, when all pieces came."""
        if self.fits:
            return True
        total = sha256(self.salt) if self.total is None else self.total
        return bool(total.digest() == self.wanted)


class Content:
    """Checks output against digests; ``seen`` counts the pieces that some digest covers. For one thread."""

    def __init__(self, scan: Scan, faults: Faults) -> None:
        self._scan = scan
        self._faults = faults
        self.seen = 0

    def check(self, due: Iterable[Due]) -> None:
        """Read the output that is *due*, of up to ``BATCH`` tasks, and compare it."""
        wanted = {one.key: one for one in due}
        ids = {key[0] for key in wanted}
        before: tuple[Any, ...] = ()
        end = 0
        for task_id, attempt, name, offset, data in self._scan.of_tasks(_CHUNKS, list(ids)):
            key = (task_id, attempt, name)
            if type(data) is not bytes or type(attempt) is not int:
                self._faults.add(f"its {name} is of another type than its column", task_id=task_id)
                continue
            if key == before and offset < end:
                self._faults.add(f"its {name} at byte {offset} overlaps what is before", task_id=task_id)
            before, end = key, offset + len(data)
            one = wanted.get(key)
            if one is not None:
                one.add(data)
                self.seen += one.whole
        for (task_id, _attempt, name), one in wanted.items():
            if not one.is_met():
                self._faults.add(f"its {name} is not what was reported", seq=one.seq, task_id=task_id)

    def find_strange(self) -> None:
        """Look for output where no run was, or of which its outcome says nothing.

        Where every piece there is was asked for, there is nothing to look for.
        """
        if self._scan.number("SELECT count(*) FROM output") == self.seen:
            return
        for task_id, attempt, name in self._scan.rows(_STRANGE):
            what = f"there is {name} of attempt {attempt}, of which the record knows nothing"
            self._faults.add(what, task_id=task_id)
