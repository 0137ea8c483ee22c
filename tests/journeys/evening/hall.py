"""A hall of guests. Each has a token of their own, follows the session over every break, reads the
present poll within a second as the page does, and votes once on each until that is acknowledged."""

from __future__ import annotations

import asyncio
import random
from collections import Counter
from collections.abc import Callable
from contextlib import suppress
from time import monotonic
from typing import Any

import aiohttp

from tests.journeys.evening.line import Line, Reader

spread = 1.0
"""Seconds over which a hall reads a new poll, as its pages do."""

patience = 120.0
"""Seconds after which a test gives up waiting."""

Answer = tuple[int, Any]


class Hall:
    """All the guests, and what they have in common: where they ask, and what must not be seen."""

    def __init__(self, url: str, port: int, session_id: str, seed: int) -> None:
        self.url, self.port, self.session_id = url, port, session_id
        self.guests: list[Guest] = []
        self.strange: list[str] = []
        self.hidden: set[str] = set()
        """Polls whose results nobody here may see."""
        self.chance = random.Random(seed)
        self.reader = Reader()
        self._states: dict[tuple[str, int], Any] = {}
        self._http: aiohttp.ClientSession | None = None

    async def start(self, size: int, within: float) -> None:
        """Let so many guests come in, spread over so many seconds."""
        timeout, connector = aiohttp.ClientTimeout(total=30), aiohttp.TCPConnector(limit=100)
        self._http = aiohttp.ClientSession(self.url, timeout=timeout, connector=connector)
        self.guests = [Guest(self, place) for place in range(size)]
        for place, guest in enumerate(self.guests):
            guest.start(within * place / size)
        await self.until(lambda one: one.version >= 0, "everybody has come in")

    async def aclose(self) -> None:
        """Let everybody go."""
        await asyncio.gather(*[one.aclose() for one in self.guests])
        if self._http is not None:
            await self._http.close()

    async def ask(self, method: str, path: str, token: str | None, body: Any = None) -> Answer:
        """The status and the body of an answer; 0 where there was none."""
        assert self._http is not None
        headers = {"Authorization": f"Bearer {token}"} if token else {}
        try:
            async with self._http.request(method, path, json=body, headers=headers) as answer:
                return answer.status, await answer.json(content_type=None)
        except (aiohttp.ClientError, OSError, TimeoutError, ValueError):
            return 0, None

    async def until(self, done: Callable[[Guest], bool], words: str) -> float:
        """Wait until that is so of everybody; when it was (:func:`time.monotonic`)."""
        deadline = monotonic() + patience
        while left := [one for one in self.guests if not done(one)]:
            assert monotonic() < deadline, f"not so of {len(left)}: {words}; {left[0]}"
            await asyncio.sleep(0.02)
        return monotonic()

    async def on(self, poll_id: str | None, status: str) -> float:
        """Wait until every screen shows that poll of a session of that status."""
        return await self.until(
            lambda one: (one.present, one.status) == (poll_id, status), f"{poll_id}, {status}"
        )

    async def voted(self, poll_id: str) -> Counter[str]:
        """Wait until everybody has an answer to their vote; the acknowledged ones by option."""
        await self.until(lambda one: poll_id in one.ballots or poll_id in one.late, "voted")
        return self.acknowledged(poll_id)

    def acknowledged(self, poll_id: str) -> Counter[str]:
        """The votes that were acknowledged, by option."""
        return Counter(one.ballots[poll_id] for one in self.guests if poll_id in one.ballots)

    def saw(self, state: dict[str, Any]) -> None:
        """Equal versions are equal states, and what is hidden comes to nobody."""
        poll_id = state["pollId"]
        if "votersCount" not in state:
            return
        known = self._states.setdefault((poll_id, state["version"]), state["counts"])
        if known != state["counts"]:
            self.strange.append(f"{poll_id} {state['version']}: {known}, {state['counts']}")
        if poll_id in self.hidden:
            self.strange.append(f"hidden results were seen: {state}")


