"""The Merkle tree: its roots and proofs are those of RFC 9162, and no altered proof is taken."""

from __future__ import annotations

from functools import cache
from hashlib import sha256

import pytest
from hypothesis import given
from hypothesis import strategies as st

from clawtrail.formats import merkle
from clawtrail.formats.merkle import BeyondTree, Frontier, ProofRejected

MANY = 512
LEAVES = [sha256(number.to_bytes(4)).digest() for number in range(MANY)]
SIZES = [*range(131), 255, 256, 257, 383, 384, 511, 512]


def naive_root(begin: int, end: int) -> bytes:
    """Return the root as RFC 9162 section 2.1.1 defines it, word for word."""
    if end == begin:
        return sha256(b"").digest()
    if end - begin == 1:
        return LEAVES[begin]
    middle = begin + naive_split(end - begin)
    return sha256(b"\x01" + naive(begin, middle) + naive(middle, end)).digest()


naive = cache(naive_root)


def naive_split(count: int) -> int:
    """Return the largest power of two below *count*."""
    power = 1
    while power * 2 < count:
        power *= 2
    return power


def naive_path(index: int, begin: int, end: int) -> list[bytes]:
    """Return the inclusion proof as RFC 9162 section 2.1.3.1 defines it."""
    if end - begin == 1:
        return []
    middle = begin + naive_split(end - begin)
    if index < middle:
        return [*naive_path(index, begin, middle), naive(middle, end)]
    return [*naive_path(index, middle, end), naive(begin, middle)]


def naive_subproof(old: int, begin: int, end: int, *, whole: bool) -> list[bytes]:
    """Return SUBPROOF of RFC 9162 section 2.1.4.1; *old* counts from the first leaf of all."""
    if old == end:
        return [] if whole else [naive(begin, end)]
    middle = begin + naive_split(end - begin)
    if old <= middle:
        return [*naive_subproof(old, begin, middle, whole=whole), naive(middle, end)]
    return [*naive_subproof(old, middle, end, whole=False), naive(begin, middle)]


def subtree(level: int, index: int) -> bytes:
    """Return the root of a perfect subtree; there is none that is not wholly inside of the leaves."""
    assert (index + 1) << level <= MANY
    return naive(index << level, (index + 1) << level)


def within(size: int) -> merkle.Subtrees:
    """Return a store of subtrees that fails when it is asked for one beyond *size* leaves."""

    def look(level: int, index: int) -> bytes:
        assert (index + 1) << level <= size
        return subtree(level, index)

    return look


def test_every_root_is_the_naive_one() -> None:
    """Grown leaf by leaf, at once, or put together from subtrees, each size to 512 has its root."""
    frontier = Frontier()
    for size in range(MANY + 1):
        expected = naive(0, size)
        assert frontier.root() == expected
        assert merkle.root_of(size, within(size)) == expected
        assert merkle.root(LEAVES[:size]) == expected
        assert frontier.size == size
        if size < MANY:
            frontier.append(LEAVES[size])


@given(st.lists(st.integers(0, 300), max_size=6))
def test_a_frontier_grows_in_any_steps(steps: list[int]) -> None:
    """However the leaves come, in whole chunks or across their borders, the tree is the same."""
    frontier, taken = Frontier(), 0
    for step in steps:
        more = LEAVES[taken : taken + step]
        frontier.extend(iter(more))
        taken += len(more)
    assert (frontier.size, frontier.root()) == (taken, naive(0, taken))


@given(st.integers(0, MANY), st.integers(0, MANY))
def test_a_frontier_goes_on_from_subtrees(one: int, other: int) -> None:
    """Taken up at a size, it grows on without the leaves before."""
    old, new = sorted((one, other))
    frontier = Frontier.at(old, within(old))
    frontier.extend(LEAVES[old:new])
    assert frontier.root() == naive(0, new)


@pytest.mark.parametrize("count", [0, 3, 6])
def test_only_powers_of_two_fold(count: int) -> None:
    """What is no perfect subtree is refused, and not given the root of another tree."""
    with pytest.raises(BeyondTree):
        merkle.fold(LEAVES[:count])


def test_every_leaf_of_every_size_is_proven() -> None:
    """For each size to 512, each leaf's proof verifies; to 130 and around 512 it is the naive one."""
    for size in range(1, MANY + 1):
        look, root = within(size), naive(0, size)
        for index in range(size):
            proof = merkle.inclusion(index, size, look)
            merkle.verify_inclusion(LEAVES[index], index, size, proof, root)
            if size in SIZES:
                assert proof == naive_path(index, 0, size)


