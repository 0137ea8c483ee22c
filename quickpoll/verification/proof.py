"""Proofs that an entry is in a log, in a file of their own (C2SP tlog-proof).

Source: https://c2sp.org/tlog-proof (version 1, ``tlog-proof.md`` in C2SP/C2SP). Lines:

    c2sp.org/tlog-proof@v1
    extra <base64>            may be missing; whatever the application wants, proven by nothing
    index <number>
    <base64 of 32 bytes>      the path from the leaf's sibling up, one hash a line, perhaps none

then an empty line and the log's signed checkpoint, as it is.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from quickpoll.verification.notes import DECIMAL, BadNote, from_base64, to_base64

HEAD = "c2sp.org/tlog-proof@v1"


@dataclass(frozen=True)
class Proof:
    """An entry's place, the path from there to the root, and the checkpoint with the root."""

    index: int
    path: Sequence[bytes]
    checkpoint: bytes
    extra: bytes | None = None

    def __bytes__(self) -> bytes:
        extra = [] if self.extra is None else [f"extra {to_base64(self.extra)}"]
        lines = [HEAD, *extra, f"index {self.index}", *map(to_base64, self.path), ""]
        return "\n".join(lines).encode() + b"\n" + self.checkpoint

    @classmethod
    def parse(cls, content: bytes) -> Proof:
        """Read a proof. Raises :class:`~quickpoll.verification.notes.BadNote`."""
        above, empty_line, checkpoint = content.partition(b"\n\n")
        try:
            lines = above.decode("ascii").split("\n")
        except UnicodeDecodeError:
            raise BadNote("it is not a tlog-proof") from None
        if not empty_line or lines.pop(0) != HEAD:
            raise BadNote("it is not a tlog-proof")
        extra = from_base64(lines.pop(0)[6:]) if lines and lines[0].startswith("extra ") else None
        if not lines or not lines[0].startswith("index ") or not DECIMAL.fullmatch(lines[0][6:]):
            raise BadNote("it names no index")
        path = [from_base64(line, 32) for line in lines[1:]]
        return cls(int(lines[0][6:]), path, checkpoint, extra)
