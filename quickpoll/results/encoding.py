"""Polls as bytes: what most callers see is the same, and encoded once for all of them."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Collection
from typing import NamedTuple

from quickpoll.counting.tally import Tally
from quickpoll.polls.store import KnownPoll
from quickpoll.results.caller_state import NOTHING_DONE
from quickpoll.results.poll_view import PollView

REMEMBERED = 4_000
"""Encoded polls kept, those not used for longest forgotten first (a kilobyte or so each)."""


class _Shown(NamedTuple):
    """A poll as it was encoded, and everything that the encoding was made from."""

    known: KnownPoll
    tally: Tally
    status: str
    body: bytes

    def shows(self, view: PollView) -> bool:
        """Whether it shows this poll as it is now."""
        return (
            self.known is view.known
            and (self.tally is view.tally or self.tally == view.tally)
            and self.status == view.status
        )


class Encodings:
    """Encodes views of polls; those of callers without ballot and like are remembered."""

    def __init__(self) -> None:
        self._shown: OrderedDict[tuple[str, bool], _Shown] = OrderedDict()

    def of(self, view: PollView) -> bytes:
        """The JSON object of a PollViewBody."""
        if view.state != NOTHING_DONE:
            return view.encoded()
        key = view.known.id, view.open_to_caller
        shown = self._shown.get(key)
        if shown is None or not shown.shows(view):
            shown = _Shown(view.known, view.tally, view.status, view.encoded())
            self._shown[key] = shown
        self._shown.move_to_end(key)
        if len(self._shown) > REMEMBERED:
            self._shown.popitem(last=False)
        return shown.body

    def forget_of(self, user_ids: Collection[str]) -> None:
        """Keep nothing of the polls of these users."""
        for key in [k for k, one in self._shown.items() if str(one.known.poll.user_id) in user_ids]:
            del self._shown[key]
