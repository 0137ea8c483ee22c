"""Paths from tiles: the proof that an entry is in a tree, without reading the whole tree.

A path of RFC 6962 (section 2.1.1) is made of the roots of ranges of leaves. Each range is a few
perfect subtrees, and each of those lies within one tile: that of level ⌊height / 8⌋.
"""

from __future__ import annotations

from collections.abc import Mapping

from quickpoll.verification import tiles, tree

HEIGHT = 8
"""Of a tile: 256 hashes."""


def tiles_needed(index: int, size: int) -> list[tiles.Place]:
    """The tiles that the path of a leaf is made from: at each level the one above the leaf, and
    the last one."""
    found: dict[tiles.Place, None] = {}
    for level in tiles.levels(size):
        hashes = size // tiles.WIDTH**level
        last = (hashes - 1) // tiles.WIDTH
        for number in (min(index // tiles.WIDTH ** (level + 1), last), last):
            holds = min(tiles.WIDTH, hashes - number * tiles.WIDTH)
            found[tiles.Place(level, number, holds)] = None
    return list(found)


class TiledTree:
    """A tree of which some tiles are at hand, by their full paths, each perhaps wider than it was
    at this size."""

    def __init__(self, size: int, contents: Mapping[str, bytes]) -> None:
        self.size = size
        self._contents = contents

    def path(self, index: int) -> list[bytes]:
        """The path of a leaf. Raises ``IndexError`` where there is no such leaf, ``KeyError``
        where a tile is missing."""
        if not 0 <= index < self.size:
            raise IndexError(f"no leaf {index} in a tree of {self.size}")
        first, end, siblings = 0, self.size, []
        while end - first > 1:
            middle = first + (1 << ((end - first - 1).bit_length() - 1))
            if index < middle:
                siblings.append((middle, end))
                end = middle
            else:
                siblings.append((first, middle))
                first = middle
        return [self._root(*one) for one in reversed(siblings)]

    def _root(self, first: int, end: int) -> bytes:
        roots = []
        while first < end:
            height = (end - first).bit_length() - 1
            roots.append(self._perfect(first, height))
            first += 1 << height
        return tree.joined(roots)

    def _perfect(self, first: int, height: int) -> bytes:
        """The root of the perfect subtree of 2^height leaves that begins at ``first``."""
        level = height // HEIGHT
        within, count = first // tiles.WIDTH**level, 1 << (height % HEIGHT)
        place = tiles.Place(level, within // tiles.WIDTH, tiles.WIDTH)
        at = within % tiles.WIDTH * tree.HASH_BYTES
        content = self._contents[place.full_path][at : at + count * tree.HASH_BYTES]
        hashes = [content[i : i + tree.HASH_BYTES] for i in range(0, len(content), tree.HASH_BYTES)]
        return tree.root(hashes)
