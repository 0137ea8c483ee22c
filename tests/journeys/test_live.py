"""Live updates as the official clients see them, with real servers in between."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from contextlib import AsyncExitStack
from pathlib import Path
from secrets import token_hex
from typing import Any

import aiohttp
import httpx
import pytest
import socketio

from quickpoll.localrun.embedded import StoreAddresses
from tests.builders import create_poll, vote
from tests.conftest import environment, sign
from tests.instances import Instance
from tests.journeys import proxy
from tests.journeys.js_screen import js_screen, require_node, versions

ways: tuple[dict[str, Any], ...] = (
    {},  # as a client is by default: long-polling first, then the upgrade
    {"transports": ["websocket"]},
    {"transports": ["polling"]},
)


@pytest.fixture(scope="module")
def instances(stores: StoreAddresses) -> Iterator[tuple[Instance, ...]]:
    """Three instances of one service."""
    variables = environment(stores, f"t{token_hex(6)}")
    started = tuple(Instance(variables) for _ in range(3))
    try:
        for one in started:
            one.start(wait=False)
        for one in started:
            one.wait_until_ready(60)
        yield started
    finally:
        for one in started:
            one.close()


class PythonScreen:
    """The official Python client."""

    def __init__(self, url: str, options: dict[str, Any], number: int = 1) -> None:
        # Each from an address of its own, so that the proxy spreads them over the instances.
        connector = aiohttp.TCPConnector(local_addr=(f"127.0.0.{number}", 0))
        self._http = aiohttp.ClientSession(connector=connector)
        self._url, self._options = url, options
        self._came = asyncio.Event()
        self.said: list[tuple[str, Any]] = []
        self.sio = socketio.AsyncClient(http_session=self._http, reconnection_delay=0.1)
        for event in ("vote-update", "like-update", "poll-update"):
            self.sio.on(event, lambda payload, event=event: self._take(event, payload))

    def _take(self, event: str, payload: Any) -> None:
        self.said.append((event, payload))
        self._came.set()

    async def connect(self) -> None:
        """Connect."""
        await self.sio.connect(
            self._url, socketio_path="/ws/updates", auth={"token": sign()}, **self._options
        )

    async def ask(self, event: str, payload: Any) -> Any:
        """Send an event; its acknowledgement."""
        return await self.sio.call(event, payload, timeout=10)

    def all_of(self, what: str) -> list[Any]:
        """Everything of a kind."""
        return [more for said, more in self.said if said == what]

    async def until(self, what: str, **fields: Any) -> list[Any]:
        """Everything of a kind, as soon as one has these fields."""
        async with asyncio.timeout(20):
            while not any(fields.items() <= one.items() for one in self.all_of(what)):
                self._came.clear()
                await self._came.wait()
        return self.all_of(what)

    async def close(self) -> None:
        """Leave."""
        await self.sio.disconnect()
        await self._http.close()


async def python_screen(
    stack: AsyncExitStack, url: str, options: dict[str, Any], number: int = 1
) -> PythonScreen:
    screen = PythonScreen(url, options, number)
    stack.push_async_callback(screen.close)
    await screen.connect()
    return screen


@pytest.mark.parametrize("options", ways, ids=["default", "websocket", "polling"])
async def test_python_clients_see_votes_of_another_instance(
    instances: tuple[Instance, ...],
    http: Callable[[str], httpx.AsyncClient],
    options: dict[str, Any],
) -> None:
    here, there = http(instances[0].url), instances[1].url
    poll = await create_poll(here, token_hex(12))
    async with AsyncExitStack() as stack:
        screen = await python_screen(stack, there, options)
        everything = await python_screen(stack, there, options)
        answer = await screen.ask("subscribe", {"pollIds": [poll["id"]]})
        assert answer["polls"][0]["votersCount"] == 0
        assert answer["unknown"] == []
        await vote(here, poll, 0, token_hex(12))
        for one in (screen, everything):
            await one.until("vote-update", pollId=poll["id"], votersCount=1)
        transport = options.get("transports", ["polling", "websocket"])[-1]
        assert screen.sio.transport() == transport
        assert await screen.ask("unsubscribe", {"pollIds": [poll["id"]]}) == {}
        await vote(here, poll, 0, token_hex(12))
        await everything.until("vote-update", pollId=poll["id"], votersCount=2)
        assert len(screen.all_of("vote-update")) == 1


@pytest.mark.parametrize("options", ways, ids=["default", "websocket", "polling"])
async def test_python_clients_are_told_why_they_are_refused(
    instances: tuple[Instance, ...], options: dict[str, Any]
) -> None:
    for token, code in ((None, "missing_token"), (sign(seconds=-1), "expired_token")):
        async with aiohttp.ClientSession() as session:
            client = socketio.AsyncClient(http_session=session)
            told: list[Any] = []
            client.on("connect_error", told.append)
            # It would wait for as long as a poll may last; closing its session ends that.
            connecting = asyncio.create_task(
                client.connect(
                    instances[0].url,
                    socketio_path="/ws/updates",
                    auth={"token": token} if token else None,
                    **options,
                )
            )
            async with asyncio.timeout(10):
                while not told:  # noqa: ASYNC110 - what the client calls back is all there is
                    await asyncio.sleep(0.01)
        await asyncio.gather(connecting, return_exceptions=True)
        assert told[0]["data"]["code"] == code
        assert set(told[0]["data"]) == {"code", "detail"}


@pytest.mark.node
@pytest.mark.parametrize("version", versions)
async def test_javascript_clients(
    instances: tuple[Instance, ...],
    http: Callable[[str], httpx.AsyncClient],
    version: str,
) -> None:
    require_node()
    here, there = http(instances[0].url), instances[1].url
    poll = await create_poll(here, token_hex(12))
    async with AsyncExitStack() as stack:
        screens = [
            await stack.enter_async_context(
                js_screen(version, there, auth={"token": sign()}, **options)
            )
            for options in ways
        ]
        refused = [
            await stack.enter_async_context(js_screen(version, there, **options))
            for options in ways
        ]
        for screen in screens:
            await screen.until("connect")
            answer = await screen.ask("subscribe", {"pollIds": [poll["id"].upper()]})
            assert [one["pollId"] for one in answer["polls"]] == [poll["id"]]
            assert answer["unknown"] == []
        await screens[0].until("upgrade")
        for number in range(3):
            await vote(here, poll, 1, token_hex(12))
            for screen in screens:
                await screen.until("vote-update", votersCount=number + 1)
        for screen in screens:
            assert [one["votersCount"] for one in screen.all_of("vote-update")] == [1, 2, 3]
            assert await screen.ask("unsubscribe", {"pollIds": [poll["id"]]}) == {}
        for screen in refused:
            error = (await screen.until("connect_error"))[0]
            assert error["data"] == {"code": "missing_token", "detail": error["message"]}


@pytest.mark.node
@proxy.needs_nginx
async def test_three_instances_behind_nginx(
    instances: tuple[Instance, ...],
    http: Callable[[str], httpx.AsyncClient],
    tmp_path: Path,
) -> None:
    require_node()
    nginx = proxy.Nginx(instances, tmp_path).start()
    try:
        async with AsyncExitStack() as stack:
            rest = http(nginx.url)
            poll = await create_poll(rest, token_hex(12))
            pythons = [
                await python_screen(stack, nginx.url, options, number)
                for options in ways
                for number in range(1, 5)
            ]
            scripts = [
                await stack.enter_async_context(
                    js_screen(version, nginx.url, auth={"token": sign()}, **options)
                )
                for version in versions
                for options in ways
            ]
            for script in scripts:
                await script.until("connect")
            screens: list[Any] = [*pythons, *scripts]
            # Who begins with WebSocket goes anywhere: with enough of them every instance has some.
            while min(counts := await _all_clients(http, instances)) == 0 and len(screens) < 100:
                direct = {"transports": ["websocket"]}
                screens.append(await python_screen(stack, nginx.url, direct, len(screens)))
            assert sum(counts) >= len(screens)
            assert min(counts) > 0
            for screen in screens:
                answer = await screen.ask("subscribe", {"pollIds": [poll["id"]]})
                assert answer["polls"][0]["status"] == "open"

            voters = [vote(rest, poll, n % 3, token_hex(12)) for n in range(200)]
            assert {answer.status_code for answer in await asyncio.gather(*voters)} == {201}

            for screen in screens:
                updates = await screen.until("vote-update", votersCount=200)
                versions_seen = [one["version"] for one in updates]
                assert versions_seen == sorted(set(versions_seen))
                assert updates[-1]["votesCount"] == 200
            last = {str(screen.all_of("vote-update")[-1]["counts"]) for screen in screens}
            assert len(last) == 1
    finally:
        nginx.stop()


async def _all_clients(
    http: Callable[[str], httpx.AsyncClient], instances: tuple[Instance, ...]
) -> list[int]:
    return [_clients(await http(one.url).get("/metrics")) for one in instances]


def _clients(metrics: httpx.Response) -> int:
    name = "quickpoll_socket_clients "
    found = [line for line in metrics.text.splitlines() if line.startswith(name)]
    return int(float(found[0].removeprefix(name)))
