"""What operators see: names of requests, and metrics."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import httpx
import pytest
from quart import Quart

from quickpoll.factory import create_app
from quickpoll.localrun.embedded import StoreAddresses
from quickpoll.settings import Settings
from tests.builders import create_poll, look, vote
from tests.conftest import bearer, environment, served, settings_from
from tests.integration.realtime_harness import running

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


async def test_votes_are_counted_by_what_became_of_them(client: httpx.AsyncClient) -> None:
    poll = await create_poll(client, user)
    changing = await create_poll(client, user, allowVoteChange=True)
    before = await metrics(client)

    for place in (0, 0, 1):
        await vote(client, poll, place, user)
        await vote(client, changing, place, user)
    ballot = f"/api/poll/ballot/{changing['id']}"
    await client.delete(ballot, headers=bearer(user))

    after = await metrics(client)
    outcomes = {
        outcome: after[name] - before[name]
        for outcome in ("created", "same", "changed", "already_voted", "retracted")
        if (name := f'quickpoll_votes_total{{outcome="{outcome}"}}')
    }
    assert outcomes == {
        "created": 2,
        "same": 2,
        "changed": 1,
        "already_voted": 1,
        "retracted": 1,
    }


async def test_stores_batches_and_memory_are_measured(client: httpx.AsyncClient) -> None:
    before = await metrics(client)
    poll = await create_poll(client, user)
    await vote(client, poll, 0, user)
    await look(client, poll, user)
    after = await metrics(client)

    grown = {name for name in after if after[name] > before.get(name, 0)}
    assert {
        'quickpoll_batch_size_items_sum{batch="votes"}',
        'quickpoll_batch_duration_seconds_count{batch="votes"}',
        'quickpoll_mongodb_duration_seconds_count{command="insert"}',
        "quickpoll_redis_duration_seconds_count",
        'quickpoll_cache_lookups_total{cache="polls",outcome="hit"}',
    } <= grown
    assert after['quickpoll_store_available{store="mongodb"}'] == 1
    assert after['quickpoll_store_available{store="redis"}'] == 1
    assert after["quickpoll_http_requests_in_hand"] == 1


async def test_two_applications_in_one_process_each_have_their_gauges(
    client: httpx.AsyncClient, stores: StoreAddresses, name: str
) -> None:
    other: Quart = create_app(settings_from(environment(stores, f"{name}2")))
    async with served(other) as second:
        await create_poll(client, user)
        mine, theirs = await metrics(client), await metrics(second)

    lookups = 'quickpoll_cache_lookups_total{cache="tokens",outcome="miss"}'
    assert (mine[lookups], theirs[lookups]) == (1, 0)


@pytest.mark.parametrize(
    ("authorization", "status"),
    [("Bearer the-token", 200), ("Bearer another", 401), ("Basic the-token", 401), ("", 401)],
)
async def test_metrics_may_ask_for_a_token(
    stores: StoreAddresses, name: str, authorization: str, status: int
) -> None:
    app = create_app(settings_from(environment(stores, name, API_METRICS_TOKEN="the-token")))
    async with served(app) as client:
        answer = await client.get("/metrics", headers={"Authorization": authorization})

    assert answer.status_code == status


async def test_answers_are_kept_by_nobody_but_their_caller(client: httpx.AsyncClient) -> None:
    poll = await create_poll(client, user)
    address = f"/api/poll/get-poll-by-id/{poll['id']}"
    seen = await client.get(address, headers=bearer(user))
    same = await client.get(
        address, headers={**bearer(user), "If-None-Match": seen.headers["ETag"]}
    )
    refused = await client.get(address)
    listed = await client.get("/api/poll/get-all-polls", headers=bearer(user))
    absent = await client.get("/nowhere")
    answers = (seen, same, refused, listed, absent)

    assert [one.status_code for one in answers] == [200, 304, 401, 200, 404]
    assert {one.headers["X-Content-Type-Options"] for one in answers} == {"nosniff"}
    assert [one.headers["Cache-Control"] for one in answers] == [
        "private, no-cache",
        "private, no-cache",
        "no-store",
        "no-store",
        "no-store",
    ]


async def test_many_who_ask_for_readiness_ask_mongodb_once(client: httpx.AsyncClient) -> None:
    pings = 'quickpoll_mongodb_duration_seconds_count{command="ping"}'
    before = (await metrics(client)).get(pings, 0)

    answers = await asyncio.gather(*(client.get("/health/ready") for _ in range(20)))

    assert {one.status_code for one in answers} == {200}
    assert (await metrics(client))[pings] - before < 5


async def test_the_document_is_written_once(client: httpx.AsyncClient) -> None:
    first, second = [(await client.get("/openapi.json")) for _ in range(2)]

    assert first.content == second.content
    assert first.json()["openapi"].startswith("3.1")
    assert first.headers["Content-Type"] == "application/json"


async def test_requests_have_names_over_the_network_too(settings: Settings) -> None:
    async with running(settings) as live:
        client = await live.http()
        answer = await client.get("/api/poll/get-all-polls", headers={"X-Request-ID": "mine-2"})
        screen = await live.open(headers={"X-Request-ID": "mine-3"})

    assert answer.headers.get_list("X-Request-ID") == ["mine-2"]
    assert screen.socket.response is not None
    assert screen.socket.response.headers.get_all("X-Request-ID") == ["mine-3"]


async def test_live_updates_are_measured_from_the_vote_on(settings: Settings) -> None:
    async with running(settings) as live:
        client = await live.http()
        poll = await create_poll(client, user)
        screen = await live.screen()
        await screen.subscribe(poll["id"])
        before = await metrics(client)
        await vote(client, poll, 0, user)
        await screen.until("vote-update", votesCount=1)
        after = await metrics(client)

    lag, sent = "quickpoll_update_lag_seconds", "quickpoll_socket_messages_total"
    assert after[f"{lag}_count"] > before[f"{lag}_count"]
    assert 0 <= after[f"{lag}_sum"] - before[f"{lag}_sum"] < 60
    assert after[sent] > before[sent]
    assert after["quickpoll_socket_clients"] == 1
    assert after["quickpoll_socket_subscriptions"] == 1
