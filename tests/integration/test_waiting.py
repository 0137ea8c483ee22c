"""Marks of ballots that wait to be logged are taken off in writes of bounded size."""

from __future__ import annotations

from collections.abc import AsyncIterator
from secrets import token_hex

import pytest
from bson import ObjectId
from motor.motor_asyncio import AsyncIOMotorClient
from pymongo import monitoring

from quickpoll.foundation.stores.mongo import Document, open_engine
from quickpoll.settings import Settings
from quickpoll.transparency.pace import Pace
from quickpoll.transparency.state import Step, Told
from quickpoll.transparency.waiting import AT_ONCE, WaitingBallots
from quickpoll.votes.logged import Line, fields_of_new
from quickpoll.votes.models import Vote

poll = "65f1c0ffee0000000000ab01"


class Updates(monitoring.CommandListener):
    """Keeps how many ids each part of an update names, and how many updates there were."""

    def __init__(self) -> None:
        self.ids: list[int] = []
        self.commands = 0

    def started(self, event: monitoring.CommandStartedEvent) -> None:
        self.commands += "updates" in event.command
        for one in event.command.get("updates", ()):
            self.ids.append(len(one["q"]["_id"]["$in"]))

    def succeeded(self, event: monitoring.CommandSucceededEvent) -> None:
        """Of no interest here."""

    def failed(self, event: monitoring.CommandFailedEvent) -> None:
        """Of no interest here."""


@pytest.fixture
async def updates() -> Updates:
    return Updates()


@pytest.fixture
async def waiting(settings: Settings, updates: Updates) -> AsyncIterator[WaitingBallots]:
    address = settings.api_database_url.get_secret_value()
    client: AsyncIOMotorClient[Document] = AsyncIOMotorClient(address, event_listeners=[updates])
    engine = open_engine(client, settings.database_name)
    await engine.get_collection(Vote).insert_many([ballot(place) for place in range(250)])
    yield WaitingBallots(engine, Pace(20, clock=lambda: 0.0))
    client.close()


def ballot(place: int) -> Document:
    """One of those that were cast together, by tens."""
    entry = f"cast {place:064x} {place:064x}"
    line, token = Line(entry, token_hex(32), token_hex(32)), f"{place // 10:016x}"
    own = {"_id": ObjectId(), "userId": ObjectId(), "pollId": ObjectId(poll), "optionIds": []}
    return own | fields_of_new(poll, line, token, sealed=False)


async def test_many_ballots_lose_their_marks_in_small_writes(
    waiting: WaitingBallots, updates: Updates
) -> None:
    """On a slow store one large write outlasts its time limit, and the log would stand still; here
    the store is quick, so the second write has the rest."""
    found = await waiting.to_be_published(poll, 1000)
    lines = [line for one in found for line in one.lines(sealed_too=False)]
    step = Step(lines, Told().after(lines), whole=[(one.key, one.mark) for one in found])
    assert len(step.whole) == 250
    await waiting.take_off(step, 1)
    assert await waiting.to_be_published(poll, 1000) == []
    assert sum(updates.ids) == 250
    assert max(updates.ids) <= AT_ONCE
    assert updates.commands == 2
