"""How many people are in a session: over all instances, each person once, to those who lead."""

from __future__ import annotations

from collections.abc import AsyncIterator
from secrets import token_hex
from typing import Any

import httpx
import pytest

from quickpoll.counting.keys import Keys
from quickpoll.realtime import attendance
from quickpoll.settings import Settings
from tests.conftest import bearer
from tests.integration.realtime_harness import Live, Screen, running
from tests.integration.session_harness import Evening, an_evening, owner


@pytest.fixture
async def evening(rest: httpx.AsyncClient) -> Evening:
    """A session without polls."""
    return await an_evening(rest, [])


@pytest.fixture
async def second(settings: Settings) -> AsyncIterator[Live]:
    """Another instance of the same service."""
    async with running(settings) as live:
        yield live


async def enter(live: Live, evening: Evening, user: str, **claims: Any) -> Screen:
    """A screen of somebody who follows the session."""
    screen = await live.screen(user, **claims)
    assert "session" in await screen.ask("follow", {"sessionId": evening.id})
    return screen


async def count(*instances: Live) -> None:
    """Let each of them count now."""
    for live in instances:
        await live.services.attendance.round()


def numbers(screen: Screen) -> list[int]:
    """What a screen was told, in order."""
    return [said["people"] for name, said in screen.events if name == "session-attendance"]


async def test_those_who_lead_hear_how_many_are_in_on_every_instance(
    live: Live, second: Live, evening: Evening
) -> None:
    stage = await enter(live, evening, owner)
    admin = await enter(second, evening, token_hex(12), roles=["admin"])
    await count(live, second)
    for one in (stage, admin):
        assert await one.until("session-attendance") == {"sessionId": evening.id, "people": 0}
    twice = token_hex(12)
    hall = [
        await enter(live, evening, twice),
        await enter(second, evening, twice),
        await enter(second, evening, token_hex(12)),
        await enter(second, evening, token_hex(12)),
    ]
    await count(live, second, live)
    for one in (stage, admin):
        await one.until("session-attendance", people=3)
    await count(live, second)
    for one in (stage, admin):
        assert numbers(one) == sorted(set(numbers(one)))  # the same again is no news
    assert [numbers(one) for one in hall] == [[]] * 4


async def test_who_comes_later_to_lead_is_told_too(live: Live, evening: Evening) -> None:
    await enter(live, evening, token_hex(12))
    await count(live)
    stage = await enter(live, evening, owner)
    await count(live)
    await stage.until("session-attendance", people=1)


async def test_who_has_left_is_counted_no_longer(
    live: Live, second: Live, evening: Evening, monkeypatch: pytest.MonkeyPatch
) -> None:
    stage = await enter(live, evening, owner)
    gone, stays = [await enter(second, evening, token_hex(12)) for _ in range(2)]
    await count(second, live)
    await stage.until("session-attendance", people=2)
    await gone.close()
    monkeypatch.setattr(attendance, "AGAIN_SECONDS", 0.0)
    monkeypatch.setattr(attendance, "KEPT_SECONDS", 1.5)
    await stage.until("session-attendance", people=1)
    assert not stays.ended.is_set()


async def test_a_redis_that_was_emptied_is_told_again(
    live: Live, evening: Evening, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(attendance, "AGAIN_SECONDS", 1000.0)
    stage = await enter(live, evening, owner)
    for _ in range(3):
        await enter(live, evening, token_hex(12))
    await count(live)
    await stage.until("session-attendance", people=3)
    settings = live.services.settings
    key = Keys(settings.redis_prefix).attendance(evening.id)
    await live.services.redis.call("DEL", key)
    stage.events.clear()
    await enter(live, evening, token_hex(12))
    await count(live, live)
    await stage.until("session-attendance", people=4)


async def test_nothing_in_redis_says_who_it_is(live: Live, evening: Evening) -> None:
    someone = token_hex(12)
    await enter(live, evening, someone)
    await count(live)
    key = Keys(live.services.settings.redis_prefix).attendance(evening.id)
    (kept,) = await live.services.redis.call("ZRANGE", key, 0, -1)
    assert len(kept) == 16
    assert kept not in someone
    assert 0 < await live.services.redis.call("PTTL", key) <= 10_000


async def test_nobody_leads_who_was_shown_nothing(live: Live, evening: Evening) -> None:
    """Until an instance knows whose a session is, it counts nobody."""
    await evening.client.delete(f"/api/session/delete-session/{evening.id}", headers=bearer(owner))
    stage = await live.screen(owner)
    assert "error" in await stage.ask("follow", {"sessionId": evening.id})
    await count(live)
    assert numbers(stage) == []
