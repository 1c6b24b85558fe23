"""The append-only Merkle tree of RFC 9162: hashes, the right edge that appending needs, proofs, and checking proofs.

A leaf is hashed with a zero byte before it, an inner node with a one, so that neither passes for the other. The tree
over n leaves splits at the largest power of two below n. `node(level, index)` names the complete subtree over the
leaves from `index * 2**level` on; whoever holds the leaves gives these, and proofs are made from them.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from hashlib import sha256
from typing import TypeAlias

Hash: TypeAlias = bytes
Nodes: TypeAlias = Callable[[int, int], Hash]

EMPTY: Hash = sha256(b"").digest()
HASH_BYTES = 32


def leaf_hash(entry: bytes) -> Hash:
    """The hash of a leaf."""
    return sha256(b"\x00" + entry).digest()


def node_hash(left: Hash, right: Hash) -> Hash:
    """The hash of an inner node."""
    return sha256(b"\x01" + left + right).digest()


def fold(hashes: Sequence[Hash]) -> Hash:
    """The root of a complete subtree over 2**k hashes."""
    level = list(hashes)
    while len(level) > 1:
        level = [sha256(b"\x01" + level[i] + level[i + 1]).digest() for i in range(0, len(level), 2)]
    return level[0]


@dataclass
class Frontier:
    """The right edge of a tree: the roots of its complete subtrees, largest first. All that appending needs."""

    size: int = 0
    peaks: list[Hash] = field(default_factory=list)

    def append(self, leaf: Hash) -> None:
        """One more leaf."""
        n = self.size
        while n & 1:
            leaf = sha256(b"\x01" + self.peaks.pop() + leaf).digest()
            n >>= 1
        self.peaks.append(leaf)
        self.size += 1

    def extend(self, leaves: Iterable[Hash]) -> None:
        """More leaves."""
        for leaf in leaves:
            self.append(leaf)

    @property
    def root(self) -> Hash:
        """The root of the tree."""
        if not self.peaks:
            return EMPTY
        found = self.peaks[-1]
        for peak in reversed(self.peaks[:-1]):
            found = node_hash(peak, found)
        return found

    def whole(self) -> bool:
        """Whether there are as many peaks as a tree of this size has."""
        return len(self.peaks) == self.size.bit_count() and all(len(p) == HASH_BYTES for p in self.peaks)


def root_of(nodes: Nodes, lo: int, hi: int) -> Hash:
    """The root over the leaves from `lo` to before `hi`; `lo` is where a subtree of that size may begin."""
    size = hi - lo
    if size == 0:
        return EMPTY
    if size & (size - 1) == 0:
        return nodes(size.bit_length() - 1, lo // size)
    split = _split(size)
    return node_hash(root_of(nodes, lo, lo + split), root_of(nodes, lo + split, hi))


def inclusion(nodes: Nodes, index: int, size: int) -> list[Hash]:
    """The proof that the leaf at `index` is in the tree over the first `size` leaves (RFC 9162, 2.1.3.1)."""
    path: list[Hash] = []
    lo, hi = 0, size
    while hi - lo > 1:
        split = lo + _split(hi - lo)
        if index < split:
            path.append(root_of(nodes, split, hi))
            hi = split
        else:
            path.append(root_of(nodes, lo, split))
            lo = split
    return path[::-1]


def consistency(nodes: Nodes, old: int, size: int) -> list[Hash]:
    """The proof that the tree over `old` leaves is how that over `size` leaves began (RFC 9162, 2.1.4.1)."""
    if not 0 < old < size:
        return []
    path: list[Hash] = []
    lo, hi, whole = 0, size, True
    while old < hi:
        split = lo + _split(hi - lo)
        if old <= split:
            path.append(root_of(nodes, split, hi))
            hi = split
        else:
            path.append(root_of(nodes, lo, split))
            lo, whole = split, False
    if not whole:
        path.append(root_of(nodes, lo, hi))
    return path[::-1]


def included(leaf: Hash, index: int, size: int, path: Sequence[Hash], root: Hash) -> bool:
    """Whether a proof shows that a leaf is at `index` of the tree with this size and root (RFC 9162, 2.1.3.2)."""
    if not 0 <= index < size:
        return False
    here, last, found = index, size - 1, leaf
    for step in path:
        if last == 0:
            return False
        if here & 1 or here == last:
            found = node_hash(step, found)
            while not here & 1 and here:
                here >>= 1
                last >>= 1
        else:
            found = node_hash(found, step)
        here >>= 1
        last >>= 1
    return last == 0 and found == root


def consistent(old: int, size: int, path: Sequence[Hash], old_root: Hash, root: Hash) -> bool:
    """Whether a proof shows that a tree with `old` leaves grew into one with `size` (RFC 9162, 2.1.4.2)."""
    if old == size:
        return not path and old_root == root
    if old == 0:
        return not path and old_root == EMPTY
    if not 0 < old < size:
        return False
    steps = list(path)
    if old & (old - 1) == 0:
        steps.insert(0, old_root)
    if not steps:
        return False
    here, last = old - 1, size - 1
    while here & 1:
        here >>= 1
        last >>= 1
    old_found = found = steps[0]
    for step in steps[1:]:
        if last == 0:
            return False
        if here & 1 or here == last:
            old_found = node_hash(step, old_found)
            found = node_hash(step, found)
            while not here & 1 and here:
                here >>= 1
                last >>= 1
        else:
            found = node_hash(found, step)
        here >>= 1
        last >>= 1
    return last == 0 and old_found == old_root and found == root


def _split(size: int) -> int:
    """The largest power of two below a size."""
    return 1 << (size - 1).bit_length() - 1
