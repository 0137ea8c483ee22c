"""Stores that are there and refuse us: one line that says why, in the log, in readiness and in a
metric, and no flood however long it lasts."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from quickpoll.localrun.child_process import LOOPBACK
from quickpoll.localrun.embedded import StoreAddresses
from tests.conftest import environment, sign
from tests.instances import free_port
from tests.integration.redis_servers import Relay, Valkey, certify, tls_context
from tests.integration.secured_stores import SecuredMongo
from tests.integration.test_logs import Logged, lines_of

user = "65f1c0ffee0000000000c001"
user_password = "open-sesame-of-redis"
everything = ("on", f">{user_password}", "~*", "&*", "+@all")

Start = Callable[..., Logged]


@pytest.fixture
def valkey(tmp_path: Path) -> Iterator[Valkey]:
    server = Valkey(tmp_path, "valkey").start()
    yield server
    server.kill()


@pytest.fixture(scope="module")
def mongo(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SecuredMongo]:
    server = SecuredMongo(tmp_path_factory.mktemp("secured")).start_secured()
    yield server
    server.stop()


@pytest.fixture
def start(stores: StoreAddresses, name: str, tmp_path: Path) -> Iterator[Start]:
    started: list[Logged] = []

    def begin(**variables: str) -> Logged:
        more = {"LOG_LEVEL": "INFO", **variables}
        service = Logged(environment(stores, name, **more), tmp_path / "log")
        started.append(service)
        service.wait()
        return service

    yield begin
    for service in started:
        service.kill()


def url_of(valkey: Valkey, password: str = user_password) -> str:
    return f"redis://polls:{password}@{LOOPBACK}:{valkey.port}"


async def metrics(client: httpx.AsyncClient) -> dict[str, float]:
    lines = (await client.get("/metrics")).text.splitlines()
    pairs = (line.rpartition(" ") for line in lines if not line.startswith("#"))
    return {name: float(value) for name, _, value in pairs}


async def until(
    client: httpx.AsyncClient, store: str, cause: str, failures: int, *, present: bool = True
) -> None:
    """Wait until the service has met a cause, and has failed that often at this store."""
    while True:
        seen = await metrics(client)
        failed = sum(n for name, n in seen.items() if name.startswith(f"quickpoll_{store}_errors"))
        is_it = seen[f'quickpoll_store_failing{{cause="{cause}",store="{store}"}}']
        if is_it == present and failed >= failures:
            return
        await asyncio.sleep(0.1)


def about(lines: list[dict[str, Any]], *words: str) -> list[dict[str, Any]]:
    return [one for one in lines if any(word in one["event"] for word in words)]


@pytest.mark.parametrize(
    ("rights", "cause", "reason"),
    [
        (("-@all",), "rights", "+info"),
        ((">another",), "credentials", "refused our credentials"),
        (("resetchannels",), "rights", "&PREFIX*"),
        (("-publish",), "rights", "+publish"),
        (("-info",), "rights", "+info"),
        (("-set",), "rights", "+set"),
        (("resetkeys",), "rights", "~PREFIX*"),
    ],
    ids=lambda value: "".join(value) if isinstance(value, tuple) else "",
)
async def test_redis_that_refuses_us_is_one_line_that_names_the_reason(
    valkey: Valkey, start: Start, rights: tuple[str, ...], cause: str, reason: str
) -> None:
    wrong = ["resetpass", *rights] if rights[0].startswith(">") else rights
    valkey.ask("ACL", "SETUSER", "polls", *everything, *wrong)
    service = start(API_REDIS_URL=url_of(valkey))

    async with httpx.AsyncClient(base_url=service.url, timeout=5) as client:
        await until(client, "redis", cause, failures=2)
        ready = (await client.get("/health/ready")).json()
        assert (ready["status"], ready["degraded"]) == ("degraded", ["redis"])
        assert reason.lower() in ready["reasons"]["redis"].lower()

    text = service.stop()
    lines = lines_of(text)
    refused = about(lines, "redis_")
    # What only a script needs is found out by the first one.
    found = [one["event"] for one in refused]
    assert found in (["redis_refused"], ["redis_available", "redis_refused"])
    assert reason.lower() in refused[-1]["reason"].lower()
    assert len(about(lines, "subscription")) <= 1
    assert user_password not in text
    assert len(lines) < 12


async def test_redis_that_takes_us_again_is_used_again(valkey: Valkey, start: Start) -> None:
    valkey.ask("ACL", "SETUSER", "polls", *everything, "resetchannels")
    service = start(API_REDIS_URL=url_of(valkey))

    async with httpx.AsyncClient(base_url=service.url, timeout=5) as client:
        await until(client, "redis", "rights", failures=2)
        valkey.ask("ACL", "SETUSER", "polls", "allchannels")
        async with asyncio.timeout(20):
            await until(client, "redis", "rights", failures=0, present=False)
        assert (await client.get("/health/ready")).json() == {"status": "ready"}

    events = [one["event"] for one in about(lines_of(service.stop()), "redis_")]
    assert events == ["redis_refused", "redis_available"]


async def test_redis_whose_certificate_is_not_trusted_is_named(
    stores: StoreAddresses, start: Start, tmp_path: Path
) -> None:
    _, certificate, key = certify(tmp_path)
    async with Relay(stores.redis_port, tls_context(certificate, key)) as relay:
        service = await asyncio.to_thread(start, API_REDIS_URL=f"rediss://{LOOPBACK}:{relay.port}")
        async with httpx.AsyncClient(base_url=service.url, timeout=5) as client:
            await until(client, "redis", "tls", failures=2)
            ready = (await client.get("/health/ready")).json()
        text = await asyncio.to_thread(service.stop)
    assert ready["degraded"] == ["redis"]
    refused = about(lines_of(text), "redis_")
    # The relay is in this process: its first handshake may come late.
    found = [one["event"] for one in refused]
    assert found in (["redis_refused"], ["redis_away", "redis_refused"])
    assert "certificate" in refused[-1]["reason"]


@pytest.mark.parametrize(
    ("entry", "cause", "reason"),
    [
        (("polls", "a-wrong-password"), "credentials", "MongoDB refused our credentials."),
        (("nobody", "of-that-name"), "credentials", "MongoDB refused our credentials."),
        (("reader", "reads"), "rights", "MongoDB does not let us run"),
    ],
)
async def test_mongodb_that_refuses_us_is_one_line_that_names_the_reason(
    mongo: SecuredMongo, start: Start, name: str, entry: tuple[str, str], cause: str, reason: str
) -> None:
    mongo.command("createRole", f"r{name}", privileges=[_may(name, "find")], roles=[])
    mongo.command("createUser", f"polls{name}", pwd="right", roles=["readWriteAnyDatabase"])
    mongo.command("createUser", f"reader{name}", pwd="reads", roles=[f"r{name}"])
    who, secret = entry
    service = start(API_DATABASE_URL=mongo.url_of(f"{who}{name}", secret, name))

    async with httpx.AsyncClient(base_url=service.url, timeout=5) as client:
        await until(client, "mongodb", cause, failures=0)
        headers = {"Authorization": f"Bearer {sign(user)}"}
        for _ in range(5):
            answer = await client.get("/api/poll/get-all-polls", headers=headers)
            assert (answer.status_code, answer.json()["code"]) == (503, "unavailable")
        ready = await client.get("/health/ready")
        assert ready.status_code == 503
        assert ready.json()["detail"].startswith(reason)

    text = service.stop()
    lines = lines_of(text)
    refused = about(lines, "mongodb_", "index")
    assert [one["event"] for one in refused] == ["mongodb_refused"]
    assert refused[0]["reason"].startswith(reason)
    assert "Traceback" not in text
    assert secret not in text
    assert len(lines) < 10


def _may(database: str, *actions: str) -> dict[str, Any]:
    return {"resource": {"db": database, "collection": ""}, "actions": list(actions)}


async def test_a_store_that_is_only_away_is_told_as_before(start: Start) -> None:
    service = start(API_REDIS_PORT=str(free_port()))
    async with httpx.AsyncClient(base_url=service.url, timeout=5) as client:
        await until(client, "redis", "away", failures=3)
        ready = (await client.get("/health/ready")).json()
        assert ready == {"status": "degraded", "degraded": ["redis"]}
    away = about(lines_of(service.stop()), "redis_")
    assert [one["event"] for one in away] == ["redis_away"]
    assert "ConnectionError" in away[0]["reason"]
