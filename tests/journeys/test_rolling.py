"""An upgrade without downtime: each of two instances behind nginx is replaced under load."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from pathlib import Path

import httpx

from tests.builders import create_poll, look
from tests.instances import Instance
from tests.journeys import proxy
from tests.journeys.crowd import Crowd, Watcher

owner = "a" * 24


@proxy.needs_nginx
async def test_rolling_restart_fails_no_request_and_loses_no_vote(
    start_instance: Callable[..., Instance],
    http: Callable[[str], httpx.AsyncClient],
    tmp_path: Path,
) -> None:
    instances = (start_instance(), start_instance())
    nginx = proxy.Nginx(instances, tmp_path).start()
    try:
        poll = await create_poll(http(nginx.url), owner)
        ways = (["websocket"], ["polling", "websocket"], ["polling"])
        watchers = [await Watcher(poll["id"], way).connect(nginx.url) for way in ways * 2]
        async with Crowd(nginx.url, poll) as crowd:
            for instance in instances:
                before = crowd.requests
                assert await asyncio.to_thread(instance.stop) == 0
                await asyncio.to_thread(instance.start)
                assert crowd.requests > before
        assert crowd.failures == []
        for instance in instances:
            shown = await look(http(instance.url), poll, owner)
            likes = shown["counts"].pop("likes")
            assert shown["counts"] == dict(crowd.votes)
            assert likes == len(crowd.likers)
        for watcher in watchers:
            await watcher.until(crowd.votes.total())
            assert watcher.steps_back == 0
            await watcher.close()
    finally:
        nginx.stop()
