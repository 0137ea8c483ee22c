"""Poll + counts + own ballot and like: what one caller sees of a poll, encoded once."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime
from hashlib import blake2b
from typing import Any, NamedTuple

import orjson

from quickpoll.auth.caller import Caller
from quickpoll.counting.reading import TallyReader
from quickpoll.counting.tally import Tally
from quickpoll.counting.versions import shown_version
from quickpoll.errors import PollNotFound, ResultsHidden
from quickpoll.polls.entry import PollEntry
from quickpoll.polls.store import KnownPoll, PollStore
from quickpoll.results.caller_state import NOTHING_DONE, CallerState, CallerStateReader
from quickpoll.results.rules import may_see_results


class PollView(NamedTuple):
    """A poll with its counts, and whether the caller may see them; for live updates of a verifiable
    one, with the last published checkpoint of its log."""

    known: KnownPoll
    tally: Tally
    state: CallerState
    open_to_caller: bool
    now: datetime
    checkpoint: dict[str, Any] | None = None

    @property
    def status(self) -> str:
        """``open`` or ``closed``, at that moment."""
        return self.known.poll.status_at(self.now)

    @property
    def version(self) -> int:
        """Of everything in it that is the same for all who may see as much."""
        seen = self.tally.version if self.open_to_caller else self.tally.public_version
        return shown_version(
            seen,
            revisions_ahead=self.known.poll.revision - self.tally.revision,
            overdue=self.known.poll.is_overdue(self.now),
        )

    def counts(self) -> dict[str, Any]:
        """The counts that the caller may see; hidden means absent."""
        if not self.open_to_caller:
            return {
                "counts": {"likes": self.tally.likes},
                "version": self.version,
                "resultsHidden": True,
            }
        options = self.tally.of_options(self.known.option_order)
        return {
            "counts": {"likes": self.tally.likes, **options},
            "votersCount": self.tally.voters,
            "votesCount": self.tally.votes,
            "version": self.version,
        }

    def encoded(self) -> bytes:
        """The JSON object of a PollViewBody, without validating what was just built."""
        choice = self.state.option_ids
        dynamic = {
            **self.counts(),
            "userHasVoted": choice[0] if choice else None,
            "userVotes": choice,
            "userHasLiked": self.state.liked,
        }
        return self.known.encoded(self.now)[:-1] + b"," + orjson.dumps(dynamic)[1:]

    def snapshot(self) -> dict[str, Any]:
        """What a Socket.IO client gets of a poll when it subscribes."""
        said = {"pollId": self.known.id, "status": self.status, **self.counts()}
        return {**said, **self.witnessed()}

    def witnessed(self) -> dict[str, Any]:
        """What an update says of the log."""
        return {} if self.checkpoint is None else {"checkpoint": self.checkpoint}


def view_without_ballot(
    known: KnownPoll,
    tally: Tally,
    now: datetime,
    *,
    open_to: bool,
    checkpoint: dict[str, Any] | None = None,
) -> PollView:
    """A poll for an audience of which only this is known: whether it may see the results."""
    return PollView(known, tally, NOTHING_DONE, open_to, now, checkpoint)


def entity_tag(body: bytes, caller: Caller) -> str:
    """The ETag of an answer: it changes with the caller and with everything that they see."""
    return f'"{blake2b(body, digest_size=12, key=caller.user_id.encode()).hexdigest()}"'


class PollViews:
    """Looks at polls for callers."""

    def __init__(
        self, polls: PollStore, tallies: TallyReader, states: CallerStateReader, entry: PollEntry
    ) -> None:
        self._polls = polls
        self._tallies = tallies
        self._states = states
        self._entry = entry

    async def one(self, caller: Caller, poll_id: str) -> PollView:
        """One poll as the caller may see it.

        Raises :class:`~quickpoll.errors.PollNotFound` and
        :class:`~quickpoll.errors.GuestsNotAllowed`.
        """
        views = await self.many(caller, [poll_id])
        if not views:
            raise PollNotFound
        await self._entry.check(caller, views[0].known.poll)
        return views[0]

    async def results(self, caller: Caller, poll_id: str) -> PollView:
        """One poll for a caller who must be allowed to see its results.

        Raises :class:`~quickpoll.errors.PollNotFound` and
        :class:`~quickpoll.errors.ResultsHidden`.
        """
        view = await self.one(caller, poll_id)
        if not view.open_to_caller:
            raise ResultsHidden
        return view

    async def many(self, caller: Caller, poll_ids: Iterable[str]) -> list[PollView]:
        """Those of the polls that exist, in the given order, read in two round trips at once."""
        wanted = list(poll_ids)
        if not wanted:
            return []
        asked = self._states.ask(caller.user_id, wanted)
        try:
            tallies = await self._tallies.read(wanted)
        except BaseException:
            asked.cancel()  # nobody will hear the answer
            raise
        states = await self._states.answer(asked)
        known = await self._polls.current({i: tally_revision(t) for i, t in tallies.items()})
        now = datetime.now(UTC)
        return [
            _view(known[i], tallies[i], states.get(i, NOTHING_DONE), caller, now)
            for i in wanted
            if i in tallies and i in known
        ]


def tally_revision(tally: Tally) -> int:
    """The revision that a poll shown with these counts must have at least; 0 where MongoDB must
    be asked."""
    return tally.revision if tally.current else 0


def _view(
    known: KnownPoll, tally: Tally, state: CallerState, caller: Caller, now: datetime
) -> PollView:
    has_ballot = bool(state.option_ids)
    seen = may_see_results(known.poll, caller, has_ballot=has_ballot, now=now)
    return PollView(known, tally, state, seen, now)
