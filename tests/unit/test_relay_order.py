"""What a relay sends of a poll, and in which order, when events come at the worst moment."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest
from bson import ObjectId

from quickpoll.auth.caller import Caller
from quickpoll.auth.doors import Doors
from quickpoll.counting.events import EventKind, PollEvent
from quickpoll.counting.tally import Tally
from quickpoll.polls.entry import PollEntry
from quickpoll.polls.models import ALWAYS, CLOSED, Option, Poll
from quickpoll.polls.store import KnownPoll
from quickpoll.realtime.audience import Audience
from quickpoll.realtime.relay import Relay
from quickpoll.realtime.shut_out import ShutOut
from quickpoll.realtime.updates import LIKE_UPDATE, POLL_UPDATE, VOTE_UPDATE, due_events

owner = ObjectId()
first, second = ObjectId(), ObjectId()
poll = Poll(
    id=ObjectId(),
    question="Which?",
    folded="which?",
    user_id=owner,
    created_at=datetime(2030, 1, 1, tzinfo=UTC),
    options=[Option(id=first, text="a"), Option(id=second, text="b")],
)
poll_id = str(poll.id)


def tally(version: int, votes: int, *, likes: int = 0, revision: int = 1) -> Tally:
    return Tally({str(first): votes, str(second): 0}, votes, likes, version, version, revision)


class World:
    """What a relay reads, and what it has sent: as a screen takes it that goes by versions."""

    def __init__(self) -> None:
        self.poll, self.tally = poll, tally(6400, 2)
        self.on_current: Any = lambda: None
        self.sent: list[tuple[str, dict[str, Any]]] = []
        audience = Audience(10, 10)
        client = audience.enter("screen", Caller(str(ObjectId())))
        audience.follow(client, [poll_id])
        entry = PollEntry(self, Doors(self))  # type: ignore[arg-type]
        shut_out = ShutOut(audience, entry, lambda client, ids: None)
        self.relay = Relay(self, self, self, audience, self, shut_out)  # type: ignore[arg-type]

    def known(self, _: str) -> KnownPoll:
        return KnownPoll(self.poll)

    def forget(self, _: str) -> None:
        pass

    async def get_many(self, ids: Iterable[str]) -> dict[str, KnownPoll]:
        return {one: KnownPoll(poll) for one in ids}

    async def current(self, revisions: dict[str, int]) -> dict[str, KnownPoll]:
        self.on_current()
        return {one: KnownPoll(self.poll) for one in revisions}

    async def read(self, ids: Iterable[str]) -> dict[str, Tally]:
        return dict.fromkeys(ids, self.tally)

    def send(self, event: str, payload: dict[str, Any], **_: Any) -> int:
        self.sent.append((event, payload))
        return 1

    def empty(self, room: str) -> None:
        pass

    async def deliver(self, *kinds: str) -> None:
        await self.relay.deliver({poll_id: frozenset(kinds)})

    def screen(self) -> tuple[int, int]:
        """Version and votes that a client shows who ignores what is not newer."""
        version, votes = 0, 0
        for event, payload in self.sent:
            if payload["version"] > version:
                version = payload["version"]
                votes = payload["counts"][str(first)] if event != POLL_UPDATE else votes
        return version, votes


async def test_a_change_that_comes_after_the_counts_were_read_does_not_outdo_them() -> None:
    world = World()
    await world.deliver(VOTE_UPDATE)
    assert world.screen() == (6400, 2)
    world.tally = tally(12800, 3, revision=2)  # a change that was told; this poll is older

    def close() -> None:
        world.poll = poll.model_copy(update={"status": CLOSED, "revision": 3})
        world.relay.receive(PollEvent(EventKind.POLL, poll_id, 19200, "closed"))

    world.on_current = close
    await world.deliver(VOTE_UPDATE)
    world.tally = tally(19264, 3, revision=3)
    marked = world.relay.coalescer._schedule._pending[poll_id]
    await world.deliver(*marked)
    assert world.screen() == (19264, 3)


async def test_votes_whose_event_was_lost_come_with_the_next_that_is_heard() -> None:
    world = World()
    await world.deliver(VOTE_UPDATE)
    world.tally = tally(12864, 3, revision=1)
    world.relay.receive(PollEvent(EventKind.POLL, poll_id, 12800, "closed"))
    await world.deliver(POLL_UPDATE)
    assert world.screen()[1] == 3
    assert world.relay.delivered(poll_id) == 12864


@pytest.mark.parametrize(
    ("heard", "last", "now", "due"),
    [
        ({VOTE_UPDATE}, None, tally(2, 1), [VOTE_UPDATE]),
        ({POLL_UPDATE}, None, tally(2, 1), []),
        ({POLL_UPDATE}, tally(1, 1), tally(2, 1), []),
        ({POLL_UPDATE}, tally(1, 0), tally(2, 1), [VOTE_UPDATE]),
        ({LIKE_UPDATE}, tally(1, 0), tally(2, 0, likes=1), [LIKE_UPDATE]),
        ({VOTE_UPDATE}, tally(1, 0), tally(2, 1, likes=1), [VOTE_UPDATE, LIKE_UPDATE]),
        ({VOTE_UPDATE, LIKE_UPDATE}, tally(1, 0), tally(2, 1), [VOTE_UPDATE]),
        ({LIKE_UPDATE}, tally(1, 1), tally(2, 1), [LIKE_UPDATE]),
    ],
)
def test_what_differs_from_what_was_sent_is_due(
    heard: set[str], last: Tally | None, now: Tally, due: list[str]
) -> None:
    assert poll.results == ALWAYS
    assert due_events(poll, frozenset(heard), [], now, last) == due
    moved = last and replace(last, options={str(first): 9, str(second): 9})
    if moved:
        assert VOTE_UPDATE in due_events(poll, frozenset(heard), [], now, moved)
