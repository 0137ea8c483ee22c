"""The official JavaScript client, as a process of its own."""

from __future__ import annotations

import asyncio
import json
import os
import shutil
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest

from tests.checkout import root

folder = root / "tests" / "js"
versions = ("socket.io-client", "socket.io-client-previous")
"""The present minor version, and the one before."""


def require_node() -> None:
    """Skip a person's test where Node.js or the clients are missing; fail it in CI."""
    missing = [
        what
        for what, there in (
            ("Node.js", shutil.which("node") is not None),
            ("the clients (npm ci --prefix tests/js)", (folder / "node_modules").is_dir()),
        )
        if not there
    ]
    if missing and os.environ.get("CI"):
        pytest.fail(f"CI has to have {' and '.join(missing)}")
    if missing:
        pytest.skip(f"needs {' and '.join(missing)}")


class JsScreen:
    """What one client said, and requests to it."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        self.process = process
        self.said: list[tuple[str, Any]] = []
        self._came = asyncio.Event()
        self._reader = asyncio.create_task(self._read())

    async def ask(self, *event: Any) -> Any:
        """Send an event; its acknowledgement."""
        before = len(self.all_of("answer"))
        assert self.process.stdin is not None
        self.process.stdin.write(json.dumps(event).encode() + b"\n")
        await self.process.stdin.drain()
        return (await self.until("answer", count=before + 1))[before]

    def all_of(self, what: str) -> list[Any]:
        """Everything of a kind."""
        return [more for said, more in self.said if said == what]

    async def until(self, what: str, count: int = 1, **fields: Any) -> list[Any]:
        """Everything of a kind, as soon as so many have these fields."""
        async with asyncio.timeout(20):
            while True:
                found = self.all_of(what)
                if sum(1 for one in found if not fields or fields.items() <= one.items()) >= count:
                    return found
                self._came.clear()
                await self._came.wait()

    async def _read(self) -> None:
        assert self.process.stdout is not None
        async for line in self.process.stdout:
            what, more = (*json.loads(line), None)[:2]
            self.said.append((what, more))
            self._came.set()

    async def close(self) -> None:
        """Let it leave."""
        assert self.process.stdin is not None
        self.process.stdin.close()
        try:
            await asyncio.wait_for(self.process.wait(), 10)
        except TimeoutError:
            self.process.kill()
            await self.process.wait()
        await self._reader


@asynccontextmanager
async def js_screen(version: str, url: str, **options: Any) -> AsyncIterator[JsScreen]:
    """A client that connects with these options."""
    require_node()
    process = await asyncio.create_subprocess_exec(
        *("node", "screen.mjs", version, url, json.dumps(options)),
        cwd=folder,
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
    )
    screen = JsScreen(process)
    try:
        yield screen
    finally:
        await screen.close()
