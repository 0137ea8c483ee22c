"""What the document of a ballot has of the log of a verifiable poll.

A ballot carries its own entries: each write of it brings its entry, in the same document, so a
write and its entry are one, whenever it lands. ``log`` holds what opens the present entry
(``pepper``, ``salt``, ``entry``), the entries that are not in the log yet (``waiting``, in the
order of the revisions), and where the present one is (``first``). ``unlogged`` is there as long
as something waits: it names the poll, says whether anything may be published now, and ends in a
token that no other write of this document has. Other polls have neither field, and no entry in
their index.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from os import urandom
from secrets import token_hex
from typing import Any, NamedTuple

from quickpoll.foundation.stores.mongo import Document
from quickpoll.verification import entries

MAY_BE_PUBLISHED, SEALED = "a", "s"
"""How ``unlogged`` begins: something of the ballot may be published now, or nothing before the
close."""

RETRACTION = "retract "


class Line(NamedTuple):
    """An entry of a ballot, and what opens it: a retraction has no salt."""

    entry: str
    pepper: str
    salt: str | None

    @property
    def tag(self) -> str:
        """Whose it is, for whoever has the pepper."""
        return self.entry.split(" ")[1]


class Logged(NamedTuple):
    """What a stored ballot has of the log: its present entry, the entries that wait, and the first
    place in the log at which the present one may be."""

    line: Line
    waiting: tuple[str, ...] = ()
    may_be_published: bool = False
    first: int = 0

    @property
    def waits(self) -> bool:
        """Whether the present entry is not in the log yet."""
        return self.line.entry in self.waiting


def cast_line(poll_id: str, user_id: str, option_ids: Iterable[str]) -> Line:
    """A new ballot: under a tag that nobody has had."""
    secrets = urandom(64).hex()
    pepper, salt = secrets[:64], secrets[64:]
    tag = entries.tag(poll_id, pepper, user_id)
    commit = entries.commit(poll_id, tag, salt, option_ids)
    return Line(entries.cast_entry(tag, commit).decode(), pepper, salt)


def change_line(poll_id: str, standing: Line, option_ids: Iterable[str]) -> Line:
    """Another choice on a ballot."""
    salt = token_hex(32)
    commit = entries.commit(poll_id, standing.tag, salt, option_ids)
    return Line(entries.change_entry(standing.tag, commit).decode(), standing.pepper, salt)


def retract_line(standing: Line) -> Line:
    """A ballot taken back."""
    return Line(entries.retract_entry(standing.tag).decode(), standing.pepper, None)


def erase_line(standing: Line) -> Line:
    """A ballot whose person was erased: nothing is left that opens its entries."""
    return Line(entries.erase_entry(standing.tag).decode(), "", None)


def mark(poll_id: str, token: str, *, sealed: bool) -> str:
    """The value of ``unlogged``."""
    return f"{SEALED if sealed else MAY_BE_PUBLISHED}{poll_id}{token}"


def marks_of(poll_id: str, kind: str) -> Document:
    """Which values of ``unlogged`` are of this poll and kind."""
    return {"$gt": f"{kind}{poll_id}", "$lt": f"{kind}{poll_id}~"}


def parts_of(poll_id: str, kind: str) -> list[Document]:
    """The same in sixteen parts, by the first digit of the token."""
    firsts = [f"{kind}{poll_id}{digit}" for digit in "0123456789abcdef"]
    ends = [*firsts[1:], f"{kind}{poll_id}~"]
    return [{"$gte": low, "$lt": high} for low, high in zip(firsts, ends, strict=True)]


def fields_of_new(poll_id: str, line: Line, token: str, *, sealed: bool) -> Document:
    """The fields that a new ballot has besides its own."""
    opened = {"pepper": line.pepper, "salt": line.salt, "entry": line.entry}
    waiting = [{"entry": line.entry, "sealed": sealed}]
    return {
        "log": {**opened, "waiting": waiting},
        "unlogged": mark(poll_id, token, sealed=sealed),
    }


def update_with(
    poll_id: str, before: Logged | None, lines: list[Line], *, sealed: bool
) -> dict[str, Document]:
    """What a write that brings these entries changes: the last one is the present one."""
    last = lines[-1]
    still_open = before is not None and before.may_be_published
    waiting = [{"entry": line.entry, "sealed": sealed} for line in lines]
    opening = {"log.pepper": last.pepper, "log.salt": last.salt}
    return {
        "$set": {
            **(opening if last.pepper else {}),
            "log.entry": last.entry,
            "unlogged": mark(poll_id, token_hex(8), sealed=sealed and not still_open),
        },
        "$push": {"log.waiting": {"$each": waiting}},
        "$unset": {} if last.pepper else dict.fromkeys(opening, ""),
    }


def logged_of(document: Mapping[str, Any]) -> Logged | None:
    """What a stored ballot has of the log; ``None`` where it has nothing."""
    found = document.get("log")
    if not found or "entry" not in found:
        return None
    line = Line(found["entry"], found.get("pepper", ""), found.get("salt"))
    waiting = tuple([one["entry"] for one in found.get("waiting", ())])
    open_now = str(document.get("unlogged", "")).startswith(MAY_BE_PUBLISHED)
    return Logged(line, waiting, open_now, found.get("first", 0))


def lines_of(
    ballot: tuple[str, str],
    standing: Line | None,
    before: tuple[str, ...],
    choices: Iterable[tuple[str, ...]],
) -> list[Line]:
    """The entries of several choices of one ``ballot`` (poll and user), one after the other.

    ``standing`` is the entry of the ballot as it was ``before``; ``None`` where there is no ballot,
    or where it has none yet. The same choice again is the same entry.
    """
    found: list[Line] = []
    for options in choices:
        if standing is None:
            standing = cast_line(*ballot, options)
        elif options != before:
            standing = change_line(ballot[0], standing, options)
        found.append(standing)
        before = options
    return found
