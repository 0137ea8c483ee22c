"""Requests as real clients make them: some fail, some are cut off in the middle."""

from __future__ import annotations

import asyncio
import json
import random
from collections.abc import Callable, Sequence
from time import monotonic
from typing import Any, Protocol
from urllib.parse import urlsplit

import aiohttp

from tests.conftest import sign

Answer = tuple[int, Any]


class Place(Protocol):
    """Where an instance answers."""

    url: str


class Asker:
    """Asks the instances that live, one at random unless one is named."""

    def __init__(self, living: Callable[[], Sequence[Place]], patience: float = 4.5) -> None:
        self._living = living
        self._patience = patience
        self._tokens: dict[str, str] = {}
        self._session: aiohttp.ClientSession | None = None
        self.acknowledged_at = 0.0
        """When the last success of anything but a reading was heard."""

    async def start(self) -> None:
        """Open what it asks with."""
        self._session = aiohttp.ClientSession(
            timeout=aiohttp.ClientTimeout(total=self._patience),
            connector=aiohttp.TCPConnector(limit=0),
        )

    async def aclose(self) -> None:
        """Close it."""
        if self._session is not None:
            await self._session.close()

    async def ask(
        self,
        chance: random.Random,
        method: str,
        path: str,
        user: str,
        body: Any = None,
        at: Place | None = None,
    ) -> Answer | None:
        """The status and the body of the answer; ``None`` where there was none.

        What is asked for is below ``/api/poll/`` unless the path begins with a slash.
        """
        assert self._session is not None
        living = self._living()
        if not living:
            return None
        url = (at or chance.choice(living)).url + _whole(path)
        headers = {"Authorization": f"Bearer {self._token(user)}"}
        try:
            async with self._session.request(method, url, json=body, headers=headers) as answer:
                said = await answer.json(content_type=None) if answer.status != 204 else None
                if answer.status < 300 and method != "GET":
                    self.acknowledged_at = monotonic()
                return answer.status, said
        except (aiohttp.ClientError, TimeoutError, ValueError):
            return None

    async def hang_up(
        self, chance: random.Random, method: str, path: str, user: str, body: Any, after: float
    ) -> None:
        """Send a request, and break the connection after so many seconds, whatever came."""
        living = self._living()
        if not living:
            return
        address = urlsplit(chance.choice(living).url)
        sent = json.dumps(body).encode() if body is not None else b""
        head = (
            f"{method} {_whole(path)} HTTP/1.1\r\nHost: {address.netloc}\r\n"
            f"Authorization: Bearer {self._token(user)}\r\n"
            f"Content-Type: application/json\r\nContent-Length: {len(sent)}\r\n\r\n"
        )
        try:
            _, writer = await asyncio.open_connection(address.hostname, address.port)
        except OSError:
            return
        writer.write(head.encode() + sent)
        await asyncio.sleep(after)
        writer.transport.abort()

    def _token(self, user: str) -> str:
        if len(self._tokens) > 10_000:
            self._tokens.clear()
        if user not in self._tokens:
            self._tokens[user] = sign(user, seconds=36000)
        return self._tokens[user]


def _whole(path: str) -> str:
    return path if path.startswith("/") else f"/api/poll/{path}"
