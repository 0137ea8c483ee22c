"""Guests in other pages: a poll that is open to them asks for no token."""

from __future__ import annotations

import importlib.util
from secrets import token_hex

import httpx
import pytest
from playwright.async_api import expect

from tests.browser.embedding.hosts import give, heard, site
from tests.browser.embedding.test_elements import another, cast, denied, element, frame
from tests.browser.visitors import Visitors
from tests.builders import create_poll, look
from tests.conftest import sign

pytestmark = pytest.mark.skipif(
    importlib.util.find_spec("quickpoll.guests") is None, reason="there is no entry for guests yet"
)

key = "a key for guests of tests, 32 bytes or more"


@pytest.fixture(scope="module")
def more() -> dict[str, str]:
    """For guests. From the second guest of an address on it asks for a little work."""
    return {"API_GUESTS": "on", "API_GUEST_KEY": key, "API_GUEST_PROOF_FROM": "2"}


@pytest.mark.parametrize("sandbox", ["", 'sandbox="allow-scripts"'])
async def test_a_guest_votes_in_a_frame_without_storage(
    guests: Visitors, polls: httpx.AsyncClient, port: int, sandbox: str
) -> None:
    poll = await create_poll(polls, token_hex(12), guests="open", allowVoteChange=True)
    page = await guests.blank(forgiven=f"{another}|403")
    await page.add_init_script("if (window !== window.top) {" + denied + "}")
    async with site(port, frame(guests.url, poll, sandbox)) as outside:
        await page.goto(outside)
        await cast(page.frame_locator("iframe"))
        await heard(page, "vote")
        assert await page.evaluate("window.heard.filter((one) => one.type === 'need-token')") == []
        # Whoever signs in afterwards goes on as themselves.
        user = token_hex(12)
        await give(page, sign(user))
        inside = page.frame_locator("iframe")
        await expect(inside.get_by_text("Your vote", exact=True)).to_have_count(0)
        await cast(inside)
    assert (await look(polls, poll, user))["votersCount"] == 2


async def test_a_guest_stays_one_person_where_the_browser_keeps_it(
    guests: Visitors, polls: httpx.AsyncClient, port: int
) -> None:
    poll = await create_poll(polls, token_hex(12), guests="open")
    page = await guests.blank(forgiven=f"{another}|403")
    async with site(port, element(guests.url, poll)) as outside:
        await page.goto(outside)
        await cast(page)
        await expect(page.get_by_text("One vote per device.")).to_be_visible()
        await page.reload()
        await expect(page.get_by_text("Your vote is in.")).to_be_visible()


async def test_a_guest_is_told_where_an_account_is_needed(
    guests: Visitors, polls: httpx.AsyncClient, port: int
) -> None:
    poll = await create_poll(polls, token_hex(12))
    page = await guests.blank(forgiven=f"{another}|403")
    async with site(port, element(guests.url, poll)) as outside:
        await page.goto(outside)
        await expect(page.get_by_text("A token is needed")).to_be_visible()
        told = (await heard(page, "need-token"))[0]
    assert told["code"] == "missing_token"
