"""What a MongoDB may answer that the embedded one never does: the error shapes of MongoDB's manual,
each fed to the service over the wire as a real server would send it.

The server of these tests keeps its documents in memory (``bench.memory_mongo``), and gives a
prepared answer where one is wanted: instead of doing what was asked, or after it was done.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from secrets import token_hex
from typing import Any

import bson
import httpx
import pytest
from bson import ObjectId

from bench.memory_mongo.commands import Database
from bench.memory_mongo.wire import Connection
from quickpoll.composition import Services
from quickpoll.factory import create_app
from quickpoll.localrun.embedded import StoreAddresses
from tests.accepting import stop_accepting
from tests.builders import create_poll, look, option, vote
from tests.conftest import bearer, environment, served, settings_from
from tests.instances import free_port

owner = "a" * 24

Shape = dict[str, Any]


def refused(code: int, name: str, message: str, *labels: str) -> Shape:
    """A command that failed as a whole."""
    labelled = {"errorLabels": list(labels)} if labels else {}
    return {"ok": 0.0, "errmsg": message, "code": code, "codeName": name, **labelled}


def not_durable(code: int, name: str, message: str, **details: Any) -> Shape:
    """A write that was done, and is not known to be on a majority."""
    error = {"code": code, "codeName": name, "errmsg": message, "errInfo": details}
    return {"ok": 1.0, "n": 1, "writeConcernError": error}


topology = {"topologyVersion": {"processId": ObjectId(), "counter": bson.Int64(7)}}

no_primary = {
    **refused(10107, "NotWritablePrimary", "not primary", "RetryableWriteError"),
    **topology,
}
stepped_down = {
    **refused(
        189,
        "PrimarySteppedDown",
        "Primary stepped down while waiting for replication",
        "RetryableWriteError",
    ),
    **topology,
}
shutting_down = {
    **refused(91, "ShutdownInProgress", "The server is in quiesce mode", "RetryableWriteError"),
    **topology,
}
interrupted = refused(
    11602, "InterruptedDueToReplStateChange", "operation was interrupted", "RetryableWriteError"
)
out_of_time = refused(50, "MaxTimeMSExpired", "operation exceeded time limit")
time_limit = refused(
    262, "ExceededTimeLimit", "operation exceeded time limit", "RetryableWriteError"
)
no_majority_read = refused(
    134,
    "ReadConcernMajorityNotAvailableYet",
    "Read concern majority reads are currently not possible.",
)
disk_full = refused(14031, "OutOfDiskSpace", "No space left on device")
replication_timed_out = not_durable(
    64,
    "WriteConcernFailed",
    "waiting for replication timed out",
    wtimeout=True,
    writeConcern={"w": "majority", "j": True, "wtimeout": 1800},
)
cannot_satisfy = not_durable(100, "UnsatisfiableWriteConcern", "Not enough data-bearing nodes")
interrupted_wait = not_durable(
    11600, "InterruptedAtShutdown", "interrupted at shutdown", note="waiting for the majority"
)


class Prepared:
    """A MongoDB in memory, with prepared answers."""

    def __init__(self, address: str) -> None:
        self._real = Database(address)
        self._answers: dict[str, list[tuple[Shape, bool]]] = {}
        self._written: dict[tuple[bytes, int], bytes] = {}

    def prepare(self, command: str, answer: Shape, *, times: int = 1, done: bool = False) -> None:
        """Answer the next ``times`` of a command so; ``done``: after doing what it asks for."""
        self._answers[command] = [(answer, done)] * times

    def recover(self) -> None:
        """Answer as usual from now on."""
        self._answers.clear()

    def answer(self, command: dict[str, Any], sequence: list[bytes]) -> bytes:
        """What is sent back."""
        name = next(iter(command))
        prepared = self._answers.get(name)
        if not prepared:
            return self._do(command, sequence)
        answer, done = prepared.pop()
        if done:
            self._do(command, sequence)
        return bson.encode(answer)

    def _do(self, command: dict[str, Any], sequence: list[bytes]) -> bytes:
        """Do it, and a retryable write once: the driver's next try gets the same answer."""
        if "txnNumber" not in command:
            return self._real.answer(command, sequence)
        write = (bytes(command["lsid"]["id"]), command["txnNumber"])
        if write not in self._written:
            self._written[write] = self._real.answer(command, sequence)
        return self._written[write]


@asynccontextmanager
async def serving() -> AsyncIterator[tuple[Prepared, int]]:
    port = free_port()
    prepared = Prepared(f"127.0.0.1:{port}")
    opened: set[asyncio.Transport] = set()
    ended = asyncio.Event()

    class Kept(Connection):
        def connection_made(self, transport: Any) -> None:
            opened.add(transport)
            self.made = transport
            super().connection_made(transport)

        def connection_lost(self, exc: Exception | None) -> None:
            super().connection_lost(exc)
            opened.discard(self.made)
            if not opened:
                ended.set()

    loop = asyncio.get_running_loop()
    server = await loop.create_server(lambda: Kept(prepared.answer), "127.0.0.1", port)
    yield prepared, port
    await stop_accepting(server)
    for transport in opened:
        transport.abort()
    if opened:
        await ended.wait()


@pytest.fixture
async def mongo(stores: StoreAddresses, name: str) -> AsyncIterator[tuple[Prepared, Any, Services]]:
    """The prepared MongoDB, a client of a service on it, and the service's parts."""
    async with serving() as (prepared, port):
        url = f"mongodb://127.0.0.1:{port}/{name}?replicaSet=memory"
        app = create_app(settings_from(environment(stores, name, API_DATABASE_URL=url)))
        async with served(app) as client:
            yield prepared, client, app.extensions["quickpoll"]


