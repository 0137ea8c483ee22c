"""Two tabs of one person, a search that is come back to, a list longer than can be followed."""

from __future__ import annotations

import asyncio
from secrets import token_hex

import httpx
from playwright.async_api import BrowserContext, Page, expect

from tests.browser.visitors import Visitors, Watch
from tests.builders import create_poll, vote
from tests.conftest import bearer, sign


async def _second_tab(context: BrowserContext, visitors: Visitors, path: str) -> Page:
    """A tab that somebody opens by typing an address."""
    tab = await context.new_page()
    watch = Watch(visitors.url.removeprefix("http://"), None)
    watch.follow(tab)
    visitors.watches.append(watch)
    await tab.goto(visitors.url + path)
    return tab


async def test_a_second_tab_has_the_token_of_the_first_and_hears_of_its_vote(
    visitors: Visitors, api: httpx.AsyncClient
) -> None:
    poll = await create_poll(api, token_hex(12))
    page = await visitors.open(f"/polls/{poll['id']}")
    await expect(page.locator("#connection")).to_have_text("Live")
    tab = await _second_tab(page.context, visitors, f"/polls/{poll['id']}")
    await expect(tab.locator("#connection")).to_have_text("Live")
    await page.get_by_role("radio", name="red").check()
    await page.get_by_role("button", name="Cast your vote").click()
    await expect(tab.get_by_text("Your vote is in.")).to_be_visible()
    await expect(tab.get_by_role("radio", name="red")).to_be_checked()


async def test_a_tab_that_gave_its_token_up_is_not_given_that_of_another(
    visitors: Visitors,
) -> None:
    page = await visitors.open("/polls")
    await expect(page.locator("#connection")).to_have_text("Live")
    tab = await _second_tab(page.context, visitors, "/polls")
    await tab.get_by_role("button", name="Use another token").click()
    await expect(tab.get_by_role("heading", name="A token is needed")).to_be_visible()


async def test_a_new_token_keeps_the_choice(visitors: Visitors, api: httpx.AsyncClient) -> None:
    poll = await create_poll(api, token_hex(12))
    page = await visitors.open(f"/polls/{poll['id']}", forgiven="401")
    await expect(page.locator("#connection")).to_have_text("Live")
    expired = sign(seconds=-1)
    await page.evaluate("token => sessionStorage.setItem('quickpoll-token', token)", expired)
    await page.get_by_role("radio", name="blue").check()
    await page.get_by_role("button", name="Cast your vote").click()
    await page.get_by_role("textbox", name="Your token").fill(sign())
    await page.keyboard.press("Enter")
    await expect(page.get_by_role("textbox", name="Your token")).to_be_hidden()
    await expect(page.get_by_role("radio", name="blue")).to_be_checked()
    await page.get_by_role("button", name="Cast your vote").click()
    await expect(page.get_by_text("Your vote is in.")).to_be_visible()


async def test_whoever_comes_back_finds_their_search_and_their_place(
    visitors: Visitors, api: httpx.AsyncClient
) -> None:
    word, owner = token_hex(4), token_hex(12)
    for place in range(25):
        await create_poll(api, owner, question=f"{word} {place}?")
    page = await visitors.open("/polls")
    entries = page.locator("#list > li")
    async with page.expect_response("**/get-all-polls?*q=*"):
        await page.get_by_label("Search").fill(word)
    await expect(page.locator("#list")).to_have_attribute("aria-busy", "false")
    await expect(page.get_by_role("link", name=f"{word} 24?")).to_be_visible()
    await page.get_by_role("button", name="Show more polls").click()
    await expect(entries).to_have_count(25)
    await page.get_by_role("link", name=f"{word} 2?", exact=True).click()
    await expect(page.get_by_role("heading", name=f"{word} 2?", exact=True)).to_be_visible()
    await page.go_back()
    await expect(page.get_by_label("Search")).to_have_value(word)
    await expect(entries).to_have_count(25)
    await expect(page.get_by_role("link", name=f"{word} 2?", exact=True)).to_be_in_viewport()


async def test_a_search_can_be_handed_on(visitors: Visitors, api: httpx.AsyncClient) -> None:
    word = token_hex(4)
    await create_poll(api, token_hex(12), question=f"{word}?")
    page = await visitors.open(f"/polls?q={word}&sort=popular")
    await expect(page.locator("#list > li")).to_have_count(1)
    await expect(page.get_by_label("First")).to_have_value("popular")


async def test_every_row_that_is_seen_is_live_however_long_the_list(
    visitors: Visitors, api: httpx.AsyncClient
) -> None:
    owner = token_hex(12)
    polls = [
        await create_poll(api, owner, question=f"Row {place}?", texts=["a", "b"])
        for place in range(125)
    ]
    page = await visitors.open("/polls?whose=mine", owner)
    entries = page.locator("#list > li")
    for page_number in range(1, len(polls) // 20 + 1):
        # All rows of a page, before the next one is asked for: the last one hides the button.
        await expect(entries).to_have_count(20 * page_number)
        await page.get_by_role("button", name="Show more polls").click()
    await expect(entries).to_have_count(len(polls))
    for place in (0, 124, 60):
        entry = entries.filter(has_text=f"Row {place}?").first
        await entry.scroll_into_view_if_needed()
        await vote(api, polls[place], 0, token_hex(12))
        await expect(entry).to_contain_text("1 voter ·")


async def test_an_old_poll_is_not_offered_as_new_after_a_deletion(
    visitors: Visitors, api: httpx.AsyncClient
) -> None:
    owner = token_hex(12)
    polls = [await create_poll(api, owner, question=f"{place}?") for place in range(22)]
    page = await visitors.blank()
    await page.clock.install()
    await page.goto(f"{visitors.url}/polls?whose=mine#token={sign(owner)}")
    await expect(page.locator("#list > li")).to_have_count(20)
    await expect(page.locator("#connection")).to_have_text("Live")
    await api.delete(f"/api/poll/delete-poll/{polls[-1]['id']}", headers=bearer(owner))
    await expect(page.locator("#list > li")).to_have_count(19)
    async with page.expect_response("**/get-poll-by-user-id/**"):
        await page.clock.fast_forward(31_000)
    await asyncio.sleep(0)  # what came is shown in the same turn
    await expect(page.locator("#fresh")).to_be_hidden()
    await create_poll(api, owner, question="Really new?")
    await page.clock.fast_forward(31_000)
    await expect(page.get_by_role("button", name="Show one new poll")).to_be_visible()
