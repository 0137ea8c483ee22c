"""What followers of a topic are told: never an older state after a newer one, and the end once."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterable
from typing import Any

import pytest

from quickpoll.auth.caller import Caller
from quickpoll.errors import TooManySubscriptions
from quickpoll.realtime.topic_relay import MOST_TOPICS, TopicRelay
from quickpoll.sessions.snapshots import SessionSnapshot

anybody = Caller("0a" * 12)


class Shelf:
    """Topics as they are now, and what was sent of them."""

    def __init__(self) -> None:
        self.now: dict[str, SessionSnapshot] = {}
        self.sent: list[int] = []
        self.statuses: list[str] = []
        self.readings = 0
        self.relay = TopicRelay("session-update", self, self)

    def put(self, version: int, *, gone: bool = False) -> None:
        """The topic is this now."""
        said = {"id": "a", "title": "" if gone else "Party", "version": version}
        self.now["a"] = SessionSnapshot(version, {**said, "status": "lobby"}, gone)

    async def check(self, caller: Caller, topic: str, found: SessionSnapshot | None) -> None:
        """Everybody may follow everything."""

    async def read(self, topics: Iterable[str]) -> dict[str, SessionSnapshot]:
        """Those that there are."""
        self.readings += 1
        return {one: self.now[one] for one in topics if one in self.now}

    async def versions(self, topics: Iterable[str]) -> dict[str, int]:
        """The versions of those that there are."""
        return {one: self.now[one].version for one in topics if one in self.now}

    def send(
        self,
        event: str,
        payload: dict[str, Any],
        *,
        room: str | None = None,
        sids: Iterable[str] | None = None,
    ) -> int:
        """Remember what is sent."""
        self.sent.append(payload["version"])
        self.statuses.append(payload["status"])
        return len(list(sids or ()))

    def empty(self, room: str) -> None:
        """Nobody is there."""

    async def look(self) -> None:
        """Send what there is."""
        await self.relay.deliver({"a": frozenset(["session-update"])})


@pytest.fixture
async def shelf() -> AsyncIterator[Shelf]:
    """One topic at version 5, and one who follows it and knows that."""
    found = Shelf()
    found.put(5)
    found.relay.start()
    found.relay.join("x", "a")
    assert (await found.relay.snapshot(anybody, "a")).version == 5
    yield found
    await found.relay.aclose()


async def test_only_what_is_newer_is_sent(shelf: Shelf) -> None:
    for version in (5, 6, 4, 6, 9):
        shelf.put(version)
        await shelf.look()
    assert shelf.sent == [6, 9]


async def test_who_comes_later_is_shown_nothing_older_than_what_was_sent(shelf: Shelf) -> None:
    shelf.put(7)
    await shelf.look()
    shelf.put(6)  # read before the other, answered after it
    shelf.relay.join("y", "a")
    assert (await shelf.relay.snapshot(anybody, "a")).version == 7


async def test_a_deletion_is_told_once_with_what_was_known_of_it(shelf: Shelf) -> None:
    shelf.put(6, gone=True)
    await shelf.look()
    await shelf.look()
    assert (shelf.sent, shelf.statuses) == ([6], ["deleted"])
    assert shelf.relay.join("x", "a")  # it was let go


async def test_what_is_nowhere_any_more_is_deleted_too(shelf: Shelf) -> None:
    del shelf.now["a"]
    await shelf.look()
    assert (shelf.sent, shelf.statuses) == ([6], ["deleted"])


async def test_a_hall_that_comes_at_once_costs_one_reading(shelf: Shelf) -> None:
    before = shelf.readings
    hall = [shelf.relay.snapshot(anybody, "a") for _ in range(500)]
    assert {found.version for found in await asyncio.gather(*hall)} == {5}
    assert shelf.readings == before + 1


async def test_nobody_is_told_who_left(shelf: Shelf) -> None:
    shelf.relay.leave_all("x")
    shelf.put(6)
    await shelf.look()
    assert shelf.sent == []


def test_a_connection_follows_so_many_topics() -> None:
    relay = Shelf().relay
    for number in range(MOST_TOPICS):
        assert relay.join("x", str(number))
    assert not relay.join("x", "0")
    with pytest.raises(TooManySubscriptions):
        relay.join("x", "another")
    relay.leave("x", "0")
    assert relay.join("x", "another")
