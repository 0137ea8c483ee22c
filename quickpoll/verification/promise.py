"""Promises: a signed word that an entry will be in the log, given with the answer to a write.

One tree over all entries of a batch, signed once, promises each of them: its leaf hash, the path
and the signed root. The leaves stand at random places among random hashes, so that a path tells
neither how many wrote in that moment nor in which order. A subtree without an entry is one
random hash: nobody can tell, and a batch of one needs ``depth`` hashes rather than 2^depth.
"""

from __future__ import annotations

import json
import re
from base64 import b64decode
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from os import urandom
from typing import Any

from quickpoll.verification import dice, objects, tree
from quickpoll.verification.notes import (
    BadNote,
    Signer,
    VerifierKey,
    from_base64,
    open_note,
    to_base64,
)

LEAST_DEPTH = 4
USUAL_DEPTH = 6
"""Deep enough for 64 entries; the same for every smaller batch."""

SECONDS = 24 * 3600
"""How long after the answer ``by`` is: room for an outage. The rule is ten seconds."""

_TEXT = re.compile(r"quickpoll promise v1\nroot ([^\n]{44})\nby (close|0|[1-9][0-9]{0,14})\n")


def depth_for(count: int) -> int:
    """How deep a batch's tree is: coarse steps, so that it tells little."""
    depth = max(USUAL_DEPTH, (count - 1).bit_length())
    return depth + depth % 2


class PromiseTree:
    """The tree of one batch."""

    def __init__(
        self,
        entries: Sequence[bytes],
        *,
        places: Sequence[int] | None = None,
        random: Callable[[int], bytes] = urandom,
    ) -> None:
        """``places`` and ``random`` are for tests that want the same tree again."""
        self.depth = depth_for(len(entries))
        self.places = places or dice.some_of(1 << self.depth, len(entries))
        leaves = zip(self.places, map(tree.leaf_hash, entries), strict=True)
        self._levels = [dict(leaves)]
        for _ in range(self.depth):
            self._levels.append(_above(self._levels[-1], random))
        self.root = self._levels[-1][0]
        self._notes: dict[tuple[bytes, int | None], str] = {}

    def path(self, number: int) -> list[bytes]:
        """The path of the entry that came as the ``number``-th."""
        place = self.places[number]
        return [self._levels[up][(place >> up) ^ 1] for up in range(self.depth)]

    def note(self, signer: Signer, by: int | None) -> str:
        """The signed root, due at a Unix time or at the next close (``None``); signed once."""
        which = signer.key.id, by
        if which not in self._notes:
            self._notes[which] = signer.sign(promise_text(self.root, by)).decode()
        return self._notes[which]


def _above(level: dict[int, bytes], random: Callable[[int], bytes]) -> dict[int, bytes]:
    """The level above one, whose missing neighbours become random hashes."""
    for place in [one ^ 1 for one in level if one ^ 1 not in level]:
        level[place] = random(tree.HASH_BYTES)
    lefts = [place for place in level if not place & 1]
    return {place >> 1: tree.node_hash(level[place], level[place | 1]) for place in lefts}


def promise_text(root: bytes, by: int | None) -> str:
    """The text that is signed."""
    return f"quickpoll promise v1\nroot {to_base64(root)}\nby {'close' if by is None else by}\n"


def open_promise(note: bytes, keys: Iterable[VerifierKey]) -> tuple[bytes, int | None]:
    """The root and when it is due (``None``: at the next close). Raises ``BadNote``."""
    text, _ = open_note(note, keys)
    found = _TEXT.fullmatch(text)
    if found is None:
        raise BadNote("it is signed, but no promise")
    return from_base64(found[1], tree.HASH_BYTES), None if found[2] == "close" else int(found[2])


@dataclass(slots=True)
class Promise:
    """What a voter holds: the entry, what opens it, and where it is under the signed root.

    ``user_id`` and ``option_ids`` are known where the whole answer to the vote was kept.
    """

    entry: bytes
    pepper: str
    salt: str | None
    index: int
    path: tuple[bytes, ...]
    note: bytes
    user_id: str | None = None
    option_ids: tuple[str, ...] | None = None

    def as_json(self) -> dict[str, Any]:
        """The object in a Vote; a retraction's has no salt."""
        found: dict[str, Any] = {"entry": self.entry.decode("ascii"), "pepper": self.pepper}
        if self.salt is not None:
            found["salt"] = self.salt
        path = [to_base64(one) for one in self.path]
        return found | {"index": self.index, "path": path, "note": self.note.decode()}

    def as_header(self) -> str:
        """The value of ``Quickpoll-Promise``."""
        return to_base64(json.dumps(self.as_json(), separators=(",", ":")).encode())

    @classmethod
    def parse(cls, content: bytes) -> Promise:
        """Read a promise: the object itself, the whole Vote around it, or the header's value.

        Raises ``ValueError`` (``BadNote``, ``BadObject``).
        """
        whole = objects.read_object(_decoded(content.strip()))
        found = objects.inner(whole, "promise")
        objects.held_to(_FORMS | ({"salt": objects.hex_hash} if "salt" in found else {}), found)
        known = {name: whole[name] for name in _OF_THE_VOTE if name in whole}
        objects.held_to({name: _OF_THE_VOTE[name] for name in known}, known)
        return cls(
            entry=found["entry"].encode(),
            pepper=found["pepper"],
            salt=found.get("salt"),
            index=found["index"],
            path=tuple(from_base64(one, tree.HASH_BYTES) for one in found["path"]),
            note=found["note"].encode(),
            user_id=known.get("userId"),
            option_ids=tuple(known["optionIds"]) if "optionIds" in known else None,
        )


_FORMS: dict[str, objects.Form] = {
    "entry": objects.text,
    "pepper": objects.hex_hash,
    "index": objects.whole,
    "path": objects.path,
    "note": objects.text,
}
_OF_THE_VOTE: dict[str, objects.Form] = {"userId": objects.hex_id, "optionIds": objects.choice}


def _decoded(content: bytes) -> bytes:
    """JSON as it is; anything else is taken for the base64 of the header."""
    if content[:1] == b"{":
        return content
    try:
        return b64decode(content, validate=True)
    except ValueError:
        raise objects.BadObject("it is neither JSON nor base64 of it") from None
