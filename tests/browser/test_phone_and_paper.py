"""A phone's page has its button in reach; a printed page is the question, the bars and the date."""

from __future__ import annotations

import re
from secrets import token_hex

import httpx
import pytest
from playwright.async_api import expect

from tests.browser.visitors import Visitors
from tests.builders import create_poll, look, option, vote

phone = {"width": 360, "height": 740}


@pytest.mark.parametrize("count", [2, 4, 50])
async def test_the_button_that_casts_the_vote_is_in_reach_without_scrolling(
    visitors: Visitors, api: httpx.AsyncClient, count: int
) -> None:
    user = token_hex(12)
    texts = [f"Option with a name that is a little longer {place}" for place in range(count)]
    poll = await create_poll(api, token_hex(12), texts=texts)
    page = await visitors.open(f"/polls/{poll['id']}", user, viewport=phone)
    cast = page.get_by_role("button", name="Cast your vote")
    await expect(cast).to_be_in_viewport(ratio=1)
    await page.get_by_role("radio").nth(count - 1).check()  # scrolls there
    await expect(cast).to_be_in_viewport(ratio=1)
    await cast.click()
    await expect(page.get_by_text("Your vote is in.")).to_be_visible()
    assert (await look(api, poll, user))["userVotes"] == [option(poll, count - 1)]


async def test_what_has_the_focus_is_not_behind_the_button(
    visitors: Visitors, api: httpx.AsyncClient
) -> None:
    texts = [f"Option {place}" for place in range(20)]
    poll = await create_poll(api, token_hex(12), texts=texts, maxChoices=20)
    page = await visitors.open(f"/polls/{poll['id']}", viewport=phone)
    await expect(page.get_by_role("checkbox").first).to_be_visible()
    for _ in range(20):
        await page.keyboard.press("Tab")
        hidden = await page.evaluate(
            """() => {
              if (!document.activeElement.matches(".option input")) return false;
              const bar = document.querySelector("#ballot-actions").getBoundingClientRect();
              const mark = document.activeElement.nextElementSibling.getBoundingClientRect();
              return mark.bottom > bar.top && mark.top < bar.bottom;
            }"""
        )
        assert not hidden


async def test_printed_it_is_the_question_bars_with_numbers_and_the_date(
    visitors: Visitors, api: httpx.AsyncClient
) -> None:
    owner = token_hex(12)
    texts = [f"Proposal number {place}" for place in range(10)]
    poll = await create_poll(api, owner, question="What is printed?", texts=texts)
    for place in (0, 0, 1):
        await vote(api, poll, place, token_hex(12))
    page = await visitors.open(f"/polls/{poll['id']}", owner)
    await expect(page.locator("#voters")).to_have_text("3")
    await expect(page.locator("#connection")).to_have_text("Live")
    await page.emulate_media(media="print")
    for shown in ("#question", ".bar", ".percent", ".count", "#printed"):
        await expect(page.locator(shown).first).to_be_visible()
    await expect(page.locator("#printed")).to_have_text(re.compile(r"^As of .*20\d\d"))
    for control in await page.locator("button, input, a, select, .qr, .masthead").all():
        await expect(control).not_to_be_in_viewport()
    pdf = await page.pdf(format="A4")
    assert len(re.findall(rb"/Type\s*/Page\b", pdf)) == 1


async def test_printed_bars_have_their_lengths_without_background_colours(
    visitors: Visitors, api: httpx.AsyncClient
) -> None:
    poll = await create_poll(api, token_hex(12))
    await vote(api, poll, 0, token_hex(12))
    page = await visitors.open(f"/polls/{poll['id']}", color_scheme="dark")
    await expect(page.locator("#voters")).to_have_text("1")
    await page.emulate_media(media="print", color_scheme="dark")
    ink = await page.locator(".fill").first.evaluate(
        "one => [getComputedStyle(one).printColorAdjust, getComputedStyle(one).backgroundColor]"
    )
    assert ink == ["exact", "rgb(0, 0, 0)"]
    assert await page.evaluate("getComputedStyle(document.body).backgroundColor") == (
        "rgb(255, 255, 255)"
    )
