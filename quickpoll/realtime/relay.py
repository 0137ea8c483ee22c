"""The relay: from the bell to the screens, each client what it may see and nothing else."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Any, Protocol

from quickpoll.polls.bodies import instant
from quickpoll.polls.models import after_vote, always, public
from quickpoll.polls.store import KnownPoll, PollStore
from quickpoll.realtime.audience import Audience, Client, firehose, room
from quickpoll.realtime.coalescer import Coalescer, Kinds
from quickpoll.results.rules import everybody_may_see, may_see_results
from quickpoll.results.view import Sight, seen_without_ballot
from quickpoll.tallies.bell import Ring
from quickpoll.tallies.reading import TallyReader
from quickpoll.tallies.tally import Tally
from quickpoll.votes.store import VoteStore

vote_update, like_update, poll_update = "vote-update", "like-update", "poll-update"


class Sender(Protocol):
    """Sends an event to a room or to some connections, without waiting for any of them."""

    def send(
        self,
        event: str,
        payload: dict[str, Any],
        *,
        room: str | None = None,
        sids: Iterable[str] | None = None,
    ) -> int:
        """Answers to how many it went."""


class Relay:
    """Hears the bell, reads what changed and sends it on."""

    def __init__(
        self,
        polls: PollStore,
        votes: VoteStore,
        tallies: TallyReader,
        audience: Audience,
        sender: Sender,
    ) -> None:
        self._polls = polls
        self._votes = votes
        self._tallies = tallies
        self._audience = audience
        self._sender = sender
        self._visibility: dict[str, str] = {}
        self.coalescer = Coalescer(self.deliver)
        self._announcements: list[Ring] = []

    def hear(self, ring: Ring) -> None:
        """Take a message of the bell."""
        if ring.event == poll_update:
            self._polls.forget(ring.poll_id)
            if self._audience.watched(ring.poll_id):
                self._announcements.append(ring)
                self.coalescer.mark(ring.poll_id, poll_update)
        elif self._audience.watched(ring.poll_id):
            self.coalescer.mark(ring.poll_id, ring.event)

    def missed(self) -> None:
        """Messages may have been missed: every followed poll counts as changed."""
        self._polls.forget_all()
        for poll_id in self._audience.followed():
            self.coalescer.mark(poll_id, vote_update)
            self.coalescer.mark(poll_id, like_update)

    async def deliver(self, due: dict[str, Kinds]) -> dict[str, int]:
        """Send the present state of polls; answers how many events of each went out."""
        watched = {i: kinds for i, kinds in due.items() if self._audience.watched(i)}
        tallies = await self._tallies.of(watched) if watched else {}
        known = await self._polls.get_many(tallies)
        stale = {i: t.revision for i, t in tallies.items() if _is_stale(known.get(i), t)}
        known |= await self._polls.current(stale) if stale else {}
        sent = dict.fromkeys(due, 0)
        for poll_id, kinds in watched.items():
            sent[poll_id] += self._announce(poll_id, kinds, known.get(poll_id))
            if poll_id in tallies and poll_id in known:
                sent[poll_id] += await self._show(known[poll_id], tallies[poll_id], kinds)
        return sent

    def _announce(self, poll_id: str, kinds: Kinds, known: KnownPoll | None) -> int:
        """Send the changes of the poll itself, each one."""
        if poll_update not in kinds:
            return 0
        mine = [ring for ring in self._announcements if ring.poll_id == poll_id]
        self._announcements = [one for one in self._announcements if one.poll_id != poll_id]
        if known is not None:
            self._remember_visibility(known)
        for ring in mine:
            payload = {
                "pollId": poll_id,
                "change": ring.change,
                "version": ring.version,
                "at": instant(datetime.now(UTC)),
            }
            self._sender.send(poll_update, payload, room=room(poll_id))
            if self._visibility.get(poll_id) == public:
                self._sender.send(poll_update, payload, room=firehose)
        return len(mine)

    def _remember_visibility(self, known: KnownPoll) -> None:
        if len(self._visibility) > 20_000:
            self._visibility.clear()
        self._visibility[known.id] = known.poll.visibility

    async def _show(self, known: KnownPoll, tally: Tally, kinds: Kinds) -> int:
        self._remember_visibility(known)
        now = datetime.now(UTC)
        events = _events(known, kinds)
        if everybody_may_see(known.poll, now):
            self._to_all(known, seen_without_ballot(known, tally, now, open_to=True), events)
        else:
            await self._to_each(known, tally, now, events)
        return len(events)

    def _to_all(self, known: KnownPoll, sight: Sight, events: list[str]) -> None:
        for event in events:
            payload = _payload(event, sight)
            self._sender.send(event, payload, room=room(known.id))
            if known.poll.visibility == public:
                self._sender.send(event, payload, room=firehose)

    async def _to_each(
        self, known: KnownPoll, tally: Tally, now: datetime, events: list[str]
    ) -> None:
        """Results are hidden from some: those hear of likes only, which hide nothing."""
        clients = self._audience.followers(known.id)
        if known.poll.visibility == public:
            clients += self._audience.on_firehose()
        may = await self._who_may_see(known, clients, now)
        for event in events:
            full = _payload(event, seen_without_ballot(known, tally, now, open_to=True))
            self._sender.send(event, full, sids=[c.sid for c in clients if c.sid in may])
            if event == like_update:
                part = _payload(event, seen_without_ballot(known, tally, now, open_to=False))
                self._sender.send(event, part, sids=[c.sid for c in clients if c.sid not in may])

    async def _who_may_see(
        self, known: KnownPoll, clients: list[Client], now: datetime
    ) -> set[str]:
        voters: set[str] = set()
        if known.poll.results == after_vote and clients:
            users = {client.caller.user_id for client in clients}
            voters = set(await self._votes.of_users(known.id, users))
        return {
            client.sid
            for client in clients
            if may_see_results(
                known.poll, client.caller, has_ballot=client.caller.user_id in voters, now=now
            )
        }


def _events(known: KnownPoll, kinds: Kinds) -> list[str]:
    # With a change of the poll, more people may be allowed to see the counts that there are.
    revealed = {vote_update} if poll_update in kinds and known.poll.results != always else set()
    return [event for event in (vote_update, like_update) if event in kinds | revealed]


def _payload(event: str, sight: Sight) -> dict[str, Any]:
    payload = {"pollId": sight.known.id, **sight.counts(), "at": instant(sight.now)}
    if event == like_update:
        payload["likes"] = sight.tally.likes
        payload.pop("votersCount", None)
        payload.pop("votesCount", None)
    return payload


def _is_stale(known: KnownPoll | None, tally: Tally) -> bool:
    return known is not None and tally.revision > known.poll.revision