class Guest:
    """One person and their screen."""

    def __init__(self, hall: Hall, place: int) -> None:
        self.hall, self.place = hall, place
        self.token = self.user_id = ""
        self.version, self.status = -1, ""
        self.present: str | None = None
        self.counts: dict[str, tuple[int, dict[str, int]]] = {}
        self.ballots: dict[str, str] = {}
        self.late: set[str] = set()
        """Polls that were closed before the vote was acknowledged."""
        self.connections = 0
        self._heard = 0
        self._line: Line | None = None
        self._tasks: dict[str, asyncio.Task[None]] = {}

    def __repr__(self) -> str:
        return f"guest {self.place}: {self.version} {self.status} {self.present}"

    def start(self, after: float) -> None:
        """Come in after so many seconds, and stay."""
        self._tasks["life"] = asyncio.create_task(self._live(after))

    async def aclose(self) -> None:
        """Leave."""
        for task in self._tasks.values():
            task.cancel()
        await asyncio.gather(*self._tasks.values(), return_exceptions=True)
        if self._line is not None:
            self._line.close()

    async def renewed(self) -> str:
        """Whom a fresh token of this device names."""
        status, said = await self.hall.ask("POST", "/guest", self.token, {})
        return f"{status} {said['userId']}" if status == 200 else f"{status} {said}"

    async def _live(self, after: float) -> None:
        await asyncio.sleep(after)
        while not self.token:
            status, said = await self.hall.ask("POST", "/guest", None, {})
            if status == 201:
                self.token, self.user_id = said["token"], said["userId"]
            elif status not in (0, 502, 503, 504):
                self.hall.strange.append(f"not let in: {status} {said}")
                return
            else:  # too much to do there: everybody at once again would keep it so
                await asyncio.sleep(self.hall.chance.uniform(1.0, 3.0))
        while True:
            with suppress(OSError, TimeoutError):
                await self._follow()
            if self._line is not None:
                self._line.close()
            await asyncio.sleep(0.5 * self.hall.chance.uniform(0.5, 1.5))

    async def _follow(self) -> None:
        line = Line(self.hall.port, self.token, self.hall.reader, self._hear)
        self._line, self._heard = line, -1
        await line.open()
        self.connections += 1
        await line.ask("subscribe", {"pollIds": []})
        answer = await line.ask("follow", {"sessionId": self.hall.session_id})
        if "error" in answer:
            raise ConnectionError(answer["error"])
        self._show({**answer["session"], "poll": answer["poll"]})
        if self.present is not None:
            await self._subscribe(self.present)
        await line.lost

    def _hear(self, event: str, payload: dict[str, Any]) -> None:
        if event == "session-update":
            if payload["version"] <= self._heard:
                self.hall.strange.append(f"{self}: {payload['version']} after {self._heard}")
            self._heard = payload["version"]
            self._show(payload)
        elif event in ("vote-update", "like-update"):
            self._take(payload)

    def _show(self, session: dict[str, Any]) -> None:
        if session["version"] <= self.version:
            return
        self.version, self.status = session["version"], session["status"]
        present = session["poll"]["id"] if session["poll"] else None
        if present != self.present:
            self.present = present
            if present is not None:
                self._tasks[present] = asyncio.create_task(self._attend(session["poll"]))

    def _take(self, state: dict[str, Any]) -> None:
        self.hall.saw(state)
        poll_id, version = state["pollId"], state["version"]
        if version > self.counts.get(poll_id, (0, {}))[0]:
            self.counts[poll_id] = version, state["counts"]

    async def _attend(self, poll: dict[str, Any]) -> None:
        await asyncio.sleep(self.hall.chance.uniform(0, spread))
        path = f"/api/poll/get-poll-by-id/{poll['id']}"
        view = await self._insist("GET", path)
        if view is not None:
            self._take({**view, "pollId": view["id"]})
        with suppress(OSError):
            await self._subscribe(poll["id"])
        if poll["id"] not in self.ballots:
            await self._vote(poll)

    async def _subscribe(self, poll_id: str) -> None:
        """Follow a poll as long as it is present; who hears that it did not work asks again."""
        line = self._line
        assert line is not None
        while poll_id == self.present and not line.lost.done():
            with suppress(TimeoutError):
                answer = await line.ask("subscribe", {"pollIds": [poll_id]})
                if "error" not in answer:
                    for state in answer["polls"]:
                        self._take(state)
                    return
            await asyncio.sleep(2 * self.hall.chance.uniform(0.5, 1.5))

    async def _vote(self, poll: dict[str, Any]) -> None:
        chosen = poll["options"][self.place % len(poll["options"])]["id"]
        body = {"optionIds": [chosen]}
        if await self._insist("PUT", f"/api/poll/ballot/{poll['id']}", body) is None:
            self.late.add(poll["id"])
        else:
            self.ballots[poll["id"]] = chosen

    async def _insist(self, method: str, path: str, body: Any = None) -> Any:
        """Ask until it is answered; ``None`` where the poll was closed."""
        while True:
            status, said = await self.hall.ask(method, path, self.token, body)
            if status in (200, 201):
                return said
            if status == 409 and said["code"] == "poll_closed":
                return None
            if status not in (0, 502, 503, 504):
                self.hall.strange.append(f"{method} {path}: {status} {said}")
                return None
            await asyncio.sleep(self.hall.chance.uniform(0.5, 1.5))


class Stage(Guest):
    """The screen of whoever leads: it hears how many are in, and votes on nothing."""

    def __init__(self, hall: Hall, token: str) -> None:
        super().__init__(hall, -1)
        self.token = token
        self.people = -1

    async def shows(self, people: int) -> None:
        """Wait until it shows that so many are in."""
        deadline = monotonic() + patience
        while self.people != people:
            assert monotonic() < deadline, f"{self.people} are in, not {people}"
            await asyncio.sleep(0.02)

    def _hear(self, event: str, payload: dict[str, Any]) -> None:
        super()._hear(event, payload)
        if event == "session-attendance":
            self.people = payload["people"]

    async def _attend(self, poll: dict[str, Any]) -> None:
        pass

    def _take(self, state: dict[str, Any]) -> None:
        """Whoever leads may see what nobody else may."""
