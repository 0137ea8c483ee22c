"""The indexes are made and changed by the service itself, while requests are served."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from secrets import token_hex
from typing import Any

import httpx
import pytest
from bson import ObjectId
from motor.motor_asyncio import AsyncIOMotorClient
from quart import Quart
from redis.asyncio import Redis

from quickpoll.composition import MODELS, Services
from quickpoll.factory import create_app
from quickpoll.foundation.stores.mongo import Client
from quickpoll.foundation.stores.mongo_indexes import spec_of, wanted_of
from quickpoll.localrun.embedded import EmbeddedMongo, StoreAddresses
from quickpoll.settings import Settings
from tests.builders import create_poll, look, option, vote
from tests.conftest import bearer, environment, settings_from, until_ready

released: dict[str, list[dict[str, Any]]] = {
    "vote": [
        {"name": "one_ballot", "key": {"userId": 1, "pollId": 1}, "unique": True},
        {"name": "counting", "key": {"pollId": 1, "optionIds": 1}},
    ],
    "like": [
        {"name": "one_like", "key": {"userId": 1, "pollId": 1}, "unique": True},
        {"name": "counting", "key": {"pollId": 1, "liked": 1}},
    ],
}
"""The indexes of version 0.1.0 on what grows with the votes; one entry for each released shape
belongs here."""

older: dict[str, list[dict[str, Any]]] = {
    "vote": [
        {"name": "one_ballot", "key": {"userId": 1, "pollId": 1}, "unique": True},
        {"name": "counting", "key": {"createdAt": 1}},
    ],
    "like": [{"name": "one_like", "key": {"pollId": 1, "userId": 1}, "unique": True}],
}
"""A shape in which a set of keys has changed under the same name, of both kinds."""


@pytest.fixture
def services(app: Quart) -> Services:
    """The parts of an application that is not running yet."""
    found: Services = app.extensions["quickpoll"]
    return found


@asynccontextmanager
async def database_of(settings: Settings) -> AsyncIterator[Any]:
    """The database, also while no service runs."""
    client: Client = AsyncIOMotorClient(settings.api_database_url.get_secret_value(), tz_aware=True)
    yield client[settings.database_name]
    client.close()


@pytest.fixture
async def over_there(settings: Settings) -> AsyncIterator[Any]:
    """The database of this test."""
    async with database_of(settings) as found:
        yield found


def client_of(app: Quart) -> httpx.AsyncClient:
    asgi = httpx.ASGITransport(app=app.asgi_app)  # type: ignore[arg-type]
    return httpx.AsyncClient(transport=asgi, base_url="http://test")


async def lay(database: Any, shape: dict[str, list[dict[str, Any]]]) -> None:
    for collection, indexes in shape.items():
        for one in indexes:
            options = {name: value for name, value in one.items() if name != "key"}
            await database[collection].create_index(list(one["key"].items()), **options)


async def fill(database: Any, poll: str, options: list[str], count: int) -> Counter[str]:
    """Ballots as an earlier version has stored them: 300 on this poll, the rest on others."""
    counts: Counter[str] = Counter()
    others = [ObjectId() for _ in range(count // 1000 + 1)]
    for start in range(0, count, 2000):
        ballots = []
        for number in range(start, min(start + 2000, count)):
            chosen = options[number % len(options)]
            here = number < 300
            counts[chosen] += here
            poll_id = ObjectId(poll) if here else others[number % len(others)]
            ballots.append(
                {"_id": ObjectId(), "userId": ObjectId(), "pollId": poll_id}
                | {"optionIds": [ObjectId(chosen)], "revision": 1}
            )
        await database["vote"].insert_many(ballots, ordered=False)
    return counts


async def forget(settings: Settings) -> None:
    """Take from Redis what it knows of this database: the ballots came without its knowledge."""
    place = settings.redis_address.addresses[0]
    async with Redis(host=place[0], port=place[1]) as redis:
        async for key in redis.scan_iter(f"{settings.redis_prefix}*"):
            await redis.delete(key)


async def specs(database: Any, collection: str) -> set[str]:
    found = await database[collection].list_indexes().to_list(None)
    return {spec_of(one).same_as for one in found if one["name"] != "_id_"}


def asked_for(collection: str) -> set[str]:
    model = next(one for one in MODELS if one.__collection__ == collection)
    return {one.same_as for one in wanted_of(model)}


async def until_finished(services: Services) -> None:
    """Wait until nothing is left to be made."""
    await until_ready(services)
    while services.schema.unfinished:  # noqa: ASYNC110 - the product offers no event for it
        await asyncio.sleep(0.02)


class HastyMongo(EmbeddedMongo):
    """SecantusDB that does not wait for the disk: it takes 10 ms for each entry of an index that is
    made later, which for 200,000 would be half an hour."""

    def _command(self, port: int) -> list[str]:
        return [one for one in super()._command(port) if one != "--sync-on-commit"]


async def upgrade(
    settings: Settings, shape: dict[str, list[dict[str, Any]]], count: int, seconds: float
) -> None:
    """Start the service on an earlier shape with so many ballots: it serves from the start, and
    what is asked for is there within ``seconds``."""
    user = token_hex(12)
    async with database_of(settings) as over_there:
        first = create_app(settings)
        async with first.test_app(), client_of(first) as client:
            await until_finished(first.extensions["quickpoll"])
            poll = await create_poll(client, user)
        for collection in ("vote", "like"):
            await over_there[collection].drop_indexes()
        await lay(over_there, shape)
        options = [one["id"] for one in poll["options"]]
        counts = await fill(over_there, poll["id"], options, count)
        await forget(settings)

        app = create_app(settings)
        services: Services = app.extensions["quickpoll"]
        async with app.test_app(), client_of(app) as client:
            await until_ready(services)
            assert (await client.get("/health/ready")).status_code == 200
            for place in (0, 1, 1):
                voter = token_hex(12)
                # While a large index is made a vote may take too long; then again, as it says.
                while (answer := await vote(client, poll, place, voter)).status_code == 503:
                    assert answer.json()["code"] == "unavailable"
                assert answer.status_code in (200, 201)
                counts[option(poll, place)] += 1
            async with asyncio.timeout(seconds):
                await until_finished(services)
            assert (await client.get("/health/ready")).json() == {"status": "ready"}
            for collection in ("vote", "like"):
                assert await specs(over_there, collection) == asked_for(collection)
            # A vote that was in doubt is counted within five seconds.
            shown: dict[str, int] = {}
            for _ in range(100):
                counted = (await look(client, poll, user))["counts"]
                shown = {one: counted[one] for one in options}
                if shown == counts:
                    break
                await asyncio.sleep(0.1)
            assert shown == dict(counts)


@pytest.mark.parametrize("shape", [released, older], ids=["0.1.0", "changed keys"])
async def test_an_earlier_shape_is_served_from_the_start_and_changed_beside_it(
    settings: Settings, shape: dict[str, list[dict[str, Any]]]
) -> None:
    await upgrade(settings, shape, 300, 100)


@pytest.mark.slow
@pytest.mark.timeout(1200)
@pytest.mark.parametrize("shape", [released, older], ids=["0.1.0", "changed keys"])
async def test_an_earlier_shape_with_many_votes_is_changed_beside_it(
    stores: StoreAddresses, name: str, tmp_path: Path, shape: dict[str, list[dict[str, Any]]]
) -> None:
    mongo = HastyMongo(tmp_path)
    await asyncio.to_thread(mongo.start)
    try:
        url = mongo.url(name)
        await upgrade(
            settings_from(environment(stores, name, API_DATABASE_URL=url)), shape, 200_000, 600
        )
    finally:
        await asyncio.to_thread(mongo.stop)


async def test_one_ballot_holds_while_its_index_is_changed(
    app: Quart, services: Services, over_there: Any
) -> None:
    keys = [("pollId", 1), ("userId", 1)]
    await over_there["vote"].create_index(keys, name="one_ballot", unique=True)
    async with app.test_app(), client_of(app) as client:
        await until_finished(services)
        poll, user = await create_poll(client, token_hex(12)), token_hex(12)
        first, again = await vote(client, poll, 0, user), await vote(client, poll, 1, user)
        assert (first.status_code, again.status_code) == (201, 409)
        names = set(await over_there["vote"].index_information())
        assert "one_ballot" not in names
        assert any(one.startswith("one_ballot-") for one in names)


async def test_an_instance_of_the_version_before_starts_again_and_takes_back_its_own(
    settings: Settings, app: Quart, services: Services, over_there: Any
) -> None:
    await over_there["vote"].create_index([("createdAt", 1)], name="counting")
    async with app.test_app():
        await until_finished(services)
    # What 0.1.0 does at its start: the indexes by their names, in one go.
    await over_there["vote"].create_index([("createdAt", 1)], name="counting")
    later = create_app(settings)
    async with later.test_app():
        await until_finished(later.extensions["quickpoll"])
    assert await specs(over_there, "vote") == asked_for("vote")


async def test_an_index_that_cannot_be_made_is_named_with_the_command_and_made_when_it_can(
    app: Quart, services: Services, over_there: Any, caplog: pytest.LogCaptureFixture
) -> None:
    twice = {"userId": ObjectId(), "pollId": ObjectId()}
    await over_there["vote"].insert_many([{**twice}, {**twice}])

    async with app.test_app(), client_of(app) as client:
        refused = await client.get("/api/poll/get-all-polls", headers=bearer())
        assert (refused.status_code, refused.json()["code"]) == (503, "unavailable")
        ready = await client.get("/health/ready")
        assert ready.status_code == 503
        for word in ("one_ballot", "db.vote.createIndex(", "alike"):
            assert word in ready.json()["detail"]
        assert str(twice["userId"]) not in ready.text

        await over_there["vote"].delete_one(twice)
        await until_finished(services)
        assert (await client.get("/health/ready")).json() == {"status": "ready"}

    said = [one for one in caplog.messages if "index_not_made" in one]
    assert len(said) == 1
    assert "one_ballot" in said[0]
    assert "createIndex" in said[0]
    assert str(twice["userId"]) not in said[0]
