"""The files of a tree: tiles of 256 hashes and bundles of 256 entries (C2SP tlog-tiles).

Source: https://c2sp.org/tlog-tiles. A tile at level 0 holds leaf hashes, at a level above the
roots of full tiles of the level below. What does not fill a tile is a *partial* one, whose path
ends in ``.p/<width>``. So a tree of s leaves has at level l exactly ⌊s / 256^l⌋ hashes.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from quickpoll.verification import tree

WIDTH = 256
"""Hashes of a full tile, entries of a full bundle."""

MOST_ENTRY_BYTES = 0xFFFF


@dataclass(frozen=True)
class Place:
    """Where one tile or bundle is. ``level`` is ``None`` for a bundle of entries; ``holds`` is
    how many there are in it."""

    level: int | None
    number: int
    holds: int

    @property
    def path(self) -> str:
        """Its path below the log, such as ``tile/0/x001/067.p/12``."""
        partial = "" if self.holds == WIDTH else f".p/{self.holds}"
        return f"{self.full_path}{partial}"

    @property
    def full_path(self) -> str:
        """The path of the full one, which may have taken the place of a partial one."""
        level = "entries" if self.level is None else str(self.level)
        return f"tile/{level}/{in_threes(self.number)}"

    @property
    def first(self) -> int:
        """The place of its first hash (or entry) in its level."""
        return self.number * WIDTH


def in_threes(number: int) -> str:
    """A number as a path: 1234067 is ``x001/x234/067``."""
    groups = [f"{number % 1000:03}"]
    while number := number // 1000:
        groups.insert(0, f"x{number % 1000:03}")
    return "/".join(groups)


def places(level: int | None, size: int) -> Iterator[Place]:
    """All tiles of a level of a tree of ``size`` leaves, or its bundles (``None``)."""
    hashes = size if level is None else size // WIDTH**level
    for number in range(0, hashes, WIDTH):
        yield Place(level, number // WIDTH, min(WIDTH, hashes - number))


def levels(size: int) -> range:
    """The levels that have tiles."""
    return range(next(level for level in range(64) if size < WIDTH**level))


def level_above(hashes: Sequence[bytes]) -> list[bytes]:
    """The roots of the full tiles that these hashes of one level make."""
    full = len(hashes) // WIDTH * WIDTH
    return [tree.root(hashes[at : at + WIDTH]) for at in range(0, full, WIDTH)]


def bundle(entries: Iterable[bytes]) -> bytes:
    """Entries as a bundle: each after its length, two bytes big-endian."""
    return b"".join(len(entry).to_bytes(2, "big") + entry for entry in entries)


def unbundle(content: bytes) -> list[bytes]:
    """The entries of a bundle. Raises ``ValueError`` where it ends within one."""
    entries, at = [], 0
    while at < len(content):
        start = at + 2
        at = start + int.from_bytes(content[at:start], "big")
        if at > len(content) or start > len(content):
            raise ValueError("it ends within an entry")
        entries.append(content[start:at])
    return entries


class Edge:
    """The right edge of a tree: what must be kept to append to it and to write its tiles.

    ``hashes`` has for each level those of its partial tile. As a level holds one hash for 256 of
    the level below, their numbers are the digits of the size in base 256; a log that reads its
    partial tiles back has its edge again.
    """

    def __init__(self, hashes: Iterable[Iterable[bytes]] = ()) -> None:
        self.hashes = [list(level) for level in hashes]

    @property
    def size(self) -> int:
        """The leaves of the whole tree."""
        return sum(len(one) * WIDTH**level for level, one in enumerate(self.hashes))

    def append(self, leaves: Iterable[bytes]) -> dict[Place, bytes]:
        """Add leaf hashes; answers the tiles that are new or hold more now, with their content."""
        changed: dict[Place, bytes] = {}
        if not self.hashes:
            self.hashes.append([])
        lowest = self.hashes[0]
        for leaf in leaves:
            lowest.append(leaf)
            if len(lowest) == WIDTH:
                changed.update(self._full_tiles())
        for level, hashes in enumerate(self.hashes):
            if hashes:
                place = Place(level, self._number(level), len(hashes))
                changed[place] = b"".join(hashes)
        return changed

    def _full_tiles(self) -> Iterator[tuple[Place, bytes]]:
        """The tile that is full now, and those above that this one fills; each is emptied."""
        level = 0
        while len(here := self.hashes[level]) == WIDTH:
            yield Place(level, self._number(level), WIDTH), b"".join(here)
            if level + 1 == len(self.hashes):
                self.hashes.append([])
            self.hashes[level + 1].append(tree.root(here))
            here.clear()
            level += 1

    def _number(self, level: int) -> int:
        """Which tile of its level the partial one is: as many full ones are before it."""
        above = self.hashes[level + 1 :]
        return sum(len(one) * WIDTH**power for power, one in enumerate(above))

    def root(self) -> bytes:
        """The root of the whole tree."""
        above_first = reversed(self.hashes)
        return tree.joined([one for level in above_first for one in tree.perfect_roots(level)])
