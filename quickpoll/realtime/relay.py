"""The relay: from the update channel to the screens, each client what it may see and nothing
else."""

from __future__ import annotations

import asyncio
from collections.abc import Container, Iterable, Iterator
from dataclasses import replace
from datetime import UTC, datetime
from time import time
from typing import Any, Protocol

from prometheus_client import Counter

from quickpoll.counting.events import EventKind, PollEvent
from quickpoll.counting.reading import Tallies, TallyReader
from quickpoll.counting.tally import Tally
from quickpoll.foundation.observability import metrics
from quickpoll.polls.models import AFTER_VOTE, PUBLIC
from quickpoll.polls.store import KnownPoll, PollStore
from quickpoll.realtime.audience import FIREHOSE, Audience, Client, room
from quickpoll.realtime.coalescer import COST_OF_FAILURE, Coalescer, Kinds
from quickpoll.realtime.pending_changes import DELETED, ChangeUpdate, PendingChanges, keep
from quickpoll.realtime.shut_out import ShutOut
from quickpoll.realtime.updates import (
    LIKE_UPDATE,
    POLL_UPDATE,
    VOTE_UPDATE,
    due_events,
    payload_of,
    payload_of_change,
)
from quickpoll.results.poll_view import PollView, tally_revision, view_without_ballot
from quickpoll.results.rules import everybody_may_see, may_see_results
from quickpoll.transparency.checkpoints import Checkpoints
from quickpoll.votes.store import VoteStore

messages = Counter("quickpoll_socket_messages_total", "Live updates, counted once for each client")

MOST_AT_ONCE = 2_000
"""Messages that are sent without letting anybody else have a turn: some 15 ms."""

RECENT_ON_FIREHOSE = 100
"""Polls shown anew to those who follow none, after messages may have been missed."""


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

    def empty(self, room: str) -> None:
        """Nobody is in that room any more."""


