"""From the first version to this one and back, an instance at a time, under load.

The old code is its archive: Python alone, without what only browsers ask for.
"""

from __future__ import annotations

import asyncio
import tarfile
from collections.abc import Callable, Iterable
from pathlib import Path
from secrets import token_hex
from typing import Any

import httpx

from tests.builders import create_poll, look, vote
from tests.instances import Instance
from tests.journeys import proxy
from tests.journeys.crowd import Crowd, Watcher

archives = Path(__file__).parent / "released"
owner = "a" * 24


def unpack(version: str, folder: Path) -> Path:
    """The folder in which that version can be served."""
    with tarfile.open(archives / f"{version}.tar.xz") as archive:
        archive.extractall(folder, filter="data")
    return folder


async def agree(instances: Iterable[httpx.AsyncClient], poll: dict[str, Any], voters: int) -> None:
    """Wait until each shows so many voters: seconds are promised, while both versions serve."""
    for client in instances:
        async with asyncio.timeout(5):
            while (await look(client, poll, owner))["votersCount"] != voters:  # noqa: ASYNC110
                await asyncio.sleep(0.05)


@proxy.needs_nginx
async def test_rolling_upgrade_and_back_under_load(
    new_instance: Callable[..., Instance],
    http: Callable[[str], httpx.AsyncClient],
    tmp_path: Path,
) -> None:
    first = unpack("0.1.0", tmp_path / "0.1.0")
    instances = (new_instance(), new_instance())
    for instance in instances:
        instance.code = first
        instance.start()
    nginx = proxy.Nginx(instances, tmp_path).start()
    clients = [http(instance.url) for instance in instances]
    try:
        poll, quiet = [await create_poll(http(nginx.url), owner) for _ in range(2)]
        watchers = [await Watcher(poll["id"], ["websocket"]).connect(nginx.url) for _ in range(4)]
        voters = 0
        async with Crowd(nginx.url, poll) as crowd:
            for code in (None, first):
                for instance in instances:
                    before = crowd.requests
                    assert await asyncio.to_thread(instance.stop) == 0
                    instance.code = code
                    await asyncio.to_thread(instance.start)
                    for client in clients:
                        await vote(client, quiet, 0, token_hex(12))
                        voters += 1
                        await agree(clients, quiet, voters)
                    assert crowd.requests > before
        assert crowd.failures == []
        await agree(clients, poll, crowd.votes.total())
        for client in clients:
            shown = await look(client, poll, owner)
            assert shown["counts"] == {**crowd.votes, "likes": len(crowd.likers)}
        for watcher in watchers:
            await watcher.until(crowd.votes.total())
            await watcher.close()
    finally:
        nginx.stop()