Served = tuple[Prepared, httpx.AsyncClient, Services]


async def repeated(client: httpx.AsyncClient, poll: dict[str, Any], voter: str) -> httpx.Response:
    """The same vote again, until it is answered: as every 503 says."""
    for _ in range(100):
        answer = await vote(client, poll, 0, voter)
        if answer.status_code != 503:
            break
        await asyncio.sleep(0.1)
    return answer


async def until_exact(services: Services, client: httpx.AsyncClient, poll: dict[str, Any]) -> None:
    """One vote, once what was in doubt has been counted anew."""
    async with asyncio.timeout(20):
        while await counted(client, poll) != 1:
            await services.reconciler.round()
            await asyncio.sleep(0.05)


async def counted(client: httpx.AsyncClient, poll: dict[str, Any]) -> int:
    shown = await look(client, poll, owner)
    found: int = shown["counts"][option(poll, 0)]
    return found


@pytest.mark.parametrize(
    "shape", [no_primary, stepped_down, shutting_down, interrupted], ids=lambda one: one["codeName"]
)
async def test_a_failover_is_repeated_once_by_the_driver_and_nobody_notices(
    mongo: Served, shape: Shape
) -> None:
    prepared, client, _ = mongo
    poll = await create_poll(client, owner)
    prepared.prepare("insert", shape)
    answer = await vote(client, poll, 0, token_hex(12))
    assert answer.status_code == 201
    assert await counted(client, poll) == 1


@pytest.mark.parametrize("done", [False, True], ids=["not written", "written"])
@pytest.mark.parametrize(
    "shape",
    [no_primary, out_of_time, time_limit, no_majority_read, disk_full, interrupted],
    ids=lambda one: one["codeName"],
)
async def test_a_write_whose_outcome_is_unknown_is_503_and_the_same_again_is_safe(
    mongo: Served, shape: Shape, done: bool
) -> None:
    prepared, client, services = mongo
    poll, voter = await create_poll(client, owner), token_hex(12)
    prepared.prepare("insert", shape, times=2, done=done)
    answer = await vote(client, poll, 0, voter)
    assert (answer.status_code, answer.json().get("code")) in (
        (503, "unavailable"),
        (201, None),
    )
    again = await repeated(client, poll, voter)
    assert again.status_code in (200, 201)
    other = await vote(client, poll, 1, voter)
    assert (other.status_code, other.json()["code"]) == (409, "already_voted")
    await until_exact(services, client, poll)


@pytest.mark.parametrize(
    "shape",
    [replication_timed_out, cannot_satisfy, interrupted_wait],
    ids=lambda one: one["writeConcernError"]["codeName"],
)
async def test_what_a_majority_has_not_got_is_not_acknowledged(mongo: Served, shape: Shape) -> None:
    prepared, client, services = mongo
    poll, voter = await create_poll(client, owner), token_hex(12)
    # Of no write, the fence of the first one included, is it known that a majority has it.
    for command in ("insert", "update"):
        prepared.prepare(command, {**shape, "nModified": 1}, times=100, done=True)
    answer = await vote(client, poll, 0, voter)
    assert (answer.status_code, answer.json()["code"]) == (503, "unavailable")
    prepared.recover()
    again = await repeated(client, poll, voter)
    assert again.status_code in (200, 201)
    await until_exact(services, client, poll)


async def test_of_a_batch_each_gets_what_became_of_their_own(mongo: Served) -> None:
    _, client, _ = mongo
    poll, first = await create_poll(client, owner), token_hex(12)
    assert (await vote(client, poll, 0, first)).status_code == 201
    others = [token_hex(12) for _ in range(20)]
    answers = await asyncio.gather(
        vote(client, poll, 1, first), *(vote(client, poll, 0, one) for one in others)
    )
    assert [one.status_code for one in answers] == [409, *[201] * 20]
    assert await counted(client, poll) == 21


@pytest.mark.parametrize(
    "shape", [out_of_time, time_limit, no_primary, disk_full], ids=lambda one: one["codeName"]
)
@pytest.mark.parametrize("command", ["find", "aggregate"])
async def test_a_read_that_fails_is_503_and_says_nothing_of_the_driver(
    mongo: Served, shape: Shape, command: str
) -> None:
    prepared, client, _ = mongo
    poll = await create_poll(client, owner)
    prepared.prepare(command, shape, times=100_000)
    path = "get-all-polls" if command == "aggregate" else f"ballot/{poll['id']}"
    answer = await client.get(f"/api/poll/{path}", headers=bearer(owner))
    assert (answer.status_code, answer.json()["code"]) == (503, "unavailable")
    assert shape["errmsg"] not in answer.text


@pytest.mark.parametrize(
    "shape", [no_primary, time_limit, replication_timed_out], ids=["no primary", "time", "majority"]
)
async def test_creating_a_poll_is_503_and_never_500(mongo: Served, shape: Shape) -> None:
    prepared, client, _ = mongo
    for command in ("insert", "update", "findAndModify"):
        prepared.prepare(command, shape, times=2, done=True)
    asked = {"question": "Which?", "options": [{"text": "a"}, {"text": "b"}]}
    answer = await client.post("/api/poll/create-poll", json=asked, headers=bearer(owner))
    assert (answer.status_code, answer.json().get("code")) in ((503, "unavailable"), (201, None))
