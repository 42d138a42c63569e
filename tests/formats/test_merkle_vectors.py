"""The reference tree of eight leaves that implementations of RFC 6962 share, with its roots and proofs."""

from __future__ import annotations

import pytest

from clawtrail.formats import merkle
from clawtrail.formats.leaves import leaf

# The leaves are ASCII or begin with low bytes, so that text and bytes are the same.
TEXTS = ["", "00", "10", "2021", "3031", "40414243", "5051525354555657", "606162636465666768696a6b6c6d6e6f"]
LEAVES = [leaf(bytes.fromhex(text).decode("ascii")) for text in TEXTS]
ROOTS = [
    "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
    "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
    "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
    "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
    "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
    "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4",
    "76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef",
    "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
    "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
]
SECOND = "96a296d224f285c67bee93c30f8a309157f0daa35dc5b87e410b78630a09cfc7"
THIRD_AND_FOURTH = "5f083f0a1a33ca076a95279832580db3e0ef4584bdff1f54c8a360f50de3031e"
SECOND_HALF = "6b47aaf29ee3c2af9af889bc1fb9254dabd31177f16232dd6aab035ca39bf6e4"
FIFTH = "bc1a0643b12e4d2d7c77918f44e0f4f79a838b6cf9ec5b5c283e1f4d88599e6b"
FIFTH_AND_SIXTH = "0ebc5d3437fbe2db158b9f126a1d118e308181031d0a949f8dededebc558ef6a"
SEVENTH = "b08693ec2e721597130641e8211e7eedccb4c26413963eee6c1e2ed16ffb1a5f"
LAST_TWO = "ca854ea128ed050b41b35ffc1b87b8eb2bde461e9e3b5596ece6b9d5975a0ae0"

INCLUSION = [
    (0, 1, []),
    (0, 8, [SECOND, THIRD_AND_FOURTH, SECOND_HALF]),
    (5, 8, [FIFTH, LAST_TWO, ROOTS[4]]),
    (2, 3, [ROOTS[2]]),
    (1, 5, [ROOTS[1], THIRD_AND_FOURTH, FIFTH]),
]
CONSISTENCY = [
    (1, 1, []),
    (1, 8, [SECOND, THIRD_AND_FOURTH, SECOND_HALF]),
    (6, 8, [FIFTH_AND_SIXTH, LAST_TWO, ROOTS[4]]),
    (2, 5, [THIRD_AND_FOURTH, FIFTH]),
    (6, 7, [FIFTH_AND_SIXTH, SEVENTH, ROOTS[4]]),
]


def subtree(level: int, index: int) -> bytes:
    """Return the root of a perfect subtree of the eight leaves."""
    return merkle.fold(LEAVES[index << level : index + 1 << level])


def test_roots_are_the_published_ones() -> None:
    """Each size from 0 to 8 has the root that others have for it."""
    assert [merkle.root(LEAVES[:size]).hex() for size in range(9)] == ROOTS
    assert merkle.empty_root().hex() == ROOTS[0]


@pytest.mark.parametrize(("index", "size", "proof"), INCLUSION)
def test_inclusion_proofs_are_the_published_ones(index: int, size: int, proof: list[str]) -> None:
    """The published inclusion proofs are made, and taken."""
    hashes = list(map(bytes.fromhex, proof))
    assert merkle.inclusion(index, size, subtree) == hashes
    merkle.verify_inclusion(LEAVES[index], index, size, hashes, bytes.fromhex(ROOTS[size]))


@pytest.mark.parametrize(("old", "new", "proof"), CONSISTENCY)
def test_consistency_proofs_are_the_published_ones(old: int, new: int, proof: list[str]) -> None:
    """The published consistency proofs are made, and taken."""
    hashes = list(map(bytes.fromhex, proof))
    assert merkle.consistency(old, new, subtree) == hashes
    merkle.verify_consistency(old, new, hashes, bytes.fromhex(ROOTS[old]), bytes.fromhex(ROOTS[new]))
