"""Redis elsewhere than on one host: over TLS, behind Sentinels, in a Cluster; and failovers in
mid-vote, after which every count is exact."""

from __future__ import annotations

import asyncio
import json
from collections import Counter
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from secrets import token_hex
from typing import Any

import httpx
import pytest
from prometheus_client import REGISTRY
from redis.crc import key_slot

from quickpoll.composition import Services
from quickpoll.factory import create_app
from quickpoll.foundation.stores.redis_address import RedisAddress
from quickpoll.localrun.embedded import StoreAddresses
from quickpoll.settings import BadSettings, load_settings
from tests.builders import create_poll, look, option
from tests.conftest import bearer, environment, served, settings_from
from tests.integration.redis_servers import (
    Cluster,
    Relay,
    Valkey,
    Watched,
    certify,
    sentinel_password,
    tls_context,
)

owner = "a" * 24


def drift() -> float | None:
    """How many counts were found wrong though they had been believed."""
    return REGISTRY.get_sample_value("quickpoll_counter_drift_total")


class Instances:
    """Two instances in this process that share a Redis, and everything that votes on them."""

    def __init__(self, services: list[Services], clients: list[httpx.AsyncClient]) -> None:
        self.services = services
        self.clients = clients
        self.votes: Counter[str] = Counter()

    async def vote(self, poll: dict[str, Any]) -> None:
        """One new user votes, on either instance; after a 503 again, as it says."""
        number = self.votes.total()
        chosen, user = option(poll, number % 3), bearer(token_hex(12))
        path = f"/api/poll/vote-on-poll/{poll['id']}/{chosen}"
        while (answer := await self.clients[number % 2].post(path, headers=user)).is_server_error:
            assert answer.status_code == 503, answer.text
        assert answer.status_code in (200, 201), answer.text
        self.votes[chosen] += 1

    async def until_counted(self, poll: dict[str, Any], redis: Callable[[], Valkey]) -> None:
        """Wait until Redis has every vote in its plain counters, and both instances use it."""
        services = self.services[0]
        names = [services.counters.keys.option(poll["id"], one["id"]) for one in poll["options"]]
        wanted = [str(self.votes[one["id"]]) for one in poll["options"]]
        async with asyncio.timeout(20):
            while await asyncio.to_thread(redis().ask, "MGET", *names) != wanted:  # noqa: ASYNC110
                await asyncio.sleep(0.05)

    async def shows(self, poll: dict[str, Any]) -> list[dict[str, int]]:
        """The counts that each instance shows."""
        shown = [await look(client, poll, owner) for client in self.clients]
        return [{one["id"]: view["counts"][one["id"]] for one in poll["options"]} for view in shown]


@asynccontextmanager
async def two_instances(
    stores: StoreAddresses, name: str, url: str, **more: str
) -> AsyncIterator[Instances]:
    variables = environment(stores, name, API_REDIS_URL=url, **more)
    async with AsyncExitStack() as stack:
        apps = [create_app(settings_from(variables)) for _ in range(2)]
        clients = [await stack.enter_async_context(served(app)) for app in apps]
        yield Instances([app.extensions["quickpoll"] for app in apps], clients)


@pytest.fixture
def watched(tmp_path: Path) -> Iterator[Watched]:
    servers = Watched(tmp_path)
    yield servers
    servers.close()


@pytest.fixture
def cluster(tmp_path: Path) -> Iterator[Cluster]:
    servers = Cluster(tmp_path)
    yield servers
    servers.close()


async def votes_through_a_failover(
    instances: Instances, kill: Callable[[], None], replaced: Callable[[], bool]
) -> dict[str, Any]:
    """Vote without a pause while the master dies and another takes over, and for a while after."""
    poll = await create_poll(instances.clients[0], owner)
    for _ in range(20):
        await instances.vote(poll)
    await asyncio.to_thread(kill)
    async with asyncio.timeout(30):
        while not await asyncio.to_thread(replaced):
            await instances.vote(poll)
    for _ in range(20):
        await instances.vote(poll)
    return poll


async def test_sentinels_replace_the_master_and_every_vote_is_counted_once(
    stores: StoreAddresses, name: str, watched: Watched
) -> None:
    more = {"API_REDIS_SENTINEL_PASSWORD": sentinel_password}
    async with two_instances(stores, name, watched.url, **more) as instances:
        before = {one.redis.run_id for one in instances.services}
        poll = await votes_through_a_failover(
            instances, watched.master.kill, lambda: watched.replica.role() == "master"
        )
        await instances.until_counted(poll, lambda: watched.replica)
        assert await instances.shows(poll) == [dict(instances.votes)] * 2
        assert before & {one.redis.run_id for one in instances.services} == set()


async def test_cluster_moves_our_slot_and_every_vote_is_counted_once(
    stores: StoreAddresses, name: str, cluster: Cluster
) -> None:
    prefix = f"{{{name}}}:"
    url, key = cluster.url, f"{prefix}any"
    async with two_instances(stores, name, url, API_REDIS_PREFIX=prefix) as instances:
        master = cluster.serving(key)
        poll = await votes_through_a_failover(
            instances, master.kill, lambda: cluster.serving(key) is not master
        )
        await instances.until_counted(poll, lambda: cluster.serving(key))
        assert await instances.shows(poll) == [dict(instances.votes)] * 2


