"""The tree against a naive reading of RFC 9162, its published vectors, and proofs that must not pass."""

from __future__ import annotations

from hashlib import sha256

from hypothesis import given
from hypothesis import strategies as st

from imgrules.audit.merkle import (
    EMPTY,
    Frontier,
    Nodes,
    consistency,
    consistent,
    fold,
    included,
    inclusion,
    leaf_hash,
    root_of,
)

ENTRIES = [bytes.fromhex(text) for text in (
    "", "00", "10", "2021", "3031", "40414243", "5051525354555657", "606162636465666768696a6b6c6d6e6f",
)]  # fmt: skip
ROOTS = [
    "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
    "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
    "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
    "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
    "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4",
    "76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef",
    "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
    "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
]


def naive_root(leaves: list[bytes]) -> bytes:
    """RFC 9162, 2.1.1, word for word."""
    if not leaves:
        return sha256(b"").digest()
    if len(leaves) == 1:
        return leaves[0]
    k = 1
    while k * 2 < len(leaves):
        k *= 2
    return sha256(b"\x01" + naive_root(leaves[:k]) + naive_root(leaves[k:])).digest()


def naive_path(m: int, leaves: list[bytes]) -> list[bytes]:
    """RFC 9162, 2.1.3.1."""
    if len(leaves) == 1:
        return []
    k = 1
    while k * 2 < len(leaves):
        k *= 2
    if m < k:
        return [*naive_path(m, leaves[:k]), naive_root(leaves[k:])]
    return [*naive_path(m - k, leaves[k:]), naive_root(leaves[:k])]


def naive_subproof(m: int, leaves: list[bytes], whole: bool) -> list[bytes]:
    """RFC 9162, 2.1.4.1."""
    if m == len(leaves):
        return [] if whole else [naive_root(leaves)]
    k = 1
    while k * 2 < len(leaves):
        k *= 2
    if m <= k:
        return [*naive_subproof(m, leaves[:k], whole), naive_root(leaves[k:])]
    return [*naive_subproof(m - k, leaves[k:], False), naive_root(leaves[:k])]


def leaves_of(n: int) -> list[bytes]:
    return [leaf_hash(str(i).encode()) for i in range(n)]


def nodes_of(leaves: list[bytes]) -> Nodes:
    def node(level: int, index: int) -> bytes:
        part = leaves[index << level : index + 1 << level]
        assert len(part) == 1 << level
        return fold(part)

    return node


def test_published_roots() -> None:
    """The well-known test tree of Certificate Transparency."""
    frontier = Frontier()
    assert frontier.root == EMPTY
    for entry, root in zip(ENTRIES, ROOTS, strict=True):
        frontier.append(leaf_hash(entry))
        assert frontier.root.hex() == root
        assert frontier.whole()


@given(st.integers(0, 200))
def test_roots(n: int) -> None:
    """The frontier, the stored nodes and the definition agree."""
    leaves = leaves_of(n)
    frontier = Frontier()
    frontier.extend(leaves)
    assert frontier.root == root_of(nodes_of(leaves), 0, n) == naive_root(leaves)


@given(st.integers(1, 140).flatmap(lambda n: st.tuples(st.just(n), st.integers(0, n - 1))), st.integers(0, 999))
def test_inclusion(where: tuple[int, int], spoil: int) -> None:
    """A proof is the definition's, passes, and passes for nothing else."""
    n, index = where
    leaves = leaves_of(n)
    path, root = inclusion(nodes_of(leaves), index, n), naive_root(leaves)
    assert path == naive_path(index, leaves)
    assert included(leaves[index], index, n, path, root)
    assert not included(leaf_hash(b"other"), index, n, path, root)
    assert not included(leaves[index], index, n, [*path, EMPTY], root)
    assert not included(leaves[index], n, n, path, root)
    assert not included(leaves[index], index, n, path, EMPTY)
    for other in {(index + 1) % n, spoil % n} - {index}:
        assert not included(leaves[index], other, n, path, root)
    if path:
        assert not included(leaves[index], index, n, path[:-1], root)
        spoilt = [bytes([h[0] ^ 1]) + h[1:] if i == spoil % len(path) else h for i, h in enumerate(path)]
        assert not included(leaves[index], index, n, spoilt, root)


@given(st.integers(0, 140).flatmap(lambda n: st.tuples(st.just(n), st.integers(0, n))), st.integers(0, 999))
def test_consistency(where: tuple[int, int], spoil: int) -> None:
    """A proof is the definition's, passes, and passes for no other pair of trees."""
    n, old = where
    leaves = leaves_of(n)
    path = consistency(nodes_of(leaves), old, n)
    before, after = naive_root(leaves[:old]), naive_root(leaves)
    assert path == (naive_subproof(old, leaves, True) if 0 < old < n else [])
    assert consistent(old, n, path, before, after)
    assert not consistent(n + 1, n, path, before, after)
    assert not consistent(old, n, [*path, EMPTY], before, after)
    if old:
        forged = naive_root([leaf_hash(b"forged"), *leaves[1:old]])
        assert not consistent(old, n, path, forged, after)
    if 0 < old < n:
        assert not consistent(old, n, path, before, EMPTY)
        assert not consistent(old, n, [], before, after)
        spoilt = [bytes([h[0] ^ 1]) + h[1:] if i == spoil % len(path) else h for i, h in enumerate(path)]
        assert not consistent(old, n, spoilt, before, after)
