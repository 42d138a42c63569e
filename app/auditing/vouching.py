"""Checkpoints in the table, and what somebody remembers: each against the root at its size."""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass

from app.auditing.faults import Faults
from app.auditing.growing import Growing
from app.auditing.scanning import Row, Scan
from app.auditing.signatures import Signatures
from app.domain.errors import RecordDamaged
from app.services import tree

_LATELY = 20_000


@dataclass(frozen=True, slots=True)
class Claim:
    """What somebody remembers of this record: that its first *size* events had this root."""

    size: int
    root: bytes
    whose: str


class Vouching:
    """Asks the growing tree for its root wherever somebody signed or remembers one. For one thread."""

    def __init__(
        self, scan: Scan, faults: Faults, growing: Growing, signatures: Signatures, claims: Sequence[Claim]
    ) -> None:
        self._scan = scan
        self._faults = faults
        self._growing = growing
        self._signatures = signatures
        self._claims = sorted(claims, key=lambda claim: claim.size)
        self._due: deque[Row] = deque()
        self._lately: deque[int] = deque(maxlen=_LATELY)

    def expect(self, after: int, end: int) -> None:
        """Load the checkpoints of more than *after* and up to *end* events."""
        self._due.extend(self._scan.checkpoints(after, end))

    def reached(self, last: int) -> None:
        """Check what is said of sizes up to *last*; call it before the tile that they end in is folded."""
        while self._due and self._due[0][0] <= last:
            self._check(self._due.popleft())
        while self._claims and self._claims[0].size <= last:
            claim = self._claims.pop(0)
            if self._root(claim.size) != claim.root:
                what = f"{claim.whose} is of another record: at {claim.size} events this one has another root"
                self._faults.add(what, seq=claim.size - 1)

    def finish(self) -> list[str]:
        """Check what is left at the end of the record; return what could not be checked.

        A checkpoint is stored a moment after it was drawn up: one may have come behind the reading.
        """
        size = self._growing.size
        for row in self._scan.checkpoints(size - _LATELY, size):
            if row[0] not in self._lately:
                self._check(row)
        for signed, _root, _note in self._scan.checkpoints(size, 1 << 62):
            self._faults.add(f"a checkpoint of {signed} events was signed, but the record has only {size}")
        for claim in self._claims:
            self._faults.add(f"{claim.whose} is of {claim.size} events, but the record has only {size}")
        return self._signatures.finish()

    def _check(self, row: Row) -> None:
        size, root, note = row
        self._lately.append(size)
        self._signatures.check(size, root, note, computed=self._root(size))

    def _root(self, size: int) -> bytes:
        if size >= self._growing.tiled:
            return self._growing.root_at(size)
        try:
            # Passed already: these tiles were compared.
            return tree.root(self._scan.conn, size)
        except RecordDamaged:
            return b""
