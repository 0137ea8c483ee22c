"""Voting: by mouse, by keyboard, and what the others see of it."""

from __future__ import annotations

from secrets import token_hex

import httpx
from playwright.async_api import expect

from tests.browser.visitors import Visitors
from tests.builders import create_poll, vote


async def test_a_vote_on_one_page_moves_the_bar_on_another(
    visitors: Visitors, api: httpx.AsyncClient
) -> None:
    poll = await create_poll(api, token_hex(12))
    await vote(api, poll, 1, token_hex(12))
    voter = await visitors.open(f"/polls/{poll['id']}")
    onlooker = await visitors.open(f"/polls/{poll['id']}")
    red = onlooker.get_by_role("listitem").filter(has_text="red")
    await expect(red).to_contain_text("0% 0 votes")

    await voter.get_by_role("radio", name="red").check()
    await voter.get_by_role("button", name="Cast your vote").click()

    await expect(voter.get_by_text("Your vote is in. It stands.")).to_be_visible()
    await expect(red).to_contain_text("50% 1 vote")
    await expect(onlooker.locator("#voters")).to_have_text("2")
    assert (
        await red.locator(".fill").evaluate("bar => bar.style.getPropertyValue('--share')") == "0.5"
    )
