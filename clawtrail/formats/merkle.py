"""The Merkle tree over the record's leaves: roots, proofs and their checks (RFC 9162 section 2.1)."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from hashlib import sha256
from itertools import islice

HASH_BYTES = 32

Subtrees = Callable[[int, int], bytes]
"""Maps (level, index) to the root over leaves index * 2**level to (index + 1) * 2**level, a perfect tree."""

_CHUNK_LEVEL = 8
_CHUNK = 1 << _CHUNK_LEVEL


class BeyondTree(ValueError):
    """The leaf or the size asked for is not in the tree."""


class ProofRejected(ValueError):
    """The proof does not show what it is said to show; the message says why."""


def empty_root() -> bytes:
    """Return the root of the tree without leaves."""
    return sha256().digest()


def node(left: bytes, right: bytes) -> bytes:
    """Return the hash of the node over two subtrees: SHA-256(0x01 || left || right)."""
    return sha256(b"\x01" + left + right).digest()


def root(hashes: Sequence[bytes]) -> bytes:
    """Return the root of the tree over these leaf hashes; there may be none."""
    frontier = Frontier()
    frontier.extend(hashes)
    return frontier.root()


class Frontier:
    """A tree that grows and keeps only the roots of its perfect subtrees: O(log n) memory.

    For one thread.
    """

    def __init__(self) -> None:
        self._size = 0
        # The roots of the perfect subtrees, the largest (leftmost) first: one for each bit set in the size.
        self._peaks: list[bytes] = []

    @classmethod
    def at(cls, size: int, subtree: Subtrees) -> Frontier:
        """Return the frontier of a tree of *size* leaves, so that it grows on without reading them again."""
        frontier = cls()
        frontier._size = size
        frontier._peaks = _perfect(0, size, subtree)
        return frontier

    @property
    def size(self) -> int:
        """How many leaves the tree has."""
        return self._size

    def copy(self) -> Frontier:
        """Return a tree of its own that is as this one is now."""
        other = Frontier()
        other._size, other._peaks = self._size, self._peaks.copy()
        return other

    def append(self, leaf_hash: bytes) -> None:
        """Add one leaf."""
        self._push(0, leaf_hash)

    def append_perfect(self, level: int, top: bytes) -> None:
        """Add 2**level leaves at once, by the root over them; the size must be a multiple of that."""
        if self._size & ((1 << level) - 1):
            raise BeyondTree(f"behind {self._size} leaves begins no perfect subtree of 2**{level}")
        self._push(level, top)

    def extend(self, hashes: Iterable[bytes]) -> None:
        """Add leaves; fastest in long runs, since whole chunks of 256 are folded level by level."""
        coming = iter(hashes)
        while chunk := list(islice(coming, _CHUNK - self._size % _CHUNK)):
            if len(chunk) == _CHUNK:
                self._push(_CHUNK_LEVEL, fold(chunk))
                continue
            for leaf_hash in chunk:
                self._push(0, leaf_hash)

    def root(self) -> bytes:
        """Return the root of the tree as it is now."""
        return _join(self._peaks) if self._peaks else empty_root()

    def _push(self, level: int, top: bytes) -> None:
        # As in a binary counter: two subtrees of the same size become one of the next.
        carry = self._size >> level
        while carry & 1:
            top = node(self._peaks.pop(), top)
            carry >>= 1
        self._peaks.append(top)
        self._size += 1 << level


def fold(hashes: Sequence[bytes]) -> bytes:
    """Return the root of the perfect subtree over these hashes; their number must be a power of two."""
    if not hashes or len(hashes) & (len(hashes) - 1):
        raise BeyondTree(f"a perfect subtree has a power of two of leaves, not {len(hashes)}")
    return levels(hashes)[-1][0]


def levels(hashes: Sequence[bytes]) -> list[Sequence[bytes]]:
    """Return the roots of all perfect subtrees over these hashes: of 1 each, of 2 each, of 4 each, ...

    What fills no subtree is left out on the levels above.
    """
    found, hash_ = [hashes], sha256
    while len(hashes) > 1:
        # `node`, written out: this line is where a verification of the whole record spends its time.
        coming = iter(hashes)
        hashes = [hash_(b"\x01" + left + right).digest() for left, right in zip(coming, coming, strict=False)]
        found.append(hashes)
    return found


def root_of(size: int, subtree: Subtrees) -> bytes:
    """Return the root of the tree's first *size* leaves."""
    return _range(0, size, subtree) if size else empty_root()


def inclusion(index: int, size: int, subtree: Subtrees) -> list[bytes]:
    """Return the proof that leaf *index* is in the tree of *size* leaves, nearest sibling first.

    RFC 9162 section 2.1.3.1. Refuses an index that is not below the size with ``BeyondTree``.
    """
    if not 0 <= index < size:
        raise BeyondTree(f"leaf {index} is not in a tree of {size}")
    proof = []
    begin, end = 0, size
    while end - begin > 1:
        middle = begin + _split(end - begin)
        if index < middle:
            proof.append(_range(middle, end, subtree))
            end = middle
        else:
            proof.append(_range(begin, middle, subtree))
            begin = middle
    return proof[::-1]


