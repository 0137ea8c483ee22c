"""Closed polls grow old: their ballots belong to nobody any more, and every count stays."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta
from secrets import token_hex
from typing import Any

import httpx
import pytest
from bson import ObjectId

from quickpoll.composition import Services
from quickpoll.foundation.concurrency.cancellation import cancel
from quickpoll.people import retention
from quickpoll.settings import Settings
from tests.builders import create_poll, look, vote
from tests.conftest import bearer
from tests.people.life import Places, act, erased, patience

owner, voter = "65f1c0ffee0000000009c001", "65f1c0ffee0000000009c002"
days = 30


@pytest.fixture
def settings(settings: Settings) -> Settings:
    return settings.model_copy(update={"api_retention_days": days})


@pytest.fixture(autouse=True)
def small_steps(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(retention, "BALLOTS_AT_ONCE", 2)
    monkeypatch.setattr(retention, "REST_SECONDS", 0.0)


async def polls(client: httpx.AsyncClient) -> tuple[dict[str, Any], dict[str, Any]]:
    """A poll that is closed, and one that is open; five have voted on each."""
    closed, opened = [await create_poll(client, owner) for _ in range(2)]
    for poll in (closed, opened):
        for someone in (voter, *(token_hex(12) for _ in range(4))):
            assert (await vote(client, poll, 1, someone)).status_code == 201
    await act(client, "POST", "close-poll", closed, owner)
    return closed, opened


async def owners(places: Places, poll: dict[str, Any]) -> set[str]:
    found = places.database["vote"].find({"pollId": ObjectId(poll["id"])})
    return {str(one["userId"]) async for one in found}


def later(**ahead: float) -> datetime:
    return datetime.now(UTC) + timedelta(**ahead)


async def test_a_poll_that_was_closed_for_longer_loses_its_links(
    client: httpx.AsyncClient, services: Services, places: Places
) -> None:
    closed, opened = await polls(client)
    before, kept = await owners(places, closed), await owners(places, opened)

    await services.people.retention.round(later(days=days - 1))
    assert await owners(places, closed) == before
    await services.people.retention.round(later(days=days, minutes=1))

    after = await owners(places, closed)
    assert (len(after), after & before) == (5, set())
    assert await owners(places, opened) == kept
    seen = await look(client, closed, voter)
    assert (seen["votersCount"], seen["userHasVoted"]) == (5, None)
    assert (await look(client, opened, voter))["userHasVoted"] is not None
    counted = await services.census.count(closed["id"])
    assert counted is not None
    assert counted.voters == 5


async def test_it_is_not_opened_again(client: httpx.AsyncClient, services: Services) -> None:
    """Else everybody could vote once more."""
    closed, _ = await polls(client)
    await services.people.retention.round(later(days=days, minutes=1))
    path = f"/api/poll/reopen-poll/{closed['id']}"
    answer = await client.post(path, headers=bearer(owner))
    assert (answer.status_code, answer.json()["code"]) == (409, "locked")
    copy = await act(client, "POST", "duplicate-poll", closed, owner)
    assert (await vote(client, copy.json(), 0, voter)).status_code == 201


async def test_what_was_cut_off_in_the_middle_is_gone_on_with(
    client: httpx.AsyncClient,
    services: Services,
    places: Places,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    closed, _ = await polls(client)
    before = await owners(places, closed)

    with monkeypatch.context() as patched:
        patched.setattr(retention, "REST_SECONDS", 60.0)
        cut = asyncio.create_task(services.people.retention.round(later(days=days, minutes=1)))
        async with asyncio.timeout(patience):
            while len(await owners(places, closed) & before) > 3:  # noqa: ASYNC110 - it has no event
                await asyncio.sleep(0.01)
        await cancel(cut)
    assert len(await owners(places, closed) & before) == 3

    await services.people.retention.round(later(days=days, minutes=1))

    assert await owners(places, closed) & before == set()


async def test_tombstones_go_with_the_links(
    client: httpx.AsyncClient, services: Services, places: Places
) -> None:
    closed, _ = await polls(client)
    await erased(client, services, voter)
    of_poll = {"pollId": ObjectId(closed["id"])}
    assert await places.database["tombstone"].count_documents(of_poll) == 1
    await services.people.retention.round(later(days=days, minutes=1))
    assert await places.database["tombstone"].count_documents(of_poll) == 0


async def test_one_line_says_what_was_done(
    client: httpx.AsyncClient, services: Services, caplog: pytest.LogCaptureFixture
) -> None:
    await polls(client)
    await polls(client)
    told: list[tuple[str, dict[str, Any]]] = []
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(retention.log, "info", lambda event, **more: told.append((event, more)))
        before = retention.unlinked._value.get()
        for _ in range(2):
            await services.people.retention.round(later(days=days, minutes=1))
    assert told == [("ballots_unlinked", {"polls": 2, "ballots": 10})]
    assert retention.unlinked._value.get() - before == 10
