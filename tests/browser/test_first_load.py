"""The first load of a page: what it weighs, what jumps; and what a second one asks for again."""

from __future__ import annotations

from secrets import token_hex
from typing import Any

import httpx
import pytest
from playwright.async_api import Browser, expect

from bench.first_load import first_load, phone, projector
from quickpoll.web.texts import LANGUAGES
from tests.browser.visitors import Visitors
from tests.builders import create_poll, vote
from tests.conftest import sign


@pytest.mark.parametrize("language", LANGUAGES)
async def test_the_first_load_of_a_poll_is_light_and_nothing_jumps(
    browser: Browser, visitors: Visitors, api: httpx.AsyncClient, language: str
) -> None:
    texts = [f"Proposal number {place}" for place in range(6)]
    poll = await create_poll(api, token_hex(12), texts=texts)
    await vote(api, poll, 0, token_hex(12))
    address = f"{visitors.url}/polls/{poll['id']}?lang={language}#token={sign()}"
    found = await first_load(browser, address)
    assert found.size < 110_000
    assert found.shift < 0.05


@pytest.mark.parametrize("path", ["/polls", "/polls/{}/present"])
async def test_other_pages_are_no_heavier(
    browser: Browser, visitors: Visitors, api: httpx.AsyncClient, path: str
) -> None:
    poll = await create_poll(api, token_hex(12))
    address = f"{visitors.url}{path.format(poll['id'])}#token={sign()}"
    screen = projector if "present" in path else phone
    found = await first_load(browser, address, slow=False, screen=screen)
    assert found.size < 125_000  # with twenty polls, or the presenter's own
    assert found.shift < 0.05


async def test_a_second_load_fetches_no_file_again(
    visitors: Visitors, api: httpx.AsyncClient
) -> None:
    poll = await create_poll(api, token_hex(12))
    page = await visitors.open(f"/polls/{poll['id']}")
    await expect(page.locator("#connection")).to_have_text("Live")
    session = await page.context.new_cdp_session(page)
    await session.send("Network.enable")
    asked: dict[str, str] = {}
    fetched: list[str] = []

    def finished(one: dict[str, Any]) -> None:
        if one["encodedDataLength"] > 0:  # nothing comes out of a cache
            fetched.append(asked.get(one["requestId"], ""))

    session.on(
        "Network.requestWillBeSent",
        lambda one: asked.update({one["requestId"]: one["request"]["url"]}),
    )
    session.on("Network.loadingFinished", finished)
    await page.goto(visitors.url + f"/polls/{poll['id']}")
    await expect(page.locator("#connection")).to_have_text("Live")
    assert fetched
    assert [address for address in fetched if "/static/" in address] == []
