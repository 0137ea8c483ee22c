"""What readiness says of an instance that has too much to do, or whose clock is wrong."""

from __future__ import annotations

from time import time
from typing import Any

import httpx
import pytest

from quickpoll.composition import Services
from tests.builders import create_poll, vote
from tests.conftest import bearer

user = "65f1c0ffee0000000000c001"


async def ready(client: httpx.AsyncClient) -> Any:
    answer = await client.get("/health/ready")
    assert answer.status_code == 200
    return answer.json()


async def metric(client: httpx.AsyncClient, name: str) -> float:
    lines = (await client.get("/metrics")).text.splitlines()
    return next(float(one.rpartition(" ")[2]) for one in lines if one.startswith(f"{name} "))


async def test_an_overloaded_instance_refuses_early_and_says_so(
    client: httpx.AsyncClient, services: Services
) -> None:
    poll = await create_poll(client, user)
    refused = "quickpoll_requests_shed_total"
    before = await metric(client, refused)
    await services.overload.aclose()  # it is looked here, and only here
    for number in range(200):
        services.overload.begin(number)
    services.overload.limit = 100

    for answer in (
        await vote(client, poll, 0, user),
        await client.get("/api/poll/get-all-polls", headers=bearer(user)),
    ):
        assert (answer.status_code, answer.json()["code"]) == (503, "overloaded")
        assert answer.headers["Retry-After"] == "1"
    # Who they are comes first, and health is never refused.
    assert (await client.get("/api/poll/get-all-polls")).status_code == 401
    assert await ready(client) == {"status": "degraded", "degraded": ["load"]}
    assert await metric(client, refused) == before + 2
    services.overload.look(0.0)
    assert await metric(client, "quickpoll_shed_ratio") > 0

    for number in range(200):
        services.overload.end(number)
    services.overload.look(0.0)
    assert (await vote(client, poll, 0, user)).status_code == 201
    assert await ready(client) == {"status": "ready"}


@pytest.mark.parametrize("ahead", [300.0, -300.0])
async def test_a_clock_that_is_wrong_is_told_once_and_degrades(
    client: httpx.AsyncClient,
    services: Services,
    caplog: pytest.LogCaptureFixture,
    ahead: float,
) -> None:
    watch = services.store_watch
    await watch.look()
    assert set(watch.skews) == {"redis", "mongodb"}
    assert await ready(client) == {"status": "ready"}

    watch.clock = lambda: time() + ahead
    for _ in range(3):
        await watch.look()
    assert await ready(client) == {"status": "degraded", "degraded": ["clock"]}
    for store in ("redis", "mongodb"):
        name = f'quickpoll_clock_skew_seconds{{store="{store}"}}'
        assert await metric(client, name) == pytest.approx(-ahead, abs=5)
    said = [one for one in caplog.messages if "clocks_differ" in one]
    assert len(said) == 2

    watch.clock = time
    await watch.look()
    assert await ready(client) == {"status": "ready"}


async def test_a_slow_answer_is_no_wrong_clock(services: Services) -> None:
    watch = services.store_watch
    times = iter([time() - 10, time() + 4])  # the answer took 14 s by our clock, 3 s off the middle

    async def theirs() -> float:
        return time()

    watch.clock = lambda: next(times)
    await watch._measure("redis", theirs)
    assert watch.skews["redis"] == pytest.approx(3, abs=0.5)
    assert not watch.clocks_differ
