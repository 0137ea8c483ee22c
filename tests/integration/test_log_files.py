"""The files of a log: tiles, openings and keys, as anybody may copy and keep them."""

from __future__ import annotations

import asyncio
import base64
import json
from secrets import token_hex

import httpx
import pytest
from quart import Quart

from quickpoll.factory import create_app
from quickpoll.localrun.embedded import StoreAddresses
from quickpoll.settings import Settings
from quickpoll.verification.notes import open_note, parse_keys
from tests.builders import create_poll, vote
from tests.conftest import bearer, environment, served, settings_from
from tests.integration.log_harness import (
    act,
    copy_log,
    log_settings,
    owner,
    published,
    verifiable,
    voters,
)


@pytest.fixture
def settings(stores: StoreAddresses, name: str) -> Settings:
    """A service that signs logs."""
    return settings_from(environment(stores, name, **log_settings))


async def test_what_is_no_log_is_all_the_same(client: httpx.AsyncClient) -> None:
    """An unverifiable, an unknown and a deleted poll, for whoever asks from whatever page."""
    plain, gone = await create_poll(client, owner), await verifiable(client)
    await act(client, "DELETE", "delete-poll", gone, owner)
    bodies = set()
    for poll_id in (plain["id"], gone["id"], token_hex(12), "no-id"):
        files = "checkpoint", "tile/0/000.p/1", "tile/entries/000.p/1", "openings"
        for path in (*files, "tile/", "tile", "nothing", ""):
            answer = await client.get(f"/log/{poll_id}/{path}", headers={"Accept": "text/html"})
            assert answer.status_code == 404
            assert answer.headers["Content-Type"] == "application/problem+json"
            assert answer.headers["Access-Control-Allow-Origin"] == "*"
            bodies.add(answer.text)
    assert len(bodies) == 1


async def test_the_files_say_how_they_may_be_kept(client: httpx.AsyncClient) -> None:
    poll = await verifiable(client)
    base, page = f"/log/{poll['id']}", {"Origin": "https://elsewhere.example"}
    kinds = {
        "/log/key": ("text/plain; charset=utf-8", "no-cache"),
        f"{base}/checkpoint": ("text/plain; charset=utf-8", "no-cache"),
        f"{base}/tile/0/000.p/1": (
            "application/octet-stream",
            "public, max-age=31536000, immutable",
        ),
        f"{base}/tile/entries/000.p/1": (
            "application/octet-stream",
            "public, max-age=31536000, immutable",
        ),
    }
    for path, said in kinds.items():
        answer = await client.get(path, headers=page)
        assert (answer.headers["Content-Type"], answer.headers["Cache-Control"]) == said
        assert answer.headers["Access-Control-Allow-Origin"] == "*"
        head = await client.head(path)
        assert (head.status_code, head.content) == (200, b"")
        assert head.headers["Content-Length"] == str(len(answer.content))
    upper = await client.get(f"/log/{poll['id'].upper()}/checkpoint")
    assert upper.status_code == 200


@pytest.mark.parametrize(
    "path", ["tile/0/000.p/0", "tile/0/000.p/256", "tile/00/000", "tile/0/0", "tile/0/x000/000.p/1"]
)
async def test_a_path_of_no_tile(client: httpx.AsyncClient, path: str) -> None:
    poll = await verifiable(client)
    assert (await client.get(f"/log/{poll['id']}/{path}")).status_code == 404


async def test_openings_come_in_the_order_of_their_tags(client: httpx.AsyncClient) -> None:
    poll = await verifiable(client)
    for user in voters(6):
        await vote(client, poll, 1, user)
    await act(client, "POST", "close-poll", poll, owner)
    await published(client, poll, 8)
    answer = await client.get(f"/log/{poll['id']}/openings")
    assert answer.headers["Content-Type"] == "application/x-ndjson"
    tags = [json.loads(line)["tag"] for line in answer.text.splitlines()]
    assert (len(tags), tags) == (6, sorted(tags))
    again = {"If-None-Match": answer.headers["ETag"]}
    assert (await client.get(f"/log/{poll['id']}/openings", headers=again)).status_code == 304


async def test_few_ballots_are_never_opened(client: httpx.AsyncClient) -> None:
    poll = await verifiable(client)
    for user in voters(4):
        await vote(client, poll, 1, user)
    await act(client, "POST", "close-poll", poll, owner)
    copy = await published(client, poll, 6)
    refused = await client.get(f"/log/{poll['id']}/openings")
    assert (refused.status_code, refused.json()["code"]) == (404, "not_found")
    assert copy.check().findings == []


async def test_without_a_key_there_are_no_logs(stores: StoreAddresses, name: str) -> None:
    async with served(create_app(settings_from(environment(stores, name)))) as client:
        body = {"question": "Q?", "options": [{"text": "a"}, {"text": "b"}], "verifiable": True}
        refused = await client.post("/api/poll/create-poll", json=body, headers=bearer(owner))
        assert (refused.status_code, refused.json()["errors"][0]["field"]) == (422, "verifiable")
        assert (await client.get("/log/key")).status_code == 404


async def test_a_log_stays_with_the_key_that_it_began_with(
    stores: StoreAddresses, name: str, client: httpx.AsyncClient
) -> None:
    """Another key comes first; the old one is kept."""
    poll = await verifiable(client)
    first = await copy_log(client, poll)
    new = base64.b64encode(bytes(32)).decode()
    changed = {**log_settings, "API_LOG_KEY": f"{new},{log_settings['API_LOG_KEY']}"}
    app: Quart = create_app(settings_from(environment(stores, name, **changed)))
    async with served(app) as other:
        keys = parse_keys((await other.get("/log/key")).content)
        assert len(keys) == 2
        await vote(other, poll, 0, token_hex(12))
        copy = await published(other, poll, 2)
        assert copy.check(checkpoints=[first.checkpoint]).findings == []
        assert open_note(copy.checkpoint, keys)[1] == keys[1]
        # The first instance, which writes the logs, has not got the new key: it leaves them.
        newer = await verifiable(other)
        await vote(other, newer, 0, token_hex(12))
        assert open_note((await published(other, newer, 2)).checkpoint, keys)[1] == keys[0]


async def test_a_long_log_has_full_tiles(client: httpx.AsyncClient) -> None:
    poll = await verifiable(client, results="after_close")
    users = voters(300)
    for start in range(0, 300, 100):
        await asyncio.gather(*[vote(client, poll, 0, user) for user in users[start : start + 100]])
    await act(client, "POST", "close-poll", poll, owner)
    copy = await published(client, poll, 302)
    receipt = await act(client, "GET", "receipt", poll, users[17])
    assert copy.check(receipts=[receipt.content]).findings == []
    full = await client.get(f"/log/{poll['id']}/tile/0/000")
    assert len(full.content) == 8192
