"""Merkle trees: hashes, roots, and proofs about them (RFC 6962 section 2.1, RFC 9162 section 2.1).

A tree of n leaves splits at the largest power of two below n; the hash of a leaf begins with the
byte 0x00, that of a node with 0x01, so that neither can pass for the other. Everything here works
on leaf *hashes*, 32 bytes each; entries become one by :func:`leaf_hash`.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from hashlib import sha256

HASH_BYTES = 32

empty_root = sha256().digest()
"""The root of the tree without leaves."""


def leaf_hash(entry: bytes) -> bytes:
    """The hash of an entry."""
    return sha256(b"\x00" + entry).digest()


def node_hash(left: bytes, right: bytes) -> bytes:
    """The hash of two neighbours."""
    return sha256(b"\x01" + left + right).digest()


class CompactRange:
    """What must be kept of a tree to append to it: the roots of its perfect subtrees, largest
    first. Their sizes are the powers of two in the size of the tree, so 20 hashes are enough
    for a million leaves."""

    def __init__(self, size: int = 0, roots: Iterable[bytes] = ()) -> None:
        """Raises ``ValueError`` where a tree of this size has another number of subtrees."""
        self.size, self.roots = size, list(roots)
        if len(self.roots) != size.bit_count():
            raise ValueError(f"{len(self.roots)} subtrees cannot be a tree of {size} leaves")

    def append(self, leaf: bytes) -> None:
        """Add the hash of one leaf on the right."""
        ones = (~self.size & (self.size + 1)).bit_length() - 1
        for _ in range(ones):
            leaf = node_hash(self.roots.pop(), leaf)
        self.roots.append(leaf)
        self.size += 1

    def root(self) -> bytes:
        """The root of the whole."""
        return joined(self.roots)


def joined(roots: Sequence[bytes]) -> bytes:
    """The root above perfect subtrees that stand side by side, largest first."""
    if not roots:
        return empty_root
    *others, whole = roots
    for one in reversed(others):
        whole = node_hash(one, whole)
    return whole


def root(leaves: Iterable[bytes]) -> bytes:
    """The root above these leaf hashes."""
    return joined(perfect_roots(leaves))


def perfect_roots(leaves: Iterable[bytes]) -> list[bytes]:
    """The perfect subtrees above these leaf hashes, largest first."""
    whole = CompactRange()
    for leaf in leaves:
        whole.append(leaf)
    return whole.roots


def inclusion_path(leaves: Sequence[bytes], index: int) -> list[bytes]:
    """The siblings from a leaf up to below the root (RFC 6962 section 2.1.1).

    Raises ``IndexError`` where there is no such leaf.
    """
    if not 0 <= index < len(leaves):
        raise IndexError(f"no leaf {index} in a tree of {len(leaves)}")
    if len(leaves) == 1:
        return []
    split = _split(len(leaves))
    left, right = leaves[:split], leaves[split:]
    if index < split:
        return [*inclusion_path(left, index), root(right)]
    return [*inclusion_path(right, index - split), root(left)]


def consistency_path(leaves: Sequence[bytes], old_size: int) -> list[bytes]:
    """The proof that a tree grew out of its first ``old_size`` leaves (RFC 6962 section 2.1.2).

    Raises ``IndexError`` where it never had that size.
    """
    if not 0 <= old_size <= len(leaves):
        raise IndexError(f"a tree of {len(leaves)} leaves has not grown out of {old_size}")
    return [] if old_size == 0 else _subproof(leaves, old_size, known=True)


def _subproof(leaves: Sequence[bytes], old_size: int, *, known: bool) -> list[bytes]:
    if old_size == len(leaves):
        return [] if known else [root(leaves)]
    split = _split(len(leaves))
    left, right = leaves[:split], leaves[split:]
    if old_size <= split:
        return [*_subproof(left, old_size, known=known), root(right)]
    return [*_subproof(right, old_size - split, known=False), root(left)]


def _split(size: int) -> int:
    """The largest power of two below ``size``."""
    return 1 << ((size - 1).bit_length() - 1)


def root_by_path(leaf: bytes, index: int, size: int, path: Sequence[bytes]) -> bytes | None:
    """The root that a path leads to (RFC 9162 section 2.1.3.2), ``None`` where no path of a tree
    of this size looks like it."""
    if not 0 <= index < size:
        return None
    place, last, found = index, size - 1, leaf
    for sibling in path:
        if last == 0:
            return None
        if place & 1 or place == last:
            found = node_hash(sibling, found)
            while not place & 1 and place:
                place, last = place >> 1, last >> 1
        else:
            found = node_hash(found, sibling)
        place, last = place >> 1, last >> 1
    return found if last == 0 else None


def is_consistent(
    old_size: int, old_root: bytes, new_size: int, new_root: bytes, path: Sequence[bytes]
) -> bool:
    """Whether a path proves that one tree grew out of another (RFC 9162 section 2.1.4.2)."""
    if old_size == new_size:
        return old_root == new_root and not path
    if old_size == 0:
        return old_root == empty_root and not path
    if not 0 < old_size < new_size or not path:
        return False
    steps = list(path)
    if old_size & (old_size - 1) == 0:
        steps.insert(0, old_root)
    return _walk(old_size - 1, new_size - 1, steps) == (old_root, new_root)


def _walk(place: int, last: int, steps: list[bytes]) -> tuple[bytes, bytes] | None:
    while place & 1:
        place, last = place >> 1, last >> 1
    old = new = steps[0]
    for sibling in steps[1:]:
        if last == 0:
            return None
        if place & 1 or place == last:
            old, new = node_hash(sibling, old), node_hash(sibling, new)
            while not place & 1 and place:
                place, last = place >> 1, last >> 1
        else:
            new = node_hash(new, sibling)
        place, last = place >> 1, last >> 1
    return (old, new) if last == 0 else None
