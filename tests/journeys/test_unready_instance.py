"""Instances that are not ready, behind the real nginx: no request fails through them, and none is
done twice."""

from __future__ import annotations

import asyncio
import json
from collections import Counter
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager
from pathlib import Path
from secrets import token_hex

import httpx
import pytest

from quickpoll.localrun.embedded import StoreAddresses
from tests.builders import create_poll, look, option, vote
from tests.conftest import bearer, environment
from tests.instances import Instance, free_port
from tests.journeys import proxy

owner = "a" * 24


@pytest.fixture
def start_unready(stores: StoreAddresses, name: str) -> Iterator[Callable[[], Instance]]:
    """Starts instances that find no database, so that nothing is there that they need."""
    started: list[Instance] = []

    def start() -> Instance:
        away = f"mongodb://127.0.0.1:{free_port()}/{name}"
        instance = Instance(environment(stores, name, API_DATABASE_URL=away))
        started.append(instance)
        instance.start(wait=False)
        while True:
            try:
                if httpx.get(f"{instance.url}/health/live", timeout=5).status_code == 200:
                    return instance
            except httpx.TransportError:
                assert instance.process.poll() is None

    yield start
    for instance in started:
        instance.close()


@asynccontextmanager
async def behind(
    instances: tuple[Instance, ...], folder: Path
) -> AsyncIterator[tuple[httpx.AsyncClient, Path]]:
    nginx = proxy.Nginx(instances, folder).start()
    try:
        async with httpx.AsyncClient(base_url=nginx.url, timeout=15) as client:
            yield client, folder / "access.log"
    finally:
        nginx.stop()


@proxy.needs_nginx
async def test_an_instance_that_is_not_ready_is_passed_by(
    start_instance: Callable[..., Instance],
    start_unready: Callable[[], Instance],
    tmp_path: Path,
) -> None:
    instances = (start_unready(), start_instance(), start_unready())
    async with behind(instances, tmp_path) as (client, access_log):
        poll = await create_poll(client, owner)
        made = [create_poll(client, owner) for _ in range(20)]
        cast = [vote(client, poll, 0, token_hex(12)) for _ in range(60)]
        read = [client.get("/api/poll/get-all-polls", headers=bearer(owner)) for _ in range(20)]
        toggled = [
            client.post(f"/api/poll/like-poll/{poll['id']}", headers=bearer()) for _ in range(20)
        ]
        polls = await asyncio.gather(*made)
        votes, pages, likes = [await asyncio.gather(*some) for some in (cast, read, toggled)]

        assert Counter(one.status_code for one in (*votes, *pages, *likes)) == {201: 60, 200: 40}
        shown = await look(client, poll, owner)
        assert (shown["counts"][option(poll, 0)], shown["counts"]["likes"]) == (60, 20)
        own = f"/api/poll/get-poll-by-user-id/{owner}?limit=100"
        stored = {one["id"] for one in (await client.get(own, headers=bearer(owner))).json()}
        assert stored == {one["id"] for one in (poll, *polls)}
    # It did happen: some of them had been at an instance that was not ready.
    lines = [json.loads(line) for line in access_log.read_text().splitlines()]
    assert any("," in line["instance"] or ":" in line["tries"] for line in lines)


@proxy.needs_nginx
async def test_where_none_is_ready_the_answer_is_a_problem_document(
    start_unready: Callable[[], Instance], tmp_path: Path
) -> None:
    instances = (start_unready(), start_unready())
    async with behind(instances, tmp_path) as (client, _):
        asked = {"question": "Which?", "options": [{"text": "a"}, {"text": "b"}]}
        answers = [
            await client.post("/api/poll/create-poll", json=asked, headers=bearer(owner)),
            await client.get("/api/poll/get-all-polls", headers=bearer(owner)),
        ]
        direct = await client.get(
            f"{instances[0].url}/api/poll/get-all-polls", headers=bearer(owner)
        )
    for answer in (*answers, direct):
        assert answer.status_code == 503
        assert answer.headers["Content-Type"] == "application/problem+json"
        assert answer.headers["Retry-After"] == "1"
        assert answer.json()["code"] == "unavailable"
    assert "X-Accel-Redirect" not in direct.headers


@proxy.needs_nginx
async def test_nobody_is_let_past_the_instance_that_judges_their_token(
    start_unready: Callable[[], Instance], tmp_path: Path
) -> None:
    async with behind((start_unready(), start_unready()), tmp_path) as (client, _):
        headers = {"QuickPoll-Elsewhere": "@elsewhere"}
        assert (await client.get("/api/poll/get-all-polls", headers=headers)).status_code == 401
