"""What other services are told of a poll: of polls for everybody, and of no other one."""

from __future__ import annotations

import asyncio
import re
import struct
from collections.abc import AsyncIterator
from html import unescape
from secrets import token_hex
from typing import Any

import httpx
import pytest
from quart import Quart

from quickpoll.composition import Services
from quickpoll.errors import Overloaded
from quickpoll.factory import create_app
from quickpoll.localrun.embedded import StoreAddresses
from quickpoll.web.previews.drawing import KEEP_SECONDS, Drawing
from quickpoll.web.previews.sheet import Bar, cut, svg, width, wrapped
from tests.builders import create_poll, vote
from tests.conftest import bearer, environment, served, settings_from

key = "a key for guests of tests, 32 bytes or more"


@pytest.fixture
def app(stores: StoreAddresses, name: str) -> Quart:
    """An application that guests may use."""
    variables = environment(stores, name, API_GUESTS="on", API_GUEST_KEY=key)
    return create_app(settings_from(variables))


@pytest.fixture
async def client(app: Quart) -> AsyncIterator[httpx.AsyncClient]:
    """A client of it."""
    async with served(app) as client:
        yield client


def tags(answer: httpx.Response) -> dict[str, str]:
    """The Open Graph tags of a page."""
    found = re.findall(r'<meta property="og:([\w:]+)" content="([^"]*)">', answer.text)
    return {name: unescape(value) for name, value in found}


def head(answer: httpx.Response) -> str:
    """What programs read of a page; the way in for guests is beneath it."""
    return answer.text.partition("</head>")[0]


async def oembed(client: httpx.AsyncClient, poll_id: str, **more: Any) -> httpx.Response:
    """What oEmbed answers of a poll."""
    return await client.get("/oembed", params={"url": f"http://test/polls/{poll_id}", **more})


def size(png: bytes) -> tuple[int, int]:
    """Width and height of a PNG."""
    assert png.startswith(b"\x89PNG\r\n\x1a\n")
    return struct.unpack(">II", png[16:24])


async def test_a_poll_for_everybody_tells_what_it_is(client: httpx.AsyncClient) -> None:
    poll = await create_poll(client, token_hex(12), guests="open", question='Red & "green"?')
    said = tags(await client.get(f"/polls/{poll['id']}"))
    assert said["title"] == 'Red & "green"?'
    assert said["description"] == "red · green · blue"
    assert said["url"] == f"http://test/polls/{poll['id']}"
    picture = await client.get(said["image"])
    assert picture.headers["Content-Type"] == "image/png"
    assert size(picture.content) == (int(said["image:width"]), int(said["image:height"]))
    rich = (await oembed(client, poll["id"])).json()
    assert (rich["type"], rich["version"], rich["title"]) == ("rich", "1.0", poll["question"])
    assert f'<iframe src="http://test/embed/polls/{poll["id"]}"' in rich["html"]
    assert "&#34;green&#34;" in rich["html"]
    assert rich["thumbnail_url"] == said["image"]
    small = (await oembed(client, poll["id"], maxwidth=300, maxheight="200")).json()
    assert (small["width"], small["height"]) == (300, 200)
    assert "thumbnail_url" not in small


async def test_a_picture_follows_the_counts(client: httpx.AsyncClient, services: Services) -> None:
    drawing = services.previews.drawing
    now = 0.0
    drawing._clock = lambda: now
    poll = await create_poll(client, token_hex(12), guests="open")
    address = f"/polls/{poll['id']}/picture.png"
    before = await client.get(address)
    tagged = tags(await client.get(f"/polls/{poll['id']}"))["image"]
    await vote(client, poll, 0, token_hex(12))
    assert tags(await client.get(f"/polls/{poll['id']}"))["image"] != tagged
    assert (await client.get(address)).content == before.content  # seconds old is good enough
    now = KEEP_SECONDS
    after = await client.get(address)
    assert after.content != before.content
    assert drawing.drawn == 2
    again = await client.get(address, headers={"If-None-Match": after.headers["ETag"]})
    assert again.status_code == 304


