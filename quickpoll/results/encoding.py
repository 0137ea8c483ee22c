"""Polls as bytes: what most callers see is the same, and encoded once for all of them."""

from __future__ import annotations

from collections import OrderedDict
from typing import NamedTuple

from quickpoll.counting.tally import Tally
from quickpoll.polls.store import KnownPoll
from quickpoll.results.marks import unmarked
from quickpoll.results.view import Sight

remembered = 4_000
"""Encoded polls kept, those not used for longest forgotten first (a kilobyte or so each)."""


class _Shown(NamedTuple):
    """A poll as it was encoded, and everything that the encoding was made from."""

    known: KnownPoll
    tally: Tally
    status: str
    body: bytes

    def shows(self, sight: Sight) -> bool:
        """Whether it shows this poll as it is now."""
        return (
            self.known is sight.known
            and (self.tally is sight.tally or self.tally == sight.tally)
            and self.status == sight.status
        )


class Encodings:
    """Encodes sights of polls; those of callers without ballot and like are remembered."""

    def __init__(self) -> None:
        self._shown: OrderedDict[tuple[str, bool], _Shown] = OrderedDict()

    def of(self, sight: Sight) -> bytes:
        """The JSON object of a PollView."""
        if sight.mark != unmarked:
            return sight.encoded()
        key = sight.known.id, sight.open_to_caller
        shown = self._shown.get(key)
        if shown is None or not shown.shows(sight):
            shown = _Shown(sight.known, sight.tally, sight.status, sight.encoded())
            self._shown[key] = shown
        self._shown.move_to_end(key)
        if len(self._shown) > remembered:
            self._shown.popitem(last=False)
        return shown.body
