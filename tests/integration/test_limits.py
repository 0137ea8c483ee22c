"""Limits as callers meet them: alone, over several instances, and without Redis."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from typing import Any

import httpx
import pytest

from quickpoll.auth.limits import RateLimit
from quickpoll.auth.sharing import LimitSharing
from quickpoll.errors import RateLimited
from quickpoll.factory import create_app
from quickpoll.foundation.stores.redis import RedisLink
from quickpoll.localrun.embedded import StoreAddresses
from tests.conftest import bearer, environment, served, settings_from
from tests.instances import free_port
from tests.integration.realtime_harness import running

path = "/api/poll/get-all-polls"
alice, bob = "65f1c0ffee0000000000a001", "65f1c0ffee0000000000b001"


@pytest.fixture
async def limited(stores: StoreAddresses, name: str) -> AsyncIterator[Any]:
    few = {
        "API_RATE_LIMITS": "on",
        "API_RATE_LIMIT_USER": "10",
        "API_RATE_LIMIT_ADDRESS": "5",
        "API_TRUSTED_PROXIES": "1",
    }
    app = create_app(settings_from(environment(stores, name, **few)))
    async with served(app) as client:
        yield client


async def statuses(client: httpx.AsyncClient, tries: int, **headers: str) -> list[int]:
    return [(await client.get(path, headers=headers)).status_code for _ in range(tries)]


async def test_a_user_is_limited_from_whatever_address(limited: httpx.AsyncClient) -> None:
    here = await statuses(limited, 6, **bearer(alice), **{"X-Forwarded-For": "192.0.2.1"})
    there = await statuses(limited, 6, **bearer(alice), **{"X-Forwarded-For": "192.0.2.2"})
    another = await statuses(limited, 6, **bearer(bob), **{"X-Forwarded-For": "192.0.2.1"})
    refused = await limited.get(path, headers=bearer(alice))

    assert (here, there, another) == ([200] * 6, [200] * 4 + [429] * 2, [200] * 6)
    assert refused.json()["code"] == "rate_limited"
    assert refused.headers["Retry-After"] == "1"
    assert refused.headers["Content-Type"] == "application/problem+json"


async def test_an_address_is_limited_for_what_has_no_token(limited: httpx.AsyncClient) -> None:
    one = {"X-Forwarded-For": "6.6.6.6, 192.0.2.1"}
    guesses = await statuses(limited, 4, Authorization="Bearer x.y.z", **one)
    missing = await statuses(limited, 3, **one)
    others = await statuses(limited, 2, **{"X-Forwarded-For": "6.6.6.6, 192.0.2.2"})
    good = await statuses(limited, 2, **bearer(alice), **one)

    assert (guesses, missing, others, good) == ([401] * 4, [401, 429, 429], [401] * 2, [200] * 2)


async def test_handshakes_and_subscriptions_count_like_requests(
    stores: StoreAddresses, name: str
) -> None:
    few = {"API_RATE_LIMITS": "on", "API_RATE_LIMIT_USER": "4", "API_RATE_LIMIT_ADDRESS": "3"}
    proxied = {**few, "API_TRUSTED_PROXIES": "1"}
    async with running(settings_from(environment(stores, name, **proxied))) as live:
        refusals = []
        for _ in range(4):
            stranger = await live.open(headers={"X-Forwarded-For": "192.0.2.1"})
            await stranger.join({"token": "x.y.z"})
            refusals.append(stranger.refused and stranger.refused["data"]["code"])
        elsewhere = await live.open(headers={"X-Forwarded-For": "192.0.2.2"})
        await elsewhere.join({"token": "x.y.z"})

        screen = await live.screen(alice)
        answers = [await screen.subscribe() for _ in range(4)]

    assert refusals == [*["invalid_token"] * 3, "rate_limited"]
    assert elsewhere.refused
    assert elsewhere.refused["data"]["code"] == "invalid_token"
    assert [answer.get("error", {}).get("code") for answer in answers] == [
        *[None] * 3,
        "rate_limited",
    ]


def through(limit: RateLimit, key: str, tries: int) -> int:
    """How many of so many requests an instance lets through."""
    count = 0
    for _ in range(tries):
        try:
            limit.take(key)
        except RateLimited:
            continue
        count += 1
    return count


class Clock:
    now = 1000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
async def instances(
    stores: StoreAddresses, name: str
) -> AsyncIterator[list[tuple[RateLimit, LimitSharing]]]:
    """Three instances that share a limit of 100 in 1,000 seconds, so that nothing drains."""
    links = [RedisLink(stores.redis_host, stores.redis_port) for _ in range(3)]
    found = []
    for link in links:
        await link.start()
        limit = RateLimit(100, 1000.0, Clock(), name="user")
        found.append((limit, LimitSharing(link, namer(name), [limit])))
    yield found
    for link in links:
        await link.aclose()


def namer(prefix: str) -> Callable[[str, str], str]:
    return lambda limit, key: f"{prefix}:{{{limit}}}:{key}"


async def test_three_instances_allow_little_more_than_one_would(
    instances: list[tuple[RateLimit, LimitSharing]],
) -> None:
    allowed = 0
    for _ in range(100):
        for limit, sharing in instances:
            allowed += through(limit, alice, 3)
            await sharing.share()

    # Each instance may have let a tenth through before it told the others.
    assert 100 <= allowed <= 130
    assert all(through(limit, bob, 5) == 5 for limit, _ in instances)


async def test_a_burst_on_all_instances_is_paid_back(
    instances: list[tuple[RateLimit, LimitSharing]],
) -> None:
    burst = sum(through(limit, alice, 200) for limit, _ in instances)
    for _ in range(2):  # they go on trying, which is when an instance asks what the others know
        for limit, sharing in instances:
            through(limit, alice, 1)
            await sharing.share()

    for limit, _ in instances:
        with pytest.raises(RateLimited) as refused:
            limit.take(alice)
        # 300 were let through: 2,000 seconds' worth too many, of which at most 1,000 are paid.
        assert 990 <= (refused.value.retry_after or 0) <= 1010
    assert burst == 300


async def test_without_redis_each_instance_limits_by_itself() -> None:
    link = RedisLink("127.0.0.1", free_port())
    limit = RateLimit(100, 1000.0, Clock(), name="user")
    sharing = LimitSharing(link, namer("none"), [limit])
    await link.start()
    try:
        first = through(limit, alice, 50)
        await sharing.share()
        rest = through(limit, alice, 100)
        await sharing.share()
    finally:
        await link.aclose()

    assert (first, rest) == (50, 50)


async def test_an_emptied_redis_gives_nobody_a_new_limit(
    instances: list[tuple[RateLimit, LimitSharing]], stores: StoreAddresses, name: str
) -> None:
    limit, sharing = instances[0]
    through(limit, alice, 100)
    await sharing.share()

    link = RedisLink(stores.redis_host, stores.redis_port)
    await link.start()
    await link.call("DEL", namer(name)("user", alice))
    await link.aclose()
    await sharing.share()

    assert through(limit, alice, 10) == 0
