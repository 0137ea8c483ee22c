"""Fixtures for all tests: real stores once a session, a database and key prefix of its own for
each test, applications in this process and services in processes of their own."""

from __future__ import annotations

import asyncio
import gc
import os
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import AsyncExitStack, ExitStack, asynccontextmanager
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
from pymongo import MongoClient
from quart import Quart
from redis import Redis

from quickpoll.composition import Services
from quickpoll.factory import create_app
from quickpoll.localrun.embedded import EmbeddedStores, StoreAddresses
from quickpoll.settings import Settings
from tests.stable_api import StableApiListener, taken

root = Path(__file__).parent.parent
without_env_file = root / "config"
"""Where services of the tests run: a developer's ``.env`` is none of their business."""

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


given_mongodb = os.environ.get("TEST_MONGODB", "")
given_redis = os.environ.get("TEST_REDIS", "")
"""Servers that somebody has (``make test MONGODB=… REDIS=…``), in place of the embedded ones."""


def in_memory() -> Path | None:
    """A file system in memory with room for the stores, or ``None`` for the ordinary place.

    A disk that stalls for the two seconds that the service waits for MongoDB is a 503, and rightly.
    """
    shared = Path("/dev/shm")  # noqa: S108 - a folder of an unpredictable name is made there
    roomy = os.access(shared, os.W_OK) and shutil.disk_usage(shared).free > 2 << 30
    return shared if roomy else None


@pytest.fixture(scope="session")
def stores() -> Iterator[StoreAddresses]:
    """MongoDB and Redis, shared by all tests that do not harm them: embedded, unless given."""
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


def leave_nothing(stores: StoreAddresses, name: str) -> None:
    """Take a test's database and keys away: a server with those of very many tests is slow."""
    with MongoClient[dict[str, Any]](stores.database_url) as client:
        for one in (name, f"{name}b"):  # a second one is named after the first
            client.drop_database(one)
    if given_redis:
        with Redis(stores.redis_host, stores.redis_port) as redis:
            for key in redis.scan_iter(f"{name}:*"):
                redis.delete(key)


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


class Instance:
    """The service in a process of its own, served by Hypercorn as in production."""

    def __init__(self, variables: dict[str, str], port: int | None = None) -> None:
        self.port = port or free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self.variables = variables
        self.code: Path | None = None
        """Where other code of the service is served from; ``None``: this code."""
        self.log: Path | None = None
        """The file that its log is added to; ``None``: that of the tests."""
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def pid(self) -> int:
        """The process id."""
        assert self._process is not None
        return self._process.pid

    @property
    def process(self) -> subprocess.Popen[bytes]:
        """The process, for tests that end it their own way."""
        assert self._process is not None
        return self._process

    def start(self, *, wait: bool = True) -> Instance:
        """Start it, in a process group of its own, and wait until it is ready."""
        command, folder = self.command()
        with ExitStack() as stack:
            log = None if self.log is None else stack.enter_context(self.log.open("ab"))
            self._process = subprocess.Popen(
                command,
                cwd=folder,
                env={**bare_environment(), **self.variables},
                start_new_session=True,
                stdout=log,
                stderr=log,
            )
        if wait:
            self.wait_until_ready()
        return self

    def command(self) -> tuple[list[str], Path]:
        """What starts it, and in which folder."""
        serve = ["-m", "hypercorn", "--config", str((self.code or root) / "hypercorn.toml")]
        bind = ["--bind", f"127.0.0.1:{self.port}", "quickpoll.asgi:app"]
        return [sys.executable, *serve, *bind], self.code or without_env_file

    def wait_until_ready(self, seconds: float = 30.0) -> None:
        """Wait until it serves requests."""
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            try:
                if httpx.get(f"{self.url}/health/ready", timeout=2).status_code == 200:
                    return
            except httpx.TransportError:
                time.sleep(0.05)
            if self.process.poll() is not None:
                raise AssertionError(f"it ended with status {self.process.returncode}")
        raise AssertionError("it did not become ready")

    def stop(self) -> int:
        """End it with SIGTERM; answers its exit status."""
        self.process.terminate()
        return self.process.wait(timeout=15)

    def kill(self) -> None:
        """End it without a warning."""
        self.process.kill()
        self.process.wait(timeout=5)

    def close(self) -> None:
        """Make sure that it is gone."""
        if self._process is not None and self._process.poll() is None:
            self.kill()


def bare_environment() -> dict[str, str]:
    """What a process of the service gets of the tests' own environment: no setting of it."""
    kept = ("PATH", "HOME", "LANG", "VIRTUAL_ENV", "COVERAGE_PROCESS_CONFIG", "PYTHONPATH")
    return {name: os.environ[name] for name in kept if name in os.environ}


def free_port() -> int:
    """A port of the loopback interface that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


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