def test_every_pair_of_sizes_is_consistent() -> None:
    """Between any two sizes to 130, and to the large ones, the proof is the naive one and verifies."""
    for new in SIZES:
        for old in range(new + 1):
            proof = merkle.consistency(old, new, within(new))
            if old:
                assert proof == naive_subproof(old, 0, new, whole=True)
            merkle.verify_consistency(old, new, proof, naive(0, old), naive(0, new))


@pytest.mark.parametrize(("index", "size"), [(0, 0), (5, 5), (-1, 3)])
def test_what_is_not_in_the_tree_has_no_proof(index: int, size: int) -> None:
    """A leaf beyond the size is refused by both sides."""
    with pytest.raises(BeyondTree):
        merkle.inclusion(index, size, subtree)
    with pytest.raises(ProofRejected, match="cannot be in a tree"):
        merkle.verify_inclusion(LEAVES[0], index, size, [], LEAVES[0])


def test_a_tree_does_not_shrink() -> None:
    """From a larger size to a smaller one there is no proof."""
    with pytest.raises(BeyondTree):
        merkle.consistency(4, 3, subtree)
    with pytest.raises(ProofRejected, match="cannot begin"):
        merkle.verify_consistency(4, 3, [], naive(0, 4), naive(0, 3))


def altered(proof: list[bytes]) -> list[list[bytes]]:
    """Return proofs that are like *proof*, each with one thing wrong."""
    wrong = [[*proof, LEAVES[0]], [LEAVES[-1], *proof]]
    for at, one in enumerate(proof):
        rest = proof[:at], proof[at + 1 :]
        wrong.append([*rest[0], *rest[1]])
        wrong.append([*rest[0], one[:-1], *rest[1]])
        wrong.append([*rest[0], one + b"\0", *rest[1]])
        wrong += [
            [*rest[0], one[:byte] + bytes([one[byte] ^ 1]) + one[byte + 1 :], *rest[1]] for byte in range(32)
        ]
        if at and proof[at - 1] != one:
            wrong.append([*proof[: at - 1], one, proof[at - 1], *proof[at + 1 :]])
    return wrong


@pytest.mark.parametrize("size", [1, 2, 3, 7, 8, 13, 64, 100])
def test_altered_inclusion_proofs_are_refused(size: int) -> None:
    """Each byte, each lost, added or swapped hash, another leaf, place or root makes the proof worthless."""
    root = naive(0, size)
    for index in range(0, size, 3):
        proof = merkle.inclusion(index, size, subtree)
        wrong = [(LEAVES[index], index, bad, root) for bad in altered(proof)]
        wrong += [(LEAVES[index], other, proof, root) for other in range(size) if other != index]
        wrong += [(LEAVES[index + 1], index, proof, root), (LEAVES[index], index, proof, LEAVES[-1])]
        for leaf_hash, place, bad, end in wrong:
            with pytest.raises(ProofRejected):
                merkle.verify_inclusion(leaf_hash, place, size, bad, end)


@pytest.mark.parametrize(
    ("old", "new"), [(1, 2), (2, 3), (3, 7), (4, 8), (6, 8), (7, 13), (64, 100), (99, 100)]
)
def test_altered_consistency_proofs_are_refused(old: int, new: int) -> None:
    """Each byte, each lost, added or swapped hash, and another root makes the proof worthless."""
    roots = naive(0, old), naive(0, new)
    proof = merkle.consistency(old, new, subtree)
    wrong = [(bad, *roots) for bad in altered(proof)]
    wrong += [(proof, LEAVES[-1], roots[1]), (proof, roots[0], LEAVES[-1]), (proof, roots[1], roots[0])]
    for bad, before, after in wrong:
        with pytest.raises(ProofRejected):
            merkle.verify_consistency(old, new, bad, before, after)


@pytest.mark.parametrize(
    ("sizes", "proof", "roots", "why"),
    [
        ((3, 3), [], (naive(0, 3), naive(0, 4)), "different roots"),
        ((3, 3), [LEAVES[0]], (naive(0, 3), naive(0, 3)), "too long"),
        ((0, 3), [], (naive(0, 1), naive(0, 3)), "empty tree"),
        ((0, 0), [], (naive(0, 1), naive(0, 1)), "empty tree"),
        ((2, 3), [], (naive(0, 2), naive(0, 3)), "the proof is empty"),
    ],
)
def test_proofs_that_need_no_hashes_are_checked_too(
    sizes: tuple[int, int], proof: list[bytes], roots: tuple[bytes, bytes], why: str
) -> None:
    """The same size has the same root, the empty tree has its own, and any other pair needs a proof."""
    with pytest.raises(ProofRejected, match=why):
        merkle.verify_consistency(*sizes, proof, *roots)
