"""Tiles: their paths have one spelling, and their bytes are hashes or entries, nothing else."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from clawtrail.formats import tiles
from clawtrail.formats.tiles import EntryTooLarge, NotATile, Tile

TILES = st.builds(
    Tile,
    st.none() | st.integers(0, 63),
    st.integers(0, 2**63 - 1) | st.integers(0, 5000),
    st.integers(1, 256),
)


@pytest.mark.parametrize(
    ("tile", "path"),
    [
        (Tile(0, 1234067), "tile/0/x001/x234/067"),
        (Tile(0, 0), "tile/0/000"),
        (Tile(1, 999), "tile/1/999"),
        (Tile(1, 1000), "tile/1/x001/000"),
        (Tile(63, 7, 1), "tile/63/007.p/1"),
        (Tile(None, 273, 112), "tile/entries/273.p/112"),
        (Tile(None, 1234067), "tile/entries/x001/x234/067"),
    ],
)
def test_paths_are_those_of_the_standard(tile: Tile, path: str) -> None:
    """The number is written in groups of three digits, a partial width behind it."""
    assert tile.path == path
    assert tiles.parse_path(path) == tile


@given(TILES)
def test_every_path_leads_back(tile: Tile) -> None:
    """Each tile is found again from its path."""
    assert tiles.parse_path(tile.path) == tile


@pytest.mark.parametrize(
    "path",
    [
        "",
        "tile/0/",
        "tile/0/1",
        "tile/0/0001",
        "tile/0/x000/001",
        "tile/0/x001/x234/67",
        "tile/0/001/234",
        "tile/0/x001",
        "tile/00/001",
        "tile/64/001",
        "tile/-1/001",
        "tile/data/001",
        "tile/0/001.p/0",
        "tile/0/001.p/256",
        "tile/0/001.p/01",
        "tile/0/001.p/",
        "tile/0/001.p/1.p/1",
        "tile/0/001/",
        "/tile/0/001",
        "tile/0/001\n",
        "tile/0/\u0661\u0661\u0661",
        f"tile/0/{'x999/' * 7}999",
        f"tile/0/{'x000/' * 5000}001",
    ],
)
def test_other_paths_are_refused(path: str) -> None:
    """A path that is written otherwise, or is of no tile, names nothing."""
    with pytest.raises(NotATile):
        tiles.parse_path(path)


@pytest.mark.parametrize(
    ("level", "nr", "size", "width"),
    [
        (0, 272, 70_000, 256),
        (0, 273, 70_000, 112),
        (0, 274, 70_000, 0),
        (1, 0, 70_000, 256),
        (1, 1, 70_000, 17),
        (2, 0, 70_000, 1),
        (3, 0, 70_000, 0),
        (0, 0, 256, 256),
        (1, 0, 256, 1),
        (1, 0, 255, 0),
        (None, 273, 70_000, 112),
        (0, 0, 0, 0),
    ],
)
def test_widths_are_those_of_the_standard(level: int | None, nr: int, size: int, width: int) -> None:
    """The examples of the standard: which tiles a tree of a size has, and how wide each is."""
    assert tiles.width_at(level, nr, size) == width


@pytest.mark.parametrize("count", [1, 2, 256])
def test_a_tile_is_its_hashes(count: int) -> None:
    """The bytes of a tile are cut into as many hashes as it has."""
    hashes = [bytes([number]) * 32 for number in range(count)]
    assert tiles.split_hashes(b"".join(hashes)) == hashes


@pytest.mark.parametrize("size", [0, 1, 31, 33, 257 * 32])
def test_bytes_that_are_no_tile_are_refused(size: int) -> None:
    """No hash, half of one, or more than 256 are no tile."""
    with pytest.raises(NotATile):
        tiles.split_hashes(bytes(size))


@given(st.lists(st.binary(max_size=300), min_size=1, max_size=256))
def test_bundles_come_back(entries: list[bytes]) -> None:
    """The entries of a bundle are the ones that were put in."""
    assert tiles.decode_bundle(tiles.encode_bundle(entries)) == entries


def test_a_bundle_is_lengths_and_entries() -> None:
    """Each entry stands behind its length, two bytes, the larger first; the longest has 65,535."""
    assert tiles.encode_bundle([b"abc", b""]) == b"\0\x03abc\0\0"
    assert tiles.decode_bundle(tiles.encode_bundle([b"x" * 65_535]))[0] == b"x" * 65_535


def test_too_large_an_entry_is_refused() -> None:
    """What two bytes cannot count is not cut off but refused."""
    with pytest.raises(EntryTooLarge, match="65536 bytes"):
        tiles.encode_bundle([b"x" * 65_536])


@pytest.mark.parametrize("data", [b"", b"\0", b"\0\x01", b"\0\x01ab", b"\0\0" * 257])
def test_bytes_that_are_no_bundle_are_refused(data: bytes) -> None:
    """Nothing, half an entry, or more than 256 entries are no bundle."""
    with pytest.raises(NotATile):
        tiles.decode_bundle(data)
