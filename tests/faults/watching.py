"""Watchers: what a screen shows that ignores whatever is not newer."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from typing import Any

import socketio
from socketio.exceptions import SocketIOError

from tests.conftest import Instance, sign
from tests.faults.crowd import Record


class Watcher:
    """A screen on one instance that follows some polls, over every break."""

    def __init__(self, instance: Instance, poll_ids: list[str], record: Record) -> None:
        self.instance = instance
        self.shown: dict[str, tuple[int, dict[str, int]]] = {}
        self._poll_ids = poll_ids
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

    async def _let_go(self) -> None:
        if self._client is not None:
            # The client cancels tasks of its own when it disconnects, and lets that be heard.
            with suppress(SocketIOError, OSError, asyncio.CancelledError):
                await self._client.disconnect()

    async def _watch_forever(self) -> None:
        while True:
            self._client = socketio.AsyncClient(reconnection=False)
            self._client.on("vote-update", self._take)
            self._client.on("like-update", self._take)
            try:
                await self._client.connect(
                    self.instance.url,
                    auth={"token": sign()},
                    socketio_path="/ws/updates",
                    transports=["websocket"],
                    wait_timeout=3,
                )
                wish = {"pollIds": self._poll_ids}
                snapshot = await self._client.call("subscribe", wish, timeout=3)
                for state in snapshot.get("polls", ()):
                    self._take(state)
                await self._client.wait()
            except (SocketIOError, OSError, TimeoutError):
                pass
            await self._let_go()
            await asyncio.sleep(0.1)

    def _take(self, state: dict[str, Any]) -> None:
        poll_id, version, counts = state["pollId"], state["version"], state["counts"]
        self._record.saw(poll_id, version, counts, "watcher")
        if version > self.shown.get(poll_id, (0, {}))[0]:
            self.shown[poll_id] = version, counts