def consistency(old: int, new: int, subtree: Subtrees) -> list[bytes]:
    """Return the proof that the tree of *new* leaves begins with the tree of *old* ones.

    RFC 9162 section 2.1.4.1. It is empty when both are the same or the old tree is empty.
    Refuses an old size above the new one with ``BeyondTree``.
    """
    if not 0 <= old <= new:
        raise BeyondTree(f"a tree of {new} leaves does not begin with one of {old}")
    if old in (0, new):
        return []
    proof = []
    begin, end = 0, new
    while end != old:
        middle = begin + _split(end - begin)
        if old <= middle:
            proof.append(_range(middle, end, subtree))
            end = middle
        else:
            proof.append(_range(begin, middle, subtree))
            begin = middle
    # A subtree that begins at 0 is the whole old tree, whose root the verifier has.
    if begin:
        proof.append(_range(begin, end, subtree))
    return proof[::-1]


def verify_inclusion(leaf_hash: bytes, index: int, size: int, proof: Sequence[bytes], root: bytes) -> None:
    """Check that *leaf_hash* is leaf *index* of the tree of *size* leaves with this root.

    RFC 9162 section 2.1.3.2. Raises ``ProofRejected`` when it is not shown.
    """
    if not 0 <= index < size:
        raise ProofRejected(f"leaf {index} cannot be in a tree of {size}")
    _check_hashes(proof)
    place, last = index, size - 1
    computed = leaf_hash
    for sibling in proof:
        if last == 0:
            raise ProofRejected("the proof is too long")
        if place & 1 or place == last:
            computed = node(sibling, computed)
            place, last = _skip_lone(place, last)
        else:
            computed = node(computed, sibling)
        place, last = place >> 1, last >> 1
    if last:
        raise ProofRejected("the proof is too short")
    if computed != root:
        raise ProofRejected("the leaf and its proof do not lead to the root")


def verify_consistency(old: int, new: int, proof: Sequence[bytes], old_root: bytes, new_root: bytes) -> None:
    """Check that the tree of *new* leaves begins with the tree of *old* leaves, each known by its root.

    RFC 9162 section 2.1.4.2; every tree begins with the empty one. Raises ``ProofRejected`` when
    it is not shown.
    """
    if not 0 <= old <= new:
        raise ProofRejected(f"a tree of {new} leaves cannot begin with one of {old}")
    _check_hashes(proof)
    if old in (0, new):
        _verify_trivial(old, new, proof, old_root, new_root)
        return
    if not proof:
        raise ProofRejected("the proof is empty")
    old_computed, new_computed = _climb(old - 1, new - 1, proof, old_root)
    if old_computed != old_root:
        raise ProofRejected("the proof does not lead to the old root")
    if new_computed != new_root:
        raise ProofRejected("the proof does not lead to the new root")


def _climb(place: int, last: int, proof: Sequence[bytes], old_root: bytes) -> tuple[bytes, bytes]:
    """Return the roots of the old and the new tree that a consistency proof leads to."""
    while place & 1:
        place, last = place >> 1, last >> 1
    # A power of two: the old tree is itself the first subtree, and the proof leaves its root out.
    first, rest = (old_root, proof) if place == 0 else (proof[0], proof[1:])
    old_computed = new_computed = first
    for sibling in rest:
        if last == 0:
            raise ProofRejected("the proof is too long")
        if place & 1 or place == last:
            old_computed, new_computed = node(sibling, old_computed), node(sibling, new_computed)
            place, last = _skip_lone(place, last)
        else:
            new_computed = node(new_computed, sibling)
        place, last = place >> 1, last >> 1
    if last:
        raise ProofRejected("the proof is too short")
    return old_computed, new_computed


def _verify_trivial(old: int, new: int, proof: Sequence[bytes], old_root: bytes, new_root: bytes) -> None:
    if proof:
        raise ProofRejected("the proof is too long")
    if old == new and old_root != new_root:
        raise ProofRejected("two trees of the same size have different roots")
    if old == 0 and old_root != empty_root():
        raise ProofRejected("the old root is not that of the empty tree")
    if new == 0 and new_root != empty_root():
        raise ProofRejected("the new root is not that of the empty tree")


def _skip_lone(place: int, last: int) -> tuple[int, int]:
    """Climb past the levels where the last subtree has no sibling."""
    while place and not place & 1:
        place, last = place >> 1, last >> 1
    return place, last


def _check_hashes(proof: Sequence[bytes]) -> None:
    if any(len(each) != HASH_BYTES for each in proof):
        raise ProofRejected(f"a hash of the proof has not {HASH_BYTES} bytes")


def _split(count: int) -> int:
    """Return the largest power of two below *count*: how many leaves the left subtree has."""
    return 1 << (count - 1).bit_length() - 1


def _range(begin: int, end: int, subtree: Subtrees) -> bytes:
    return _join(_perfect(begin, end, subtree))


def _perfect(begin: int, end: int, subtree: Subtrees) -> list[bytes]:
    """Return the roots of the perfect subtrees that make up leaves *begin* to *end*, the largest first."""
    tops = []
    while begin < end:
        level = (end - begin).bit_length() - 1
        tops.append(subtree(level, begin >> level))
        begin += 1 << level
    return tops


def _join(tops: Sequence[bytes]) -> bytes:
    joined = tops[-1]
    for top in reversed(tops[:-1]):
        joined = node(top, joined)
    return joined
