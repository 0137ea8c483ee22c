"""Tokens on the pages: where they come from, where they never go, what is said of a bad one."""

from __future__ import annotations

import time
from secrets import token_hex

import httpx
from playwright.async_api import expect

from tests.browser.visitors import Visitors
from tests.builders import create_poll
from tests.conftest import sign


async def test_the_token_moves_from_the_address_into_the_tab_and_nowhere_else(
    visitors: Visitors, api: httpx.AsyncClient
) -> None:
    poll = await create_poll(api, token_hex(12))
    token = sign()
    page = await visitors.open(f"/polls/{poll['id']}", token=token)
    await expect(page.locator("#connection")).to_have_text("Live")
    assert page.url == f"{visitors.url}/polls/{poll['id']}"
    assert await page.evaluate("Object.values(sessionStorage)") == [token]
    assert await page.evaluate("localStorage.length") == 0
    assert await page.context.cookies() == []
    # It was never part of an address that was asked for, and the tab goes on with it.
    assert any("/ws/updates" in address for address in visitors.asked)
    assert not any(token in address for address in visitors.asked)
    await page.get_by_role("link", name="Present it").click()
    await expect(page.get_by_role("heading", name=poll["question"])).to_be_visible()
    assert "token" not in page.url


async def test_without_a_token_the_page_asks_for_one_and_goes_on_with_it(
    visitors: Visitors, api: httpx.AsyncClient
) -> None:
    poll = await create_poll(api, token_hex(12))
    page = await visitors.open(f"/polls/{poll['id']}", token="")
    await expect(page.get_by_role("heading", name="A token is needed")).to_be_visible()
    field = page.get_by_role("textbox", name="Your token")

    await field.fill("half.a token")
    await page.get_by_role("button", name="Use this token").click()
    await expect(page.get_by_role("alert")).to_contain_text("This is not a whole token")
    await expect(field).to_be_focused()

    await field.fill(f"  Bearer {sign()} ")
    await page.keyboard.press("Enter")
    await expect(page.get_by_role("heading", name=poll["question"])).to_be_visible()

    await page.get_by_role("button", name="Use another token").click()
    await expect(page.get_by_role("heading", name="A token is needed")).to_be_visible()
    assert await page.evaluate("sessionStorage.length") == 0


async def test_a_token_that_is_not_accepted_is_asked_for_again(
    visitors: Visitors, api: httpx.AsyncClient
) -> None:
    poll = await create_poll(api, token_hex(12))
    bad = sign()[:-6] + "AAAAAA"
    for path in ("/polls", f"/polls/{poll['id']}", f"/polls/{poll['id']}/present"):
        page = await visitors.open(path, token=bad, forgiven="401")
        await expect(page.get_by_role("heading", name="This token is not accepted")).to_be_visible()
        await expect(page.get_by_role("textbox", name="Your token")).to_be_focused()
        await page.get_by_role("textbox", name="Your token").fill(sign())
        await page.keyboard.press("Enter")
        await expect(page.get_by_role("textbox", name="Your token")).to_be_hidden()
        await expect(page.locator("#connection")).to_have_text("Live")


async def test_an_expired_token_is_told_by_the_service_whatever_the_clock_says(
    visitors: Visitors, api: httpx.AsyncClient
) -> None:
    poll = await create_poll(api, token_hex(12))
    expired = sign(seconds=-60)
    for hours in (0, -1, 1):
        page = await visitors.blank(forgiven="401")
        await page.clock.set_fixed_time((time.time() + hours * 3600) * 1000)
        await page.goto(f"{visitors.url}/polls/{poll['id']}#token={expired}")
        heading = page.get_by_role("heading", name="Your token has expired")
        await expect(heading).to_be_visible()
        await expect(page.get_by_text("What you voted before still counts.")).to_be_visible()


async def test_a_token_that_expires_in_use_is_told_where_the_vote_was(
    visitors: Visitors, api: httpx.AsyncClient
) -> None:
    poll = await create_poll(api, token_hex(12))
    page = await visitors.open(f"/polls/{poll['id']}", token=sign(seconds=60), forgiven="401")
    await expect(page.locator("#connection")).to_have_text("Live")
    await page.evaluate(
        "token => sessionStorage.setItem('quickpoll-token', token)", sign(seconds=-1)
    )
    await page.get_by_role("radio", name="red").check()
    await page.get_by_role("button", name="Cast your vote").click()
    await expect(page.get_by_role("heading", name="Your token has expired")).to_be_visible()
    await expect(page.get_by_role("textbox", name="Your token")).to_be_focused()
