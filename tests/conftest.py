"""Fixtures for all tests: real stores once a module, a database and key prefix of its own for
each test, applications in this process and services in processes of their own."""

from __future__ import annotations

import asyncio
import gc
import time
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import AsyncExitStack, asynccontextmanager, contextmanager
from pathlib import Path
from secrets import token_hex
from tempfile import TemporaryDirectory
from typing import Any
from urllib.parse import urlsplit, urlunsplit

import httpx
import hypothesis
import jwt
import pymongo.monitoring
import pytest
from quart import Quart

from quickpoll.composition import Services
from quickpoll.factory import create_app
from quickpoll.localrun.embedded import EmbeddedStores, StoreAddresses
from quickpoll.settings import Settings
from tests.instances import Instance
from tests.servers import given_mongodb, given_redis, in_memory, leave_nothing
from tests.stable_api import StableApiListener, taken

secret = "a secret for tests only, 32 bytes or more"

# No test depends on how fast the machine is.
hypothesis.settings.register_profile("quickpoll", deadline=None)
hypothesis.settings.load_profile("quickpoll")


def pytest_collection_finish() -> None:
    """Modules and collected tests stay: a full collection that looks at them again and again would
    hold up, for tenths of a second, the very loop whose applications are tested."""
    gc.collect()
    gc.freeze()


sent_to_mongodb = StableApiListener()
# Before any client is made: it hears all of them.
pymongo.monitoring.register(sent_to_mongodb)


@pytest.fixture(autouse=True)
def stable_api() -> Iterator[None]:
    """No test sends MongoDB what a strict server of its Stable API would refuse."""
    yield
    assert taken(sent_to_mongodb) == []


@contextmanager
def running_stores() -> Iterator[StoreAddresses]:
    """MongoDB and Redis: embedded, unless given."""
    with (
        TemporaryDirectory(dir=in_memory(), prefix="quickpoll-tests-") as folder,
        EmbeddedStores(Path(folder)) as embedded,
    ):
        redis = urlsplit(given_redis)
        yield StoreAddresses(
            given_mongodb or embedded.database_url,
            redis.hostname or embedded.redis_host,
            redis.port or (6379 if given_redis else embedded.redis_port),
        )


@pytest.fixture(scope="module")
def stores() -> Iterator[StoreAddresses]:
    """What the tests of a module share that do not harm it. Not those of all modules: what very
    many tests have done makes the embedded MongoDB slow, and changes at the same time time out."""
    with running_stores() as addresses:
        yield addresses


def sign(user_id: str | None = None, *, seconds: float = 86_400, **claims: Any) -> str:
    """A token for a user (a new one, where none is named).

    Some are made when the tests are collected, so it is good for longer than all of them take.
    """
    known = {"sub": user_id or token_hex(12), "exp": time.time() + seconds}
    return jwt.encode({**known, **claims}, secret, "HS256")


def bearer(user_id: str | None = None, **claims: Any) -> dict[str, str]:
    """The header that goes with :func:`sign`."""
    return {"Authorization": f"Bearer {sign(user_id, **claims)}"}


def environment(stores: StoreAddresses, name: str, **more: str) -> dict[str, str]:
    """The variables of a service with a database and a key prefix of its own."""
    url = urlsplit(stores.database_url)
    return {
        "API_DATABASE_URL": urlunsplit(url._replace(path=f"/{name}")),
        "API_REDIS_HOST": stores.redis_host,
        "API_REDIS_PORT": str(stores.redis_port),
        "API_REDIS_PREFIX": f"{name}:",
        "API_RATE_LIMITS": "off",
        "JWT_SECRET_KEY": secret,
        "LOG_LEVEL": "WARNING",
        **more,
    }


def settings_from(variables: dict[str, str]) -> Settings:
    """The settings that these variables make, whatever the environment holds."""
    named: dict[str, Any] = {name.lower(): value for name, value in variables.items()}
    return Settings(_env_file=None, **named)


@pytest.fixture
def name(stores: StoreAddresses) -> Iterator[str]:
    """The name of this test's database and the prefix of its keys."""
    found = f"t{token_hex(6)}"
    yield found
    leave_nothing(stores, found)


@pytest.fixture
def settings(stores: StoreAddresses, name: str) -> Settings:
    """Settings of this test's own database and keys."""
    return settings_from(environment(stores, name))


@asynccontextmanager
async def served(app: Quart) -> AsyncIterator[httpx.AsyncClient]:
    """An application running in this process, and a client of it without a network."""
    async with app.test_app():
        await until_ready(app.extensions["quickpoll"])
        asgi: Any = app.asgi_app
        transport = httpx.ASGITransport(app=asgi)
        async with httpx.AsyncClient(transport=transport, base_url="http://test") as client:
            yield client


async def until_ready(services: Services) -> None:
    """Wait until the indexes are there."""
    while not services.schema.ready:  # noqa: ASYNC110 - the product offers no event for it
        await asyncio.sleep(0.01)


@pytest.fixture
def app(settings: Settings) -> Quart:
    """An application that is not running yet."""
    return create_app(settings)


@pytest.fixture
async def client(app: Quart) -> AsyncIterator[httpx.AsyncClient]:
    """A client of the running application."""
    async with served(app) as client:
        yield client


@pytest.fixture
def services(app: Quart, client: httpx.AsyncClient) -> Services:
    """The parts of the running application."""
    found: Services = app.extensions["quickpoll"]
    return found


@pytest.fixture
def new_instance(stores: StoreAddresses, name: str) -> Iterator[Callable[..., Instance]]:
    """Makes instances of the service on this test's database, to be started; all end with it."""
    made: list[Instance] = []

    def make(**variables: str) -> Instance:
        made.append(Instance(environment(stores, name, **variables)))
        return made[-1]

    yield make
    for instance in made:
        instance.close()


@pytest.fixture
def start_instance(new_instance: Callable[..., Instance]) -> Callable[..., Instance]:
    """Starts instances of the service on this test's database; all end with the test."""
    return lambda **variables: new_instance(**variables).start()


@pytest.fixture
async def http() -> AsyncIterator[Callable[[str], httpx.AsyncClient]]:
    """Clients over the network, closed with the test."""
    async with AsyncExitStack() as stack:
        clients: list[httpx.AsyncClient] = []

        def connect(url: str) -> httpx.AsyncClient:
            client = httpx.AsyncClient(base_url=url, timeout=10)
            clients.append(client)
            stack.push_async_callback(client.aclose)
            return client

        yield connect
