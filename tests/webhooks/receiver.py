"""A receiver of webhooks: an HTTP server in this event loop that does as it is told."""

from __future__ import annotations

import asyncio
import json
import ssl
from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any

from standardwebhooks import Webhook

from tests.accepting import stop_accepting

patience = 20.0
"""Seconds after which a test gives up waiting: far longer than anything takes."""

Behave = Callable[["Receiver", "Message"], Awaitable[int | bytes]]


@dataclass
class Message:
    """A request as it came."""

    line: str
    headers: dict[str, str]
    raw: bytes

    @property
    def id(self) -> str:
        """The name of the message."""
        return self.headers["webhook-id"]

    @property
    def body(self) -> Any:
        """What it says."""
        return json.loads(self.raw)

    @property
    def type(self) -> str:
        """The event that it tells of."""
        found: str = self.body["type"]
        return found

    def verify(self, secret: str) -> None:
        """Raises where the signature is not one of Standard Webhooks."""
        Webhook(secret).verify(self.raw, self.headers)


async def takes_it(receiver: Receiver, message: Message) -> int:
    """A receiver that is well."""
    return 204


@dataclass
class Receiver:
    """What came, in the order in which it came; ``behave`` answers a status or raw bytes."""

    behave: Behave = takes_it
    tls: ssl.SSLContext | None = None
    messages: list[Message] = field(default_factory=list)
    port: int = 0
    _came: asyncio.Condition = field(default_factory=asyncio.Condition)
    _server: asyncio.Server | None = None
    _tasks: set[asyncio.Task[None]] = field(default_factory=set)

    async def __aenter__(self) -> Receiver:
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", self.port, ssl=self.tls)
        self.port = self._server.sockets[0].getsockname()[1]
        return self

    async def __aexit__(self, *_: object) -> None:
        assert self._server is not None
        await stop_accepting(self._server)
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    @property
    def url(self) -> str:
        """Where it is."""
        return f"{'https' if self.tls else 'http'}://127.0.0.1:{self.port}/hook"

    async def until(self, enough: Callable[[list[Message]], bool]) -> list[Message]:
        """Wait until enough has come."""
        async with asyncio.timeout(patience), self._came:
            await self._came.wait_for(lambda: enough(self.messages))
        return self.messages

    async def until_types(self, *types: str) -> list[Message]:
        """Wait until just these have come, in this order."""
        await self.until(lambda found: len(found) >= len(types))
        assert [one.type for one in self.messages] == list(types)
        return self.messages

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._tasks.add(task)
        try:
            with suppress(ConnectionError, EOFError, asyncio.CancelledError):  # the test ends
                await self._answer(reader, writer)
        finally:
            writer.close()
            self._tasks.discard(task)

    async def _answer(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        line, *fields = (await reader.readuntil(b"\r\n\r\n")).decode().split("\r\n")
        pairs = (one.partition(":") for one in fields if one)
        headers = {name.lower(): value.strip() for name, _, value in pairs}
        message = Message(line, headers, await reader.readexactly(int(headers["content-length"])))
        async with self._came:
            self.messages.append(message)
            self._came.notify_all()
        said = await self.behave(self, message)
        if isinstance(said, int):
            said = b"HTTP/1.1 %d Status\r\nContent-Length: 0\r\n\r\n" % said
        writer.write(said)
        await writer.drain()