@pytest.mark.parametrize(
    "fields",
    [{}, {"guests": "open", "visibility": "unlisted"}, {"guests": "invited"}],
    ids=["no guests", "unlisted", "invited"],
)
async def test_of_other_polls_nothing_is_told(
    client: httpx.AsyncClient, fields: dict[str, str]
) -> None:
    poll = await create_poll(client, token_hex(12), **fields)
    missing = token_hex(12)
    for path in ("/polls/{}", "/polls/{}/present"):
        told = await client.get(path.format(poll["id"]))
        nobody = await client.get(path.format(missing))
        assert head(told) == head(nobody).replace(missing, poll["id"])
    for one in (poll["id"], missing):
        refused = await oembed(client, one)
        assert (refused.status_code, refused.json()["code"]) == (404, "not_found")
        assert (await client.get(f"/polls/{one}/picture.png")).status_code == 404


async def test_without_guests_nothing_is_told_of_any_poll(
    client: httpx.AsyncClient, stores: StoreAddresses, name: str
) -> None:
    poll = await create_poll(client, token_hex(12), guests="open")
    async with served(create_app(settings_from(environment(stores, name)))) as other:
        assert tags(await other.get(f"/polls/{poll['id']}")) == {}
        assert (await oembed(other, poll["id"])).status_code == 404
        assert "data-guests" not in (await other.get(f"/embed/polls/{poll['id']}")).text


@pytest.mark.parametrize("results", ["after_close", "after_vote", "owner"])
async def test_a_picture_is_there_where_everybody_may_see_the_results(
    client: httpx.AsyncClient, results: str
) -> None:
    owner = token_hex(12)
    poll = await create_poll(client, owner, guests="open", results=results)
    await vote(client, poll, 0, owner)
    page = f"/polls/{poll['id']}"
    assert "image" not in tags(await client.get(page))
    assert "title" in tags(await client.get(page))
    assert "thumbnail_url" not in (await oembed(client, poll["id"])).json()
    assert (await client.get(f"{page}/picture.png")).status_code == 404
    await client.post(f"/api/poll/close-poll/{poll['id']}", headers=bearer(owner))
    seen = results != "owner"
    assert ("image" in tags(await client.get(page))) == seen
    assert (await client.get(f"{page}/picture.png")).status_code == (200 if seen else 404)


async def test_only_a_frame_of_a_poll_that_is_open_to_guests_says_so(
    client: httpx.AsyncClient,
) -> None:
    for fields, said in (
        ({"guests": "open"}, True),
        ({"guests": "open", "visibility": "unlisted"}, True),
        ({"guests": "invited"}, False),
        ({}, False),
    ):
        poll = await create_poll(client, token_hex(12), **fields)
        answer = await client.get(f"/embed/polls/{poll['id']}")
        assert ('data-guests="open"' in answer.text) == said
    missing = token_hex(12)
    nobody = await client.get(f"/embed/polls/{missing}")
    assert nobody.text.replace(missing, poll["id"]) == answer.text


@pytest.mark.parametrize(
    ("query", "status", "code"),
    [
        ("", 422, "invalid_request"),
        ("url=http://test/polls/{id}&format=xml", 501, "not_implemented"),
        ("url=http://test/polls/{id}&format=yaml", 422, "invalid_request"),
        ("url=http://elsewhere.example/polls/{id}", 404, "not_found"),
        ("url=/polls/{id}", 404, "not_found"),
        ("url=http://test/polls/{id}/history", 404, "not_found"),
        ("url=http://[/polls/{id}", 404, "not_found"),
        ("url=http://test:99999/polls/{id}", 404, "not_found"),
        ("url=http://test@elsewhere.example/polls/{id}", 404, "not_found"),
        ("url=http://user@test/polls/{id}", 404, "not_found"),
        ("url=javascript://test/polls/{id}", 404, "not_found"),
        ("url=http://localhost/polls/{id}", 404, "not_found"),
        ("url=http://test/polls/{id}&maxwidth=0", 422, "invalid_request"),
        ("url=http://test/polls/{id}&maxheight=wide", 422, "invalid_request"),
    ],
)
async def test_what_cannot_be_embedded_is_said(
    client: httpx.AsyncClient, query: str, status: int, code: str
) -> None:
    poll = await create_poll(client, token_hex(12), guests="open")
    answer = await client.get("/oembed?" + query.replace("{id}", poll["id"]))
    assert (answer.status_code, answer.json()["code"]) == (status, code)
    assert answer.headers["Content-Type"] == "application/problem+json"


