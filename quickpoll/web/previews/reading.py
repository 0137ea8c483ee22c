"""Polls as anybody may see them, for pages that are asked for without a token.

Invariants:

- What is not for anybody is as what is not there: one answer, ``None``.
- A page never waits long for its preview, and never fails for it: where the stores do not answer,
  it has none.
- So many polls are looked up at a time, not more: strangers may ask for any address.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from datetime import UTC, datetime

import structlog

from quickpoll.counting.reading import TallyReader
from quickpoll.polls.ids import is_id
from quickpoll.polls.models import Poll
from quickpoll.polls.store import PollStore
from quickpoll.results.poll_view import PollView, tally_revision, view_without_ballot
from quickpoll.web.previews import rules
from quickpoll.web.previews.drawing import Drawing
from quickpoll.web.previews.sheet import Bar, svg

log = structlog.get_logger(__name__)

LOOK_UP_SECONDS = 1.5
MOST_AT_ONCE = 32


@dataclass(frozen=True)
class Preview:
    """A poll that anybody may see, and the version of its picture; 0 where it has none."""

    poll: Poll
    picture: int


class Previews:
    """Looks up what is for anybody; without guests, nothing is."""

    def __init__(self, polls: PollStore, tallies: TallyReader, *, guests: bool) -> None:
        self._polls = polls
        self._tallies = tallies
        self._guests = guests
        self._looking = 0
        self.drawing = Drawing()

    async def admits_everybody(self, poll_id: str) -> bool:
        """Whether anybody may vote on this poll, without an account."""
        view = await self._look(poll_id)
        return view is not None and rules.admits_everybody(view.known.poll)

    async def of(self, poll_id: str) -> Preview | None:
        """What is told of a poll; ``None`` for all that is not for anybody."""
        view = await self._look(poll_id)
        if view is None or not rules.may_be_told(view.known.poll):
            return None
        drawn = rules.may_be_drawn(view.known.poll, view.now)
        return Preview(view.known.poll, view.version if drawn else 0)

    async def picture(self, poll_id: str) -> bytes | None:
        """The picture of a poll (PNG); ``None`` where there is none.

        Raises :class:`~quickpoll.errors.Overloaded`.
        """
        view = await self._look(poll_id)
        if view is None or not rules.may_be_drawn(view.known.poll, view.now):
            return None
        return await self.drawing.of(view.known.id, view.version, lambda: _sheet(view))

    async def _look(self, poll_id: str) -> PollView | None:
        if not self._guests or not is_id(poll_id) or self._looking >= MOST_AT_ONCE:
            return None
        self._looking += 1
        try:
            async with asyncio.timeout(LOOK_UP_SECONDS):
                return await self._view(poll_id.lower())
        except Exception as error:
            log.info("preview_not_read", error=type(error).__name__)
            return None
        finally:
            self._looking -= 1

    async def _view(self, poll_id: str) -> PollView | None:
        tallies = await self._tallies.read([poll_id])
        known = await self._polls.current({i: tally_revision(t) for i, t in tallies.items()})
        if poll_id not in known:
            return None
        return view_without_ballot(
            known[poll_id], tallies[poll_id], datetime.now(UTC), open_to=True
        )


def _sheet(view: PollView) -> str:
    poll, voters = view.known.poll, view.tally.voters
    counts = view.counts()["counts"]
    bars = [_bar(one.text, counts[str(one.id)], voters) for one in poll.options]
    return svg(poll.question, bars)


def _bar(text: str, votes: int, voters: int) -> Bar:
    if not voters:
        return Bar(text, 0.0, 0)
    return Bar(text, votes / voters, (votes * 200 + voters) // (2 * voters))
