"""What operators see: names of requests, and metrics."""

from __future__ import annotations

from collections.abc import AsyncIterator

import httpx
import pytest
from quart import Quart

from quickpoll.factory import create_app
from quickpoll.foundation.embedded import StoreAddresses
from tests.builders import create_poll, look
from tests.conftest import bearer, environment, served, settings_from

user = "65f1c0ffee0000000000c001"


@pytest.fixture
async def behind_a_proxy(stores: StoreAddresses, name: str) -> AsyncIterator[httpx.AsyncClient]:
    app: Quart = create_app(settings_from(environment(stores, name, API_TRUSTED_PROXIES="1")))
    async with served(app) as client:
        yield client


async def metrics(client: httpx.AsyncClient) -> dict[str, float]:
    lines = (await client.get("/metrics")).text.splitlines()
    pairs = (line.rpartition(" ") for line in lines if not line.startswith("#"))
    return {name: float(value) for name, _, value in pairs}


@pytest.mark.parametrize(
    ("path", "headers", "status"),
    [
        ("/", {}, 200),
        ("/api/poll/get-all-polls", {}, 401),
        ("/api/poll/get-poll-by-id/x", bearer(user), 422),
        ("/no/such/page", {}, 404),
    ],
)
async def test_every_answer_names_its_request(
    client: httpx.AsyncClient, path: str, headers: dict[str, str], status: int
) -> None:
    given = await client.get(path, headers={**headers, "X-Request-ID": "mine-1"})
    made = await client.get(path, headers={**headers, "X-Request-ID": "not harmless!"})

    assert (given.status_code, given.headers.get_list("X-Request-ID")) == (status, ["mine-1"])
    assert made.headers["X-Request-ID"] not in ("", "not harmless!")


async def test_requests_are_measured_by_template(client: httpx.AsyncClient) -> None:
    name = "quickpoll_http_request_duration_seconds_count"
    seen = f'{name}{{method="GET",route="/api/poll/get-poll-by-id/{{poll_id}}",status="200"}}'
    refused = f'{name}{{method="GET",route="/api/poll/get-poll-by-id/{{poll_id}}",status="401"}}'
    before = await metrics(client)

    poll = await create_poll(client, user)
    await look(client, poll, user)
    await client.get(f"/api/poll/get-poll-by-id/{poll['id']}")

    after = await metrics(client)
    assert after[seen] == before.get(seen, 0) + 1
    assert after[refused] == before.get(refused, 0) + 1
    assert not any(poll["id"] in name for name in after)


async def test_links_name_the_address_that_the_proxy_was_called_by(
    behind_a_proxy: httpx.AsyncClient,
) -> None:
    for _ in range(2):
        await create_poll(behind_a_proxy, user)
    told = {"X-Forwarded-Proto": "https", "X-Forwarded-Host": "polls.example"}

    answer = await behind_a_proxy.get(
        "/api/poll/get-all-polls?limit=1", headers={**bearer(user), **told}
    )

    assert answer.headers["Link"].startswith("<https://polls.example/api/poll/get-all-polls?")


async def test_without_a_proxy_nobody_is_believed(client: httpx.AsyncClient) -> None:
    for _ in range(2):
        await create_poll(client, user)
    told = {"X-Forwarded-Proto": "https", "X-Forwarded-Host": "polls.example"}

    answer = await client.get("/api/poll/get-all-polls?limit=1", headers={**bearer(user), **told})

    assert answer.headers["Link"].startswith("<http://test/")
