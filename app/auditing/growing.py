"""Growing the tree again from computed leaves, tile by tile, against the tiles that are stored."""

from __future__ import annotations

from collections.abc import Sequence

from app.auditing.faults import Faults
from app.auditing.scanning import Scan
from app.storage.tiles import LEVELS, WIDTH
from clawtrail.formats import merkle
from clawtrail.formats.merkle import Frontier

_AT_ONCE = 1024


class Growing:
    """The tree of what was read so far. For one thread."""

    def __init__(self, scan: Scan, faults: Faults) -> None:
        self._scan = scan
        self._faults = faults
        self._full = Frontier()
        self._inside: list[bytes] = []
        self._levels: list[Sequence[bytes]] = []
        # Per level, the roots since its last full tile above.
        self._above: list[list[bytes]] = []
        self._stored: dict[int, bytes] = {}
        self.closed: list[int] = []

    @property
    def size(self) -> int:
        """How many leaves the tree has."""
        return self._full.size + len(self._inside)

    @property
    def tiled(self) -> int:
        """How many leaves are in full tiles: of sizes before that, ``root_at`` knows nothing."""
        return self._full.size

    @property
    def room(self) -> int:
        """How many leaves fit until a tile is full: at most so many may be added at once."""
        return WIDTH - len(self._inside)

    def resume(self, size: int) -> None:
        """Begin with the first *size* leaves as tiles and leaves tell them, which are not computed again."""
        full = size // WIDTH
        level, count = 0, full
        while count:
            self.closed.append(count)
            self._above.append(self._scan.roots(level, count - count % WIDTH, count))
            level, count = level + 1, count // WIDTH
        for level in reversed(range(len(self._above))):
            for top in self._above[level]:
                self._full.append_perfect(LEVELS * (level + 1), top)
        self._inside = self._scan.leaves(full * WIDTH, size)

    def add(self, hashes: Sequence[bytes]) -> None:
        """Add up to ``room`` leaves. Ask for roots inside of a tile with ``root_at`` before it is full."""
        self._inside += hashes
        self._levels = []

    def close_if_full(self) -> None:
        """Fold a full tile and compare it, and those above that become full with it."""
        if len(self._inside) < WIDTH:
            return
        level, hashes = 0, self._inside
        while len(hashes) == WIDTH:
            top = merkle.fold(hashes) if level else self._inner()[-1][0]
            if level == 0:
                self._inside, self._levels = [], []
                self._full.append_perfect(LEVELS, top)
            else:
                self._above[level - 1] = []
            if level == len(self._above):
                self._above.append([])
                self.closed.append(0)
            self._compare(level, self.closed[level], top)
            self.closed[level] += 1
            self._above[level].append(top)
            level, hashes = level + 1, self._above[level]

    def root_at(self, size: int) -> bytes:
        """Return the root over the first *size* leaves, which end in the tile that is being filled."""
        tree = self._full.copy()
        count = size - tree.size
        for level, subtrees in reversed(list(enumerate(self._inner()))):
            if (count >> level) & 1:
                tree.append_perfect(level, subtrees[(count >> level) - 1])
        return tree.root()

    def _inner(self) -> list[Sequence[bytes]]:
        """Return the subtrees inside of the tile that is being filled."""
        if not self._levels:
            self._levels = merkle.levels(self._inside)
        return self._levels

    def _compare(self, level: int, nr: int, top: bytes) -> None:
        if level == 0:
            if nr not in self._stored:
                self._stored = dict(enumerate(self._scan.roots(0, nr, nr + _AT_ONCE), nr))
            stored = self._stored.get(nr)
        else:
            stored = next(iter(self._scan.roots(level, nr, nr + 1)), None)
        if stored != top:
            last = ((nr + 1) << LEVELS * (level + 1)) - 1
            self._faults.add(f"tile {nr} of level {level}, which it fills, is not the events'", seq=last)