async def test_cluster_is_told_nothing_outside_our_slot(
    stores: StoreAddresses, name: str, cluster: Cluster
) -> None:
    async with two_instances(stores, name, cluster.url, API_REDIS_PREFIX="") as instances:
        poll = await create_poll(instances.clients[0], owner)
        await instances.vote(poll)
        serving = cluster.serving("{quickpoll}:")
        await instances.until_counted(poll, lambda: serving)
        keys = [key for node in cluster.nodes[:3] for key in node.ask("KEYS", "*")]
        assert {key_slot(key.encode()) for key in keys} == {key_slot(b"quickpoll")}
        option_key = f"{{quickpoll}}:poll:{poll['id']}:option:{option(poll, 0)}"
        assert serving.ask("GET", option_key) == "1"


async def test_tls_is_spoken_with_a_server_that_our_authority_vouches_for(
    stores: StoreAddresses, name: str, tmp_path: Path
) -> None:
    authority, certificate, key = certify(tmp_path)
    async with Relay(stores.redis_port, tls_context(certificate, key)) as relay:
        url = f"rediss://127.0.0.1:{relay.port}/0"
        async with two_instances(stores, name, url, API_REDIS_CA_FILE=str(authority)) as instances:
            async with asyncio.timeout(20):
                while not all(one.redis.available for one in instances.services):  # noqa: ASYNC110
                    await asyncio.sleep(0.05)
            poll = await create_poll(instances.clients[0], owner)
            await instances.vote(poll)
            assert await instances.shows(poll) == [dict(instances.votes) | _zeros(poll)] * 2
        async with two_instances(stores, f"{name}b", url) as strangers:
            assert not any(one.redis.available for one in strangers.services)
            poll = await create_poll(strangers.clients[0], owner)
            await strangers.vote(poll)
            assert strangers.votes.total() == 1


def _zeros(poll: dict[str, Any]) -> dict[str, int]:
    return {option(poll, place): 0 for place in (1, 2)}


async def test_counts_of_a_master_that_took_over_too_early_are_not_believed(
    stores: StoreAddresses, name: str, tmp_path: Path
) -> None:
    """Cut off from the others, an instance goes on with the old master; the new one, where they
    have recounted meanwhile, never hears of its last votes."""
    old, new = (Valkey(tmp_path, which).start() for which in ("old", "new"))
    try:
        async with (
            Relay(old.port) as relay,
            two_instances(stores, name, f"redis://127.0.0.1:{relay.port}") as instances,
        ):
            poll = await create_poll(instances.clients[0], owner)
            await instances.vote(poll)
            counters = instances.services[0].counters
            state = counters.keys.state(poll["id"])
            said = json.loads(old.ask("GET", state))
            said["run"] = new.ask("INFO", "server")["run_id"]
            new.ask("SET", state, json.dumps(said))
            await instances.vote(poll)
            believed_and_wrong = drift()
            await relay.turn(new.port)
            await instances.until_counted(poll, lambda: new)
            assert drift() == believed_and_wrong
            assert (await instances.shows(poll))[0] == (await instances.shows(poll))[1]
    finally:
        old.kill()
        new.kill()


async def test_server_with_a_password_and_a_database_of_its_own(
    stores: StoreAddresses, name: str, tmp_path: Path
) -> None:
    server = Valkey(tmp_path, "locked", "user polls on >s3cret%word ~* &* +@all").start()
    url = f"redis://polls:s3cret%25word@127.0.0.1:{server.port}/3"
    try:
        async with two_instances(stores, name, url) as instances:
            poll = await create_poll(instances.clients[0], owner)
            await instances.vote(poll)
            assert server.ask("INFO", "keyspace")["db3"]["keys"] > 0
    finally:
        server.kill()


def test_place_of_a_url() -> None:
    place = RedisAddress.parse("rediss+sentinel://u:p%40w@one,two:5/polls/2")
    assert place.addresses == (("one", 26379), ("two", 5))
    assert (place.kind, place.tls, place.master, place.database) == ("sentinel", True, "polls", 2)
    assert (place.user, place.password) == ("u", "p@w")
    assert "p@w" not in repr(place)
    assert RedisAddress.parse("redis://[::1]:7").addresses == (("::1", 7),)
    assert RedisAddress.parse("redis://:new@one", password="old").password == "new"
    assert RedisAddress.parse("redis://one", password="old").password == "old"


@pytest.mark.parametrize(
    "url",
    [
        "localhost:6379",
        "http://localhost",
        "redis://",
        "redis://one:port",
        "redis://one,two",
        "redis://one/zero",
        "redis+sentinel://one:26379",
        "redis+cluster://one/1",
    ],
)
def test_url_that_says_nothing_useful_is_refused(url: str) -> None:
    with pytest.raises(ValueError, match=r"^it "):
        RedisAddress.parse(url)


@pytest.mark.parametrize(
    ("variables", "said"),
    [
        ({"API_REDIS_URL": "http://one"}, "API_REDIS_URL: it begins with none of"),
        ({"API_REDIS_CA_FILE": "/nowhere/ca.pem"}, "API_REDIS_CA_FILE: /nowhere/ca.pem is not"),
        (
            {"API_REDIS_URL": "redis+cluster://one", "API_REDIS_PREFIX": "polls:"},
            "API_REDIS_PREFIX: it has no {hash tag}",
        ),
    ],
)
def test_settings_that_cannot_work_end_the_start(
    variables: dict[str, str], said: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.chdir(tmp_path)
    for name, value in {
        "API_DATABASE_URL": "mongodb://nowhere.invalid/quickpoll",
        "JWT_SECRET_KEY": "x" * 32,
        **variables,
    }.items():
        monkeypatch.setenv(name, value)
    with pytest.raises(BadSettings) as refused:
        load_settings()
    assert str(refused.value).startswith(f"QuickPoll cannot start: {said}")
