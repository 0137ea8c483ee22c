"""Writing a log: from its right edge and new entries to the files that are new.

The order in which a writer stores them is what keeps a log whole over a crash: tiles and bundles
first, then the checkpoint. Until the checkpoint is out nobody may be shown the rest.
"""

from __future__ import annotations

from collections import defaultdict, deque
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

from quickpoll.verification import tiles, tree
from quickpoll.verification.notes import Checkpoint, Signer


def origin(key_name: str, poll_id: str) -> str:
    """The first line of a poll's checkpoints."""
    return f"{key_name}/log/{poll_id}"


@dataclass(frozen=True)
class Growth:
    """What one step adds: files by their path below the log, and the head that covers them."""

    parts: dict[str, bytes]
    head: Checkpoint


class GrowingLog:
    """A log as its writer holds it: the right edge of its tree, and of its bundles.

    ``hashes`` and ``entries`` are what the partial tiles and the partial bundle hold, so that a
    writer that comes after another one reads ``log_256(size)`` tiles and one bundle.
    """

    def __init__(
        self,
        origin: str,
        hashes: Iterable[Iterable[bytes]] = (),
        entries: Iterable[bytes] = (),
    ) -> None:
        self.origin, self.edge, self.entries = origin, tiles.Edge(hashes), list(entries)

    @property
    def head(self) -> Checkpoint:
        """The log as it is now."""
        return Checkpoint(self.origin, self.edge.size, self.edge.root())

    def append(self, entries: Sequence[bytes]) -> Growth:
        """Add entries; answers what has to be stored before the head is."""
        bundles = self._bundles(entries)
        hashes = self.edge.append(map(tree.leaf_hash, entries))
        parts = {place.path: content for place, content in (bundles | hashes).items()}
        return Growth(parts, self.head)

    def _bundles(self, entries: Sequence[bytes]) -> dict[tiles.Place, bytes]:
        size, first = self.edge.size, self.edge.size - len(self.entries)
        self.entries += entries
        changed = {}
        for place in tiles.places(None, size + len(entries)):
            if place.first >= first and entries:
                at = place.first - first
                changed[place] = tiles.bundle(self.entries[at : at + place.holds])
        full = len(self.entries) // tiles.WIDTH * tiles.WIDTH
        del self.entries[:full]
        return changed


def shuffled(waiting: Sequence[bytes], shuffle: Callable[[list[bytes]], None]) -> list[bytes]:
    """Entries of ballots in an order that tells nothing, each ballot's own in theirs.

    ``waiting`` has the entries of each tag in the order of its ballot's revisions. The *places*
    are shuffled among the tags, then filled in that order.
    """
    tags = [line.split(b" ")[1] for line in waiting]
    own = defaultdict[bytes, deque[bytes]](deque)
    for tag, line in zip(tags, waiting, strict=True):
        own[tag].append(line)
    shuffle(tags)
    return [own[tag].popleft() for tag in tags]


def signed(head: Checkpoint, signer: Signer) -> bytes:
    """The checkpoint as it is served."""
    return signer.sign(head.text)
