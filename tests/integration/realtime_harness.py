"""The service under Hypercorn in this event loop, and a Socket.IO client that shows all it gets."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from typing import Any
from urllib.parse import quote

import httpx
import hypercorn.asyncio
import websockets
from hypercorn.config import Config
from quart import Quart

from quickpoll.composition import Services
from quickpoll.factory import create_app
from quickpoll.foundation import http1
from quickpoll.settings import Settings
from tests.checkout import root
from tests.conftest import sign, until_ready
from tests.instances import free_port
from tests.integration.live_contract import misfits, misfits_of_answer

patience = 10.0
"""Seconds after which a test gives up waiting: far longer than anything takes."""

looked_at = 200
"""Events of a screen that are held against the AsyncAPI document: a flood is of one kind."""

Event = tuple[str, dict[str, Any]]


class Screen:
    """A Socket.IO client over one WebSocket: what came, in the order in which it came."""

    def __init__(self, socket: websockets.ClientConnection) -> None:
        self.socket = socket
        self.packets: list[str] = []
        self.events: list[Event] = []
        self.ended = asyncio.Event()
        self.refused: dict[str, Any] | None = None
        self.misfits: list[str] = []
        """What came and is not as the AsyncAPI document has it."""
        self._asked: dict[int, Any] = {}
        self._answers: dict[int, asyncio.Future[Any]] = {}
        self._joined = asyncio.Event()
        self._came = asyncio.Event()
        self._reader = asyncio.create_task(self._read())

    async def join(self, auth: dict[str, Any] | None) -> None:
        """Join the namespace; waits for the answer, whatever it is."""
        await self.send("40" + (json.dumps(auth) if auth is not None else ""))
        await asyncio.wait_for(self._joined.wait(), patience)

    async def send(self, packet: str) -> None:
        """Send a packet of Engine.IO."""
        await self.socket.send(packet)

    async def ask(self, *event: Any) -> Any:
        """Send an event and wait for its acknowledgement."""
        number = len(self._answers)
        self._asked[number] = event[0] if event else None
        answer = self._answers[number] = asyncio.get_running_loop().create_future()
        await self.send(f"42{number}{json.dumps(event)}")
        return await asyncio.wait_for(answer, patience)

    async def subscribe(self, *poll_ids: str) -> Any:
        """Follow polls."""
        return await self.ask("subscribe", {"pollIds": list(poll_ids)})

    async def unsubscribe(self, *poll_ids: str) -> Any:
        """Follow polls no longer."""
        return await self.ask("unsubscribe", {"pollIds": list(poll_ids)})

    async def until(self, name: str, **fields: Any) -> dict[str, Any]:
        """The first event of that name with these fields, waited for."""
        async with asyncio.timeout(patience):
            while True:
                for event, payload in self.events:
                    if event == name and fields.items() <= payload.items():
                        return payload
                self._came.clear()
                await self._came.wait()

    def heard_of(self, poll_id: str, name: str | None = None) -> list[dict[str, Any]]:
        """What came about a poll."""
        return [
            payload
            for event, payload in self.events
            if payload.get("pollId") == poll_id and name in (None, event)
        ]

    async def close(self) -> None:
        """Leave."""
        await self.socket.close()
        await self._reader

    async def _read(self) -> None:
        with suppress(websockets.ConnectionClosed):
            while True:
                packet = str(await self.socket.recv())
                self.packets.append(packet)
                await self._take(packet)
        self.ended.set()
        self._joined.set()

    async def _take(self, packet: str) -> None:
        if packet == "2":
            await self.send("3")
        elif packet.startswith("40"):
            self._joined.set()
        elif packet.startswith("44"):
            self.refused = json.loads(packet[2:])
            self.misfits += misfits(self.refused, "connect_error")
            self._joined.set()
        elif packet.startswith("42"):
            name, payload = json.loads(packet[2:])
            self.events.append((name, payload))
            if len(self.events) < looked_at:
                self.misfits += misfits(payload, name)
            self._came.set()
        elif packet.startswith("43"):
            number, _, answer = packet[2:].partition("[")
            said = json.loads("[" + answer)
            self.misfits += misfits_of_answer(said[0], self._asked[int(number)])
            self._answers[int(number)].set_result(said[0] if said else None)


class Live:
    """One running instance."""

    def __init__(self, services: Services, port: int, stack: AsyncExitStack) -> None:
        self.services = services
        self.port = port
        self.url = f"http://127.0.0.1:{port}"
        self._stack = stack
        self._screens: list[Screen] = []

    async def http(self) -> httpx.AsyncClient:
        """A client of the REST interface."""
        return await self._stack.enter_async_context(
            httpx.AsyncClient(base_url=self.url, timeout=patience)
        )

    async def open(self, query: str = "", headers: dict[str, str] | None = None) -> Screen:
        """A connection that has not joined yet."""
        address = f"ws://127.0.0.1:{self.port}/ws/updates/?EIO=4&transport=websocket{query}"
        socket = await websockets.connect(
            address, additional_headers=headers, compression=None, max_queue=None
        )
        screen = Screen(socket)
        self._screens.append(screen)
        return screen

    def forget_screens(self) -> None:
        """Keep nothing of the screens that were opened: they are closed."""
        self._screens.clear()

    async def close_screens(self) -> None:
        """Close those that are still open."""
        for screen in self._screens:
            await screen.close()
        found = [one for screen in self._screens for one in screen.misfits]
        assert found == [], found

    async def screen(self, user: str | None = None, **claims: Any) -> Screen:
        """A screen of a user that has joined."""
        screen = await self.open()
        await screen.join({"token": sign(user, **claims)})
        return screen


@asynccontextmanager
async def running(
    settings: Settings, *, wait: bool = True, app: Quart | None = None
) -> AsyncIterator[Live]:
    """An instance of the service, served as in production; ``wait`` until its stores are there."""
    http1.install()
    app = app or create_app(settings)
    services: Services = app.extensions["quickpoll"]
    config = Config.from_toml(root / "hypercorn.toml")
    config.bind = [f"127.0.0.1:{free_port()}"]
    config.graceful_timeout = 0.2
    config.workers, config.worker_class = 1, "asyncio"  # this process and its loop
    stop = asyncio.Event()
    serving = asyncio.create_task(hypercorn.asyncio.serve(app, config, shutdown_trigger=stop.wait))
    try:
        ready = asyncio.create_task(_up(services, config.bind[0], wait=wait))
        await asyncio.wait({ready, serving}, return_when=asyncio.FIRST_COMPLETED)
        if serving.done():
            ready.cancel()
            serving.result()
        async with AsyncExitStack() as stack:
            live = Live(services, int(config.bind[0].rpartition(":")[2]), stack)
            stack.push_async_callback(live.close_screens)
            yield live
    finally:
        stop.set()
        await serving


async def _up(services: Services, address: str, *, wait: bool) -> None:
    if wait:
        await until_ready(services)
    host, _, port = address.rpartition(":")
    while True:
        try:
            _, writer = await asyncio.open_connection(host, int(port))
        except OSError:
            await asyncio.sleep(0.01)
        else:
            writer.close()
            return


def query_token(token: str) -> str:
    """A token as part of the address."""
    return f"&token={quote(token)}"
