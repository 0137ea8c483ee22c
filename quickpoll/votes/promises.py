"""Promises to voters on verifiable polls: one small tree a batch, signed once."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Sequence
from time import time
from typing import NamedTuple

from quickpoll.errors import Unavailable
from quickpoll.polls.models import Poll
from quickpoll.verification.promise import SECONDS, Promise, PromiseTree
from quickpoll.verification.signers import Signers
from quickpoll.votes.logged import Line

NO_KEY = "The key that signs this poll's log is not here; no vote on it can be taken."


class Owed(NamedTuple):
    """An entry to be promised: under the key of its log, and until when."""

    line: Line
    key: str
    sealed: bool


def owed(poll: Poll, line: Line, *, is_open: bool = True) -> Owed:
    """What is promised of an entry of this poll: while it is open and its results are hidden, that
    it will be there with the next close."""
    return Owed(line, poll.log_key, sealed=is_open and poll.seals_log)


class Promises:
    """Makes promises with the keys of the service; ``clock`` answers Unix time."""

    def __init__(self, signers: Signers, clock: Callable[[], float] = time) -> None:
        self._signers = signers
        self._clock = clock

    def check_kept(self, poll: Poll) -> None:
        """Raises :class:`~quickpoll.errors.Unavailable` for a poll whose log nobody here can
        sign."""
        if poll.verifiable and self._signers.of(poll.log_key) is None:
            raise Unavailable(NO_KEY)

    def make(self, wanted: Sequence[Owed]) -> list[Promise]:
        """A promise for each, to be called once MongoDB has acknowledged all of them.

        Raises :class:`~quickpoll.errors.Unavailable` where nobody here can sign one of the logs.
        """
        by_key: defaultdict[str, list[int]] = defaultdict(list)
        for place, one in enumerate(wanted):
            by_key[one.key].append(place)
        made: dict[int, Promise] = {}
        due = int(self._clock()) + SECONDS
        for key, places in by_key.items():
            signer = self._signers.of(key)
            if signer is None:  # it has become verifiable since check_kept, by another instance
                raise Unavailable(NO_KEY)
            entries = [wanted[place].line.entry.encode() for place in places]
            tree, notes = PromiseTree(entries), dict[bool, bytes]()
            for number, (place, entry) in enumerate(zip(places, entries, strict=True)):
                line, _, sealed = wanted[place]
                if sealed not in notes:
                    notes[sealed] = tree.note(signer, None if sealed else due).encode()
                path, index = tuple(tree.path(number)), tree.places[number]
                made[place] = Promise(entry, line.pepper, line.salt, index, path, notes[sealed])
        return [made[place] for place in range(len(wanted))]