class Relay:
    """Hears the update channel, reads what changed and sends it on."""

    def __init__(
        self,
        polls: PollStore,
        votes: VoteStore,
        tallies: TallyReader,
        audience: Audience,
        sender: Sender,
        shut_out: ShutOut,
        checkpoints: Checkpoints | None = None,
    ) -> None:
        self._checkpoints = checkpoints
        self._polls = polls
        self._votes = votes
        self._tallies = tallies
        self._audience = audience
        self._sender = sender
        self._shut_out = shut_out
        self._pending = PendingChanges()
        self._first: dict[str, int] = {}  # {poll id: version of its first event not shown yet}
        self._delivered: dict[str, Tally] = {}  # {poll id: the counts sent last}
        self.coalescer = Coalescer(self.deliver)

    def receive(self, event: PollEvent) -> None:
        """Take an event of the update channel."""
        known = self._polls.known(event.poll_id)
        if event.kind is EventKind.POLL:
            self._polls.forget(event.poll_id)
            if event.change == DELETED and event.public is None and known is not None:
                event = replace(event, public=known.poll.visibility == PUBLIC)
        if self._audience.reach(event.poll_id):
            if event.kind is not EventKind.POLL:
                self._first.setdefault(event.poll_id, event.version)
            else:
                self._pending.show(event.poll_id, known)
                if event.change is not None:
                    self._pending.add(event)
            self.coalescer.mark(event.poll_id, event.kind)

    def delivered(self, poll_id: str) -> int:
        """The version of the counts that were sent last of a poll; 0 where that is long ago."""
        last = self._delivered.get(poll_id)
        return 0 if last is None else last.version

    def subscribed(self, view: PollView) -> None:
        """A client sees a poll like this."""
        self._pending.show(view.known.id, view.known)
        if view.known.id not in self._delivered:
            keep(self._delivered, view.known.id, view.tally)

    def missed(self) -> None:
        """Messages may have been missed: every poll that is watched counts as changed."""
        watched = dict.fromkeys(self._audience.followed())
        if self._audience.on_firehose():
            watched |= dict.fromkeys(self._polls.in_use(RECENT_ON_FIREHOSE))
            watched |= dict.fromkeys(self._pending.recent(RECENT_ON_FIREHOSE))
        for poll_id in watched:
            self._pending.show(poll_id, self._polls.known(poll_id))
            for kind in (POLL_UPDATE, VOTE_UPDATE, LIKE_UPDATE):
                self.coalescer.mark(poll_id, kind)
        self._polls.forget_all()

    async def deliver(self, due: dict[str, Kinds]) -> dict[str, int]:
        """Send the present state of polls; answers how many events of each that took."""
        sent: dict[str, int] = {}
        for part in self._parts(due):
            sent |= await self._deliver(part)
            await asyncio.sleep(0)
        self._measure(due, sent)
        return sent

    def _measure(self, due: Iterable[str], sent: Container[str]) -> None:
        now = int(time() * 1e6)
        for poll_id in due:
            first = self._first.pop(poll_id, None)
            if first is not None and poll_id in sent:
                metrics.update_lag.observe(max(now - first, 0) / 1e6)

    def _parts(self, due: dict[str, Kinds]) -> Iterator[dict[str, Kinds]]:
        """What somebody watches, in parts that do not keep the others waiting."""
        part: dict[str, Kinds] = {}
        size = 0
        for poll_id, kinds in due.items():
            reach = self._audience.reach(poll_id) * len(kinds)
            if part and size + reach > MOST_AT_ONCE:
                yield part
                part, size = {}, 0
            if reach:
                part[poll_id] = kinds
                size += reach
            else:
                self._pending.forget(poll_id)
        if part:
            yield part

    async def _deliver(self, due: dict[str, Kinds]) -> dict[str, int]:
        known = await self._polls.get_many(due)
        voters = await self._voters(known)
        # The counts come last, so that as little as possible lies between reading and sending: a
        # snapshot that is read later is then sent later, too.
        tallies = await self._tallies.read(due)
        stale = _stale(known, tallies)
        for poll_id in stale:  # the message that says so is on its way, or was never sent
            self._pending.show(poll_id, known.pop(poll_id))
        known |= await self._polls.current(stale)
        await self._shut_out.judge(known.values())
        heads = await self._checkpoints.of(known.values()) if self._checkpoints else {}
        sent = {}
        for poll_id, kinds in due.items():
            poll, tally = known.get(poll_id), tallies.get(poll_id)
            if poll is None or tally is None:
                sent[poll_id] = max(1, len(self._announce(poll_id, None, 0, {})))
            elif poll_id not in voters and _needs_voters(poll, datetime.now(UTC)):
                sent[poll_id] = self._later(poll_id, kinds)
            else:
                seen_by = voters.get(poll_id, set())
                sent[poll_id] = self._show(poll, tally, kinds, seen_by, heads.get(poll_id))
        return sent

    async def _voters(self, known: dict[str, KnownPoll]) -> dict[str, set[str]]:
        """For polls whose results voters see: who of their watchers has voted."""
        now = datetime.now(UTC)
        asked = [poll for poll in known.values() if _needs_voters(poll, now)]
        answers = await asyncio.gather(
            *(
                self._votes.of_users(p.id, {c.caller.user_id for c in self._watchers(p)})
                for p in asked
            ),
            return_exceptions=True,
        )
        pairs = zip(asked, answers, strict=True)
        return {
            poll.id: set(users) for poll, users in pairs if not isinstance(users, BaseException)
        }

    def _later(self, poll_id: str, kinds: Kinds) -> int:
        """Who may see the poll could not be read: nobody is shown it before that is known."""
        for kind in kinds:
            self.coalescer.mark(poll_id, kind)
        return COST_OF_FAILURE

    def _watchers(self, known: KnownPoll) -> list[Client]:
        clients = self._audience.followers(known.id)
        return clients + (self._audience.on_firehose() if known.poll.visibility == PUBLIC else [])

    def _announce(
        self, poll_id: str, known: KnownPoll | None, version: int, more: dict[str, Any]
    ) -> list[ChangeUpdate]:
        """Send what has happened to the poll itself; answers what that was."""
        changes = self._pending.take(poll_id, known.poll if known else None, version)
        for change in changes:
            payload = payload_of_change(poll_id, change, datetime.now(UTC), more)
            self._send_to_all(poll_id, POLL_UPDATE, payload, on_firehose=change.public)
            if change.name == DELETED:
                self._audience.close(poll_id)
                self._sender.empty(room(poll_id))
        return changes

    def _show(
        self, known: KnownPoll, tally: Tally, kinds: Kinds, voters: set[str], head: Any
    ) -> int:
        now = datetime.now(UTC)
        full = view_without_ballot(known, tally, now, open_to=True, checkpoint=head)
        part = full._replace(open_to_caller=False)
        changes = self._announce(known.id, known, full.version, full.witnessed())
        self._shut_out.show_out(known.id)
        due = due_events(known.poll, kinds, changes, tally, self._delivered.get(known.id))
        if any(change.version >= full.version for change in changes):
            # It has come since the counts were read. Whoever goes by versions would not take them
            # after it: they are read again, and then are newer.
            for event in due:
                self.coalescer.mark(known.id, event)
            return len(changes)
        keep(self._delivered, known.id, tally)
        events = [one for one in due if self._pending.is_new(known.id, one, full.version)]
        if everybody_may_see(known.poll, now):
            self._pending.shown(known.id, full.version)
            for event in events:
                self._send_to_all(
                    known.id,
                    event,
                    payload_of(event, full),
                    on_firehose=known.poll.visibility == PUBLIC,
                )
        else:
            self._pending.shown(known.id, part.version)
            self._show_each(full, part, events, voters)
        return max(1, len(changes) + len(events))

    def _show_each(
        self, full: PollView, part: PollView, events: list[str], voters: set[str]
    ) -> None:
        """Results are hidden from some: those hear of likes only, which hide nothing."""
        may: list[str] = []
        may_not: list[str] = []
        known = full.known
        for client in self._watchers(known):
            voted = client.caller.user_id in voters
            allowed = may_see_results(known.poll, client.caller, has_ballot=voted, now=full.now)
            (may if allowed else may_not).append(client.sid)
        for event in events:
            messages.inc(self._sender.send(event, payload_of(event, full), sids=may))
            if event == LIKE_UPDATE:
                messages.inc(self._sender.send(event, payload_of(event, part), sids=may_not))

    def _send_to_all(
        self, poll_id: str, event: str, payload: dict[str, Any], *, on_firehose: bool
    ) -> None:
        messages.inc(self._sender.send(event, payload, room=room(poll_id)))
        if on_firehose:
            messages.inc(self._sender.send(event, payload, room=FIREHOSE))


def _needs_voters(known: KnownPoll, now: datetime) -> bool:
    return known.poll.results == AFTER_VOTE and not everybody_may_see(known.poll, now)


def _stale(known: dict[str, KnownPoll], tallies: Tallies) -> dict[str, int]:
    """Polls that have another revision than was known, or perhaps have."""
    return {
        i: tally_revision(tally)
        for i, tally in tallies.items()
        if i in known and not 0 < tally_revision(tally) <= known[i].poll.revision
    }
