"""How the tree and its entries are cut into tiles, and what these are called (c2sp.org/tlog-tiles)."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass

from clawtrail.formats.merkle import HASH_BYTES
from clawtrail.formats.spelling import Misspelled, number_of

WIDTH = 256
"""How many hashes or entries a full tile has; a level of tiles is eight levels of the tree."""

LEVEL_BITS = 8
MAX_LEVEL = 63
MAX_ENTRY_BYTES = 0xFFFF

_PATH = re.compile(r"tile/([0-9]+|entries)/((?:x[0-9]{3}/)*[0-9]{3})(?:\.p/([0-9]+))?", re.ASCII)


class NotATile(ValueError):
    """No tile has this path, or these are not the bytes of one; the message says why."""


class EntryTooLarge(ValueError):
    """The entry has more than 65,535 bytes, and no bundle can hold it."""


@dataclass(frozen=True, slots=True)
class Tile:
    """A tile by its level and its number within the level; ``level`` None means a bundle of entries.

    A partial tile has a ``width`` below 256: only its first so many hashes or entries.
    """

    level: int | None
    nr: int
    width: int = WIDTH

    @property
    def path(self) -> str:
        """Where the tile is found below the address of the record."""
        level = "entries" if self.level is None else str(self.level)
        part = "" if self.width == WIDTH else f".p/{self.width}"
        return f"tile/{level}/{_spell(self.nr)}{part}"


def parse_path(path: str) -> Tile:
    """Return the tile that *path* names; it has no other path. Raises ``NotATile`` for anything else."""
    match = _PATH.fullmatch(path)
    if match is None:
        raise NotATile(f"{path[:100]!a} is not the path of a tile")
    level, nr, width = match.groups()
    try:
        tile = Tile(
            None if level == "entries" else number_of(level),
            int(nr.replace("x", "").replace("/", "")[-20:]),
            WIDTH if width is None else number_of(width),
        )
    except Misspelled as error:
        raise NotATile(f"{path[:100]!a} is not the path of a tile: {error}") from error
    # Written anew, so that superfluous zeros and a partial tile of full width are found.
    if tile.path != path or tile.nr >= 2**63 or (width is not None and not 0 < tile.width < WIDTH):
        raise NotATile(f"{path[:100]!a} is not how the path of a tile is written")
    if tile.level is not None and tile.level > MAX_LEVEL:
        raise NotATile(f"there is no level above {MAX_LEVEL}")
    return tile


def width_at(level: int | None, nr: int, size: int) -> int:
    """Return how many hashes or entries a tile has in a tree of *size* leaves: 0 to 256."""
    below = size >> (LEVEL_BITS * (level or 0))
    return max(0, min(WIDTH, below - nr * WIDTH))


def split_hashes(data: bytes) -> list[bytes]:
    """Return the hashes in the bytes of a tile; raises ``NotATile`` when these are none to 256 of them."""
    count, rest = divmod(len(data), HASH_BYTES)
    if rest or not 0 < count <= WIDTH:
        raise NotATile(f"a tile is 1 to {WIDTH} hashes of {HASH_BYTES} bytes, not {len(data)} bytes")
    return [data[begin : begin + HASH_BYTES] for begin in range(0, len(data), HASH_BYTES)]


def encode_bundle(entries: Iterable[bytes]) -> bytes:
    """Return a bundle of entries, each behind its length in two bytes.

    An entry of ours is an event's canonical JSON in UTF-8, the text that its leaf is the hash of.
    Raises ``EntryTooLarge`` for one above 65,535 bytes, which the format cannot hold: it is on the
    service to keep the detail of an event far below that.
    """
    parts = []
    for entry in entries:
        if len(entry) > MAX_ENTRY_BYTES:
            raise EntryTooLarge(f"an entry has {len(entry)} bytes; a bundle takes up to {MAX_ENTRY_BYTES}")
        parts += [len(entry).to_bytes(2), entry]
    return b"".join(parts)


def decode_bundle(data: bytes) -> list[bytes]:
    """Return the entries of a bundle; raises ``NotATile`` for one that is cut short, empty or too long."""
    entries = []
    at = 0
    while at < len(data):
        begin = at + 2
        at = begin + int.from_bytes(data[at:begin])
        if begin > len(data) or at > len(data):
            raise NotATile("the bundle is cut short")
        entries.append(data[begin:at])
    if not 0 < len(entries) <= WIDTH:
        raise NotATile(f"a bundle has 1 to {WIDTH} entries, not {len(entries)}")
    return entries


def _spell(nr: int) -> str:
    digits = str(nr)
    digits = digits.zfill(-(-len(digits) // 3) * 3)
    groups = [digits[at : at + 3] for at in range(0, len(digits), 3)]
    return "".join(f"x{group}/" for group in groups[:-1]) + groups[-1]
