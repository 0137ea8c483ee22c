"""Verifiable polls in tests: the key that signs, copies of logs, what the checker says of them."""

from __future__ import annotations

import asyncio
import time
from base64 import b64encode
from secrets import token_hex
from typing import Any

import httpx

from quickpoll.verification import tiles
from quickpoll.verification.check import check
from quickpoll.verification.findings import Kept, NotServed, Report
from tests.builders import create_poll
from tests.conftest import bearer

Poll = dict[str, Any]

owner = "65f1c0ffee0000000000e001"

log_name = "polls.example.org"
log_settings = {"API_LOG_KEY": b64encode(bytes(range(32))).decode(), "API_LOG_NAME": log_name}

published_seconds = 10.0
"""Within which an entry is in a published checkpoint: the contract's own figure."""


def voters(number: int) -> list[str]:
    """So many people."""
    return [token_hex(12) for _ in range(number)]


async def verifiable(client: httpx.AsyncClient, **fields: Any) -> Poll:
    """A new poll with a log."""
    return await create_poll(client, owner, verifiable=True, **fields)


class LogCopy:
    """The files of one log, copied as anybody can."""

    def __init__(self, poll_id: str, files: dict[str, bytes]) -> None:
        self.poll_id = poll_id
        self.files = files

    def fetch(self, path: str) -> bytes:
        """As the checker reads them."""
        if path not in self.files:
            raise NotServed(path)
        return self.files[path]

    @property
    def checkpoint(self) -> bytes:
        """The signed checkpoint."""
        return self.files[f"log/{self.poll_id}/checkpoint"]

    @property
    def size(self) -> int:
        """The entries that are published."""
        return int(self.checkpoint.split(b"\n")[1])

    @property
    def lines(self) -> list[str]:
        """All entries, in their order."""
        places = [place.path for place in tiles.places(None, self.size)]
        bundles = [self.files[f"log/{self.poll_id}/{path}"] for path in places]
        return [line.decode() for one in bundles for line in tiles.unbundle(one)]

    @property
    def kinds(self) -> list[str]:
        """What the entries are, in their order."""
        return [line.split(" ")[0] for line in self.lines]

    def check(self, **kept: Any) -> Report:
        """What the checker says of this copy and of what somebody kept."""
        return check(self.fetch, self.poll_id, [], Kept(**kept), time.time())


async def copy_log(client: httpx.AsyncClient, poll: Poll) -> LogCopy:
    """Copy a log as it is published now."""
    base, files = f"log/{poll['id']}", {"log/key": (await client.get("/log/key")).content}
    for path in (f"{base}/checkpoint", f"{base}/openings"):
        answer = await client.get(f"/{path}")
        if answer.status_code == 200:
            files[path] = answer.content
    copy = LogCopy(poll["id"], files)
    for level in (None, *tiles.levels(copy.size)):
        for place in tiles.places(level, copy.size):
            answer = await client.get(f"/{base}/{place.path}")
            assert answer.status_code == 200, place.path
            files[f"{base}/{place.path}"] = answer.content
    return copy


async def published(client: httpx.AsyncClient, poll: Poll, size: int) -> LogCopy:
    """The log, once it has so many entries."""
    await grown(client, poll, size)
    return await copy_log(client, poll)


async def grown(client: httpx.AsyncClient, poll: Poll, size: int) -> None:
    """Wait until a log has so many entries; nothing else of it is asked for."""
    until = asyncio.get_running_loop().time() + published_seconds
    while True:
        answer = await client.get(f"/log/{poll['id']}/checkpoint")
        if answer.status_code == 200 and int(answer.text.split("\n")[1]) >= size:
            return
        assert asyncio.get_running_loop().time() < until, answer.text
        await asyncio.sleep(0.05)


async def act(
    client: httpx.AsyncClient, method: str, name: str, poll: Poll, user: str, body: Any = None
) -> httpx.Response:
    """A request about a poll: ``close-poll``, ``ballot``, ``receipt`` …"""
    path = f"/api/poll/{name}/{poll['id']}"
    return await client.request(method, path, json=body, headers=bearer(user))
