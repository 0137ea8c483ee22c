"""Whoever leads the evening: asks until it worked, as people press a key again."""

from __future__ import annotations

import asyncio
from time import monotonic
from typing import Any

import httpx

from tests.conftest import bearer


class Presenter:
    """Leads one session."""

    def __init__(self, url: str, owner: str) -> None:
        self.owner = owner
        self._http = httpx.AsyncClient(base_url=url, timeout=8, headers=bearer(owner))
        self.session: dict[str, Any] = {}
        self.polls: list[dict[str, Any]] = []

    async def aclose(self) -> None:
        """Leave."""
        await self._http.aclose()

    async def prepare(self, *polls: dict[str, Any]) -> None:
        """Make these polls, and the session of them."""
        texts = [{"text": text} for text in ("red", "green", "blue")]
        for number, fields in enumerate(polls):
            body = {"question": f"Question {number}?", "options": texts, "guests": "open", **fields}
            self.polls.append(await self.ask("POST", "/api/poll/create-poll", body))
        ids = [poll["id"] for poll in self.polls]
        body = {"title": "A full house", "pollIds": ids, "guests": "open"}
        self.session = await self.ask("POST", "/api/session/create-session", body)

    async def step(self, at: int | None) -> float:
        """Go there; when that was answered (:func:`time.monotonic`)."""
        path = f"/api/session/step-session/{self.session['id']}"
        while self.session["at"] != at:
            body = {"at": at, "ifVersion": self.session["version"]}
            said = await self.ask("POST", path, body)
            self.session = said.get("session", said)
        return monotonic()

    async def end(self) -> float:
        """End the evening; when that was answered."""
        await self.ask("POST", f"/api/session/end-session/{self.session['id']}")
        return monotonic()

    async def turn(self, deed: str, poll: dict[str, Any]) -> dict[str, Any]:
        """``close-poll`` or ``reopen-poll``."""
        found: dict[str, Any] = await self.ask("POST", f"/api/poll/{deed}/{poll['id']}")
        return found

    async def ask(self, method: str, path: str, body: Any = None) -> Any:
        """What was answered, once it was."""
        async with asyncio.timeout(30):
            while True:
                try:
                    answer = await self._http.request(method, path, json=body)
                except httpx.TransportError:
                    continue
                if answer.status_code in (200, 201, 409):
                    return answer.json()
                assert answer.status_code in (502, 503, 504), answer.text
                await asyncio.sleep(0.1)
