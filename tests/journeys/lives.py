"""Polls that are made, voted on and closed at a steady pace, whatever is killed meanwhile; and what
webhooks have to be told of them.

Each request is repeated until it is acknowledged, so what has happened is known exactly.
"""

from __future__ import annotations

import asyncio
import random
import time
from collections import Counter
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from secrets import token_hex
from typing import Any, Self

import aiohttp

from tests.conftest import bearer

owner = "65f1c0ffee0000000000ab01"
headers = bearer(owner)

polls_a_second = 20
votes_a_poll = 10

at_once = 64
patience_seconds = 8.0
again_seconds = 0.3
"""Before a request that failed is sent again."""


@dataclass
class Life:
    """One poll: what was acknowledged of it, and what it is like in the end."""

    events: list[str] = field(default_factory=list)
    voters: int = 0
    poll: dict[str, Any] = field(default_factory=dict)
    view: dict[str, Any] = field(default_factory=dict)
    gone: bool = False


class Lives:
    """Begins the lives of polls, and waits for their ends."""

    def __init__(self, urls: list[str], seed: int) -> None:
        self.urls = urls
        self.lives: list[Life] = []
        self.answers: Counter[int] = Counter()
        self.session: list[dict[str, Any]] = []
        """A session, as it was answered after each of its changes."""
        self._random = random.Random(seed)
        self._slots = asyncio.Semaphore(at_once)

    async def __aenter__(self) -> Self:
        self._session = aiohttp.ClientSession(
            timeout=aiohttp.ClientTimeout(total=patience_seconds),
            connector=aiohttp.TCPConnector(limit=0),
        )
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._session.close()

    async def ask(
        self, method: str, path: str, *, fine: tuple[int, ...] = (), **more: Any
    ) -> tuple[int, Any]:
        """A request of the owner's, or of whom ``headers`` name, until it is answered well: the
        status, and what was said."""
        more.setdefault("headers", headers)
        while True:
            url = random.choice(self.urls) + path
            try:
                async with self._slots, self._session.request(method, url, **more) as answer:
                    said = await answer.json(content_type=None) if answer.status != 204 else None
            except (aiohttp.ClientError, TimeoutError):
                self.answers[0] += 1
                await asyncio.sleep(again_seconds)
                continue
            self.answers[answer.status] += 1
            if answer.status < 300 or answer.status in fine:
                return answer.status, said
            assert answer.status == 503, (path, said)
            await asyncio.sleep(again_seconds)

    async def go_on(self, seconds: float) -> None:
        """Begin so many lives a second, and run a session meanwhile; all of them have ended when
        this returns."""
        began = time.monotonic()
        async with asyncio.TaskGroup() as lives:
            lives.create_task(self.present(began + seconds))
            for number in range(int(seconds * polls_a_second)):
                await asyncio.sleep(max(began + number / polls_a_second - time.monotonic(), 0))
                lives.create_task(self.live())

    async def present(self, until: float) -> None:
        """A session that changes again and again, until a moment."""
        once = {**headers, "Idempotency-Key": token_hex(16)}
        path = "/api/session/create-session"
        _, session = await self.ask("POST", path, json={"title": "New"}, headers=once)
        path = f"/api/session/update-session/{session['id']}"
        while time.monotonic() < until or not self.session:
            # The same again, after an answer that got lost, changes nothing.
            title = f"Change {len(self.session)}"
            self.session.append((await self.ask("PATCH", path, json={"title": title}))[1])
            await asyncio.sleep(0.1)

    async def live(self) -> None:
        """The life of one poll."""
        life = Life()
        self.lives.append(life)
        kind = self._random.choices(
            ("closed", "changed", "ends", "reopened", "deleted", "open"), (50, 10, 15, 10, 10, 5)
        )[0]
        deadline = kind == "ends"
        while not await self._create(life, deadline=deadline):
            pass  # until then its deadline had passed
        if kind == "changed":
            await self._act(life, "PATCH", "update-poll", "poll.updated", json={"question": "Now?"})
        await self._votes(life, votes_a_poll)
        if kind == "open":
            return
        if kind != "ends":
            await self._act(life, "POST", "close-poll", "poll.closed")
        if kind == "reopened":
            await self._act(life, "POST", "reopen-poll", "poll.reopened")
            await self._votes(life, 2)
            await self._act(life, "POST", "close-poll", "poll.closed")
        if kind == "deleted":
            await self._act(life, "DELETE", "delete-poll", "poll.deleted", fine=(404,))
            life.gone = True

    async def _create(self, life: Life, *, deadline: bool) -> bool:
        asked: dict[str, Any] = {
            "question": "Which colour?",
            "options": [{"text": text} for text in ("red", "green", "blue")],
        }
        if deadline:
            at = datetime.now(UTC) + timedelta(seconds=4)
            asked["closesAt"] = at.isoformat().replace("+00:00", "Z")
        once = {**headers, "Idempotency-Key": token_hex(16)}
        path = "/api/poll/create-poll"
        status, made = await self.ask("POST", path, json=asked, headers=once, fine=(422,))
        if status == 422:
            return False
        life.poll = made
        life.events += ["poll.created", *(["poll.closed"] if deadline else [])]
        return True

    async def _act(self, life: Life, method: str, name: str, event: str, **more: Any) -> None:
        await self.ask(method, f"/api/poll/{name}/{life.poll['id']}", **more)
        life.events.append(event)

    async def _votes(self, life: Life, number: int) -> None:
        async def one() -> None:
            await asyncio.sleep(self._random.random())
            option = self._random.choice(life.poll["options"])["id"]
            path = f"/api/poll/vote-on-poll/{life.poll['id']}/{option}"
            # 409: the poll's deadline has come.
            status, _ = await self.ask("POST", path, headers=bearer(token_hex(12)), fine=(409,))
            life.voters += status < 300

        await asyncio.gather(*(one() for _ in range(number)))

    async def look(self) -> None:
        """See what has become of all of them."""

        async def one(life: Life) -> None:
            path = f"/api/poll/get-poll-by-id/{life.poll['id']}"
            _, life.view = await self.ask("GET", path)

        await asyncio.gather(*(one(life) for life in self.lives if not life.gone))
