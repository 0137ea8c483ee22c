"""Watchers: what a screen shows that ignores whatever is not newer."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Iterable
from contextlib import suppress
from typing import Any

import aiohttp
import socketio
from socketio.exceptions import SocketIOError

from tests.conftest import sign
from tests.faults.crowd import Record
from tests.instances import Instance

statuses = {"closed": "closed", "reopened": "open", "deleted": "deleted"}
"""What a ``poll-update`` says of the status."""


class Watcher:
    """A screen on one instance that follows some polls, over every break."""

    def __init__(self, instance: Instance, poll_ids: Iterable[str], record: Record) -> None:
        self.instance = instance
        self.shown: dict[str, tuple[int, dict[str, int]]] = {}
        self._statuses: dict[str, tuple[int, str]] = {}
        self._poll_ids = list(poll_ids)
        self._record = record
        self._task: asyncio.Task[None] | None = None
        self._client: Any = None

    def start(self) -> None:
        """Connect, and again whenever the connection is gone."""
        self._task = asyncio.create_task(self._watch_forever())

    async def aclose(self) -> None:
        """Let go."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)
        await self._let_go()

    def status(self, poll_id: str) -> str | None:
        """What it has heard of a poll's status."""
        return self._statuses.get(poll_id, (0, None))[1]

    async def follow(self, poll_id: str) -> None:
        """Follow one more poll."""
        self._poll_ids.append(poll_id)
        await self._subscribe([poll_id])

    def forget(self, poll_id: str) -> None:
        """Do not follow a poll any more after the next break."""
        self._poll_ids.remove(poll_id)
        self.shown.pop(poll_id, None)
        self._statuses.pop(poll_id, None)

    async def _let_go(self) -> None:
        if self._client is not None:
            # The client cancels tasks of its own when it disconnects, and lets that be heard.
            with suppress(SocketIOError, OSError, asyncio.CancelledError):
                await self._client.disconnect()

    async def _watch_forever(self) -> None:
        while True:
            async with aiohttp.ClientSession() as session:
                self._client = socketio.AsyncClient(reconnection=False, http_session=session)
                self._client.on("vote-update", self._take)
                self._client.on("like-update", self._take)
                self._client.on("poll-update", self._take_change)
                with suppress(SocketIOError, OSError, TimeoutError):
                    await self._watch()
                await self._let_go()
            await asyncio.sleep(0.1)

    async def _watch(self) -> None:
        await self._client.connect(
            self.instance.url,
            auth={"token": sign()},
            socketio_path="/ws/updates",
            transports=["websocket"],
            wait_timeout=3,
        )
        if await self._subscribe(self._poll_ids):
            await self._client.wait()

    async def _subscribe(self, poll_ids: list[str]) -> bool:
        try:
            snapshot = await self._client.call("subscribe", {"pollIds": poll_ids}, timeout=3)
        except (AttributeError, SocketIOError, OSError, TimeoutError):
            # Not connected at present, or no answer: a new connection asks for everything.
            await self._let_go()
            return False
        if "error" in snapshot:
            await self._let_go()
            return False
        for state in snapshot["polls"]:
            # A snapshot may be older than an update that came before it.
            if state["version"] > self._statuses.get(state["pollId"], (0, ""))[0]:
                self._statuses[state["pollId"]] = state["version"], state["status"]
            self._take(state)
        for poll_id in snapshot["unknown"]:
            self._statuses[poll_id] = sys.maxsize, "deleted"
        return True

    def _take(self, state: dict[str, Any]) -> None:
        poll_id, version, counts = state["pollId"], state["version"], state["counts"]
        if "votersCount" in state:
            self._record.saw(poll_id, version, counts, "watcher")
        if version > self.shown.get(poll_id, (0, {}))[0]:
            self.shown[poll_id] = version, counts

    def _take_change(self, change: dict[str, Any]) -> None:
        poll_id, version = change["pollId"], change["version"]
        known, counts = self.shown.get(poll_id, (0, {}))
        if version > known and poll_id in self._poll_ids:
            self.shown[poll_id] = version, counts
        known, status = self._statuses.get(poll_id, (0, "open"))
        if version >= known:
            self._statuses[poll_id] = version, statuses.get(change["change"], status)
