"""A crowd over HTTP and Socket.IO: bounded load that notes everything which did not work."""

from __future__ import annotations

import asyncio
from collections import Counter
from dataclasses import dataclass, field
from secrets import token_hex
from types import TracebackType
from typing import Any, Self

import aiohttp
import socketio

from tests.builders import option
from tests.conftest import bearer, sign


@dataclass
class Crowd:
    """People who vote, like, read and create without a pause until told to stop.

    ``votes`` has what was acknowledged, by option; ``failures`` everything that was not a
    success, in words.
    """

    url: str
    poll: dict[str, Any]
    votes: Counter[str] = field(default_factory=Counter)
    likers: set[str] = field(default_factory=set)
    polls: set[str] = field(default_factory=set)
    requests: int = 0
    failures: list[str] = field(default_factory=list)
    _stopping: bool = False
    _people: list[asyncio.Task[None]] = field(default_factory=list)

    async def __aenter__(self) -> Self:
        self._session = aiohttp.ClientSession(
            self.url, timeout=aiohttp.ClientTimeout(total=20), connector=aiohttp.TCPConnector()
        )
        habits = [self._vote, self._vote, self._vote, self._like, self._toggle]
        habits += [self._read, self._read_page, self._create]
        self._people = [asyncio.create_task(self._live(habit)) for habit in habits]
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._stopping = True
        await asyncio.gather(*self._people)
        await self._session.close()

    async def _live(self, habit: Any) -> None:
        while not self._stopping:
            await habit()

    async def _vote(self) -> None:
        user, chosen = token_hex(12), option(self.poll, self.requests % 3)
        path = f"/api/poll/vote-on-poll/{self.poll['id']}/{chosen}"
        if await self._ask("POST", path, user, (201, 200)):
            self.votes[chosen] += 1
            await self._ask("POST", path, user, (200,))

    async def _like(self) -> None:
        user = token_hex(12)
        if await self._ask("PUT", f"/api/poll/like-poll/{self.poll['id']}", user, (200,)):
            self.likers.add(user)

    async def _toggle(self) -> None:
        user = token_hex(12)
        if await self._ask("POST", f"/api/poll/like-poll/{self.poll['id']}", user, (200,)):
            self.likers.add(user)

    async def _read(self) -> None:
        await self._ask("GET", f"/api/poll/get-poll-by-id/{self.poll['id']}", token_hex(12), (200,))

    async def _read_page(self) -> None:
        await self._ask("GET", "/api/poll/get-all-polls?limit=5", token_hex(12), (200,))

    async def _create(self) -> None:
        body = {"question": "And this?", "options": [{"text": "yes"}, {"text": "no"}]}
        made = await self._ask("POST", "/api/poll/create-poll", token_hex(12), (201,), body)
        if made:
            self.polls.add(made["id"])
        await asyncio.sleep(0.05)

    async def _ask(
        self, method: str, path: str, user: str, wanted: tuple[int, ...], body: Any = None
    ) -> Any:
        self.requests += 1
        try:
            sent = self._session.request(method, path, json=body, headers=bearer(user))
            async with sent as answer:
                said = await answer.json(content_type=None)
                if answer.status in wanted:
                    return said
                self.failures.append(f"{method} {path}: {answer.status} {said}")
        except (aiohttp.ClientError, OSError, TimeoutError) as error:
            self.failures.append(f"{method} {path}: {error!r}")
        return None


class Watcher:
    """One Socket.IO client with the library's own reconnection; it has the last state shown."""

    def __init__(self, poll_id: str, transports: list[str]) -> None:
        self.poll_id = poll_id
        self.connections = 0
        self.seen: dict[str, Any] = {"version": 0}
        self.steps_back = 0
        self._transports = transports
        self._changed = asyncio.Event()
        # A session of ours: the library forgets to close its own when it connects again.
        self._http = aiohttp.ClientSession()
        self._sio = socketio.AsyncClient(
            reconnection_delay=0.1, reconnection_delay_max=0.5, http_session=self._http
        )
        self._sio.on("connect", self._subscribe)
        self._sio.on("vote-update", self._take)

    async def connect(self, url: str) -> Watcher:
        """Connect and subscribe."""
        await self._sio.connect(
            url,
            socketio_path="/ws/updates",
            auth={"token": sign()},
            transports=self._transports,
            wait_timeout=10,
        )
        return self

    async def close(self) -> None:
        """Leave, without waiting for the answer to a long poll."""
        self._sio.reconnection = False
        await self._http.close()
        await self._sio.wait()

    async def until(self, votes: int) -> None:
        """Wait until it shows this many votes."""
        async with asyncio.timeout(15):
            while self.seen.get("votesCount") != votes:
                self._changed.clear()
                await self._changed.wait()

    async def _subscribe(self) -> None:
        self.connections += 1
        answer = await self._sio.call("subscribe", {"pollIds": [self.poll_id]})
        for state in answer["polls"]:
            self._take(state)

    def _take(self, state: dict[str, Any]) -> None:
        if state["version"] <= self.seen["version"]:
            return
        self.steps_back += state["votesCount"] < self.seen.get("votesCount", 0)
        self.seen = state
        self._changed.set()