@pytest.mark.parametrize(
    ("asked_at", "url", "origin"),
    [
        ("http://test", "http://TEST:80", "http://TEST:80"),
        ("http://test", "https://test", "https://test"),  # a proxy that says nothing of TLS
        ("http://test", "http://192.0.2.7:8001", "http://192.0.2.7:8001"),
        ("http://127.0.0.1:8001", "http://192.0.2.7:8001", "http://192.0.2.7:8001"),
        ("http://127.0.0.1:8001", "http://localhost:8001", "http://localhost:8001"),
        ("http://localhost:8001", "http://[::1]:8001", "http://[::1]:8001"),
        ("http://127.0.0.1:8001", "http://localhost:9000", ""),
        ("http://test", "http://192.0.2.7", ""),
    ],
)
async def test_oembed_knows_the_service_by_all_its_names(
    stores: StoreAddresses, name: str, asked_at: str, url: str, origin: str
) -> None:
    more = {"API_GUESTS": "on", "API_GUEST_KEY": key, "API_PUBLIC_ADDRESS": "http://192.0.2.7:8001"}
    app = create_app(settings_from(environment(stores, name, **more)))
    async with served(app) as client:
        poll = await create_poll(client, token_hex(12), guests="open")
        asked = {"url": f"{url}/polls/{poll['id']}"}
        answer = await client.get(f"{asked_at}/oembed", params=asked)
    if not origin:
        assert answer.status_code == 404
        return
    assert f'src="{origin}/embed/polls/{poll["id"]}"' in answer.json()["html"]
    assert answer.json()["thumbnail_url"].startswith(f"{origin}/polls/{poll['id']}/")


async def test_pages_are_there_while_nothing_can_be_looked_up(
    client: httpx.AsyncClient, services: Services, monkeypatch: pytest.MonkeyPatch
) -> None:
    poll = await create_poll(client, token_hex(12), guests="open")
    monkeypatch.setattr("quickpoll.web.previews.reading.LOOK_UP_SECONDS", 0.0)
    answer = await client.get(f"/polls/{poll['id']}")
    assert (answer.status_code, tags(answer)) == (200, {})


async def test_few_wait_for_a_picture(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("quickpoll.web.previews.drawing.MOST_WAITING", 2)
    drawing = Drawing()
    sheet = svg("Which?", [Bar("red", 0.5, 50)])
    asked = [drawing.of(f"{place}", 1, lambda: sheet) for place in range(4)]
    found = await asyncio.gather(*asked, return_exceptions=True)
    assert [type(one) for one in found if isinstance(one, Exception)] == [Overloaded, Overloaded]
    assert drawing.drawn == 2


async def test_hostile_texts_are_drawn_as_texts() -> None:
    drawing = Drawing()
    hostile = '</text><image href="file:///etc/passwd"/>&lt;\u202e]]>'
    png = await drawing.of("a", 1, lambda: svg(hostile * 9, [Bar(hostile, 1.0, 100)] * 50))
    assert png is not None
    assert "<image" not in svg(hostile, [Bar(hostile, 1.0, 100)])


@pytest.mark.parametrize(
    "text", ["word " * 100, "w" * 500, "何色が好きですか" * 60, "a", "ﷺ" * 500]
)
def test_a_question_is_never_wider_than_the_picture(text: str) -> None:
    assert all(width(line, 46) <= 1056 for line in wrapped(text, 46, 1056))
    assert width(cut(text, 46, 1056), 46) <= 1056
