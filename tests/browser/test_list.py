"""The list of polls: what is in it, what moves in it, what it offers."""

from __future__ import annotations

import asyncio
from secrets import token_hex

import httpx
from playwright.async_api import Route, expect

from tests.browser.visitors import Visitors
from tests.builders import create_poll, vote
from tests.conftest import bearer


async def test_counts_in_the_list_are_live(visitors: Visitors, api: httpx.AsyncClient) -> None:
    poll = await create_poll(api, token_hex(12), question="Which word moves?")
    page = await visitors.open("/polls")
    entry = page.get_by_role("listitem").filter(has=page.get_by_role("link", name=poll["question"]))
    await expect(entry).to_contain_text("0 voters · 0 likes")
    await expect(page.locator("#connection")).to_have_text("Live")

    await vote(api, poll, 1, token_hex(12))
    await api.put(f"/api/poll/like-poll/{poll['id']}", headers=bearer())
    await expect(entry).to_contain_text("1 voter · 1 like")
    await expect(entry.get_by_role("listitem").filter(has_text="green")).to_contain_text("100%")


async def test_a_poll_that_closes_or_goes_says_so_in_the_list(
    visitors: Visitors, api: httpx.AsyncClient
) -> None:
    owner = token_hex(12)
    closing = await create_poll(api, owner, question="Closing soon?")
    going = await create_poll(api, owner, question="Going soon?")
    page = await visitors.open("/polls", owner)
    await page.get_by_label("From").select_option("mine")
    entries = page.locator("#list > li")
    await expect(entries).to_have_count(2)
    await expect(page.locator("#connection")).to_have_text("Live")

    await api.delete(f"/api/poll/delete-poll/{going['id']}", headers=bearer(owner))
    await expect(entries).to_have_count(1)
    await api.post(f"/api/poll/close-poll/{closing['id']}", headers=bearer(owner))
    await expect(entries).to_contain_text(["Closed"])


async def test_the_list_can_be_searched_filtered_and_sorted(
    visitors: Visitors, api: httpx.AsyncClient
) -> None:
    word = token_hex(4)
    owner = token_hex(12)
    first = await create_poll(api, owner, question=f"First {word} (a+)+$?")
    second = await create_poll(api, owner, question=f"Second {word}?")
    await api.put(f"/api/poll/like-poll/{first['id']}", headers=bearer())
    await api.post(f"/api/poll/close-poll/{second['id']}", headers=bearer(owner))
    page = await visitors.open("/polls")
    titles = page.locator("#list h2")

    await page.get_by_label("Search").fill(word.upper())
    await expect(titles).to_have_text([second["question"], first["question"]])
    await page.get_by_label("First").select_option("popular")
    await expect(titles).to_have_text([first["question"], second["question"]])
    await page.get_by_label("Show").select_option("closed")
    await expect(titles).to_have_text([second["question"]])
    await page.get_by_label("Search").fill("nothing is called this")
    await expect(page.get_by_text("No poll is like that.")).to_be_visible()


async def test_further_pages_come_on_demand_and_keep_the_readers_place(
    visitors: Visitors, api: httpx.AsyncClient
) -> None:
    owner = token_hex(12)
    for place in range(23):
        await create_poll(api, owner, question=f"Number {place}?")
    page = await visitors.open("/polls", owner)
    await page.get_by_label("From").select_option("mine")
    entries = page.locator("#list > li")
    await expect(page.get_by_role("link", name="Number 22?")).to_be_visible()
    await expect(entries).to_have_count(20)
    await page.get_by_role("button", name="Show more polls").click()
    await expect(entries).to_have_count(23)
    await expect(page.get_by_role("link", name="Number 2?", exact=True)).to_be_focused()
    await expect(page.get_by_role("button", name="Show more polls")).to_be_hidden()


async def test_what_comes_late_for_one_list_does_not_land_in_another(
    visitors: Visitors, api: httpx.AsyncClient
) -> None:
    owner = token_hex(12)
    for _ in range(21):
        await create_poll(api, token_hex(12), question="Of somebody else?")
    await create_poll(api, owner, question="My own?")
    page = await visitors.open("/polls", owner)
    late = asyncio.Event()

    async def hold(route: Route) -> None:
        await late.wait()
        await route.continue_()

    await page.route("**/get-all-polls?*cursor=*", hold)
    more = page.get_by_role("button", name="Show more polls")
    async with page.expect_request("**/get-all-polls?*cursor=*") as asked:
        await more.click()
    await page.get_by_label("From").select_option("mine")
    await expect(page.locator("#list > li")).to_have_count(1)
    late.set()
    await (await asked.value).response()
    await expect(page.locator("#more")).not_to_have_attribute("aria-disabled", "true")
    await expect(page.locator("#list > li")).to_have_count(1)


async def test_an_empty_list_says_what_to_do(visitors: Visitors) -> None:
    page = await visitors.open("/polls")
    await page.get_by_label("From").select_option("mine")
    await expect(page.get_by_text("You have made no poll yet.")).to_be_visible()


async def test_new_polls_are_offered_and_not_pushed_in(
    visitors: Visitors, api: httpx.AsyncClient
) -> None:
    owner = token_hex(12)
    page = await visitors.blank()
    await page.clock.install()
    await page.goto(f"{visitors.url}/polls#token={bearer(owner)['Authorization'][7:]}")
    await page.get_by_label("From").select_option("mine")
    await expect(page.get_by_text("You have made no poll yet.")).to_be_visible()
    await create_poll(api, owner, question="Fresh?")
    offer = page.get_by_role("button", name="Show one new poll")
    # What looks for new ones may begin a moment after the list is there.
    while not await offer.is_visible():
        await page.clock.fast_forward(31_000)
        await asyncio.sleep(0.1)
    await offer.click()
    await expect(page.get_by_role("link", name="Fresh?")).to_be_focused()


async def test_what_is_looked_for_is_found_behind_parts_that_have_nothing_of_it(
    visitors: Visitors, api: httpx.AsyncClient
) -> None:
    word = token_hex(4)
    await create_poll(api, token_hex(12), question=f"Rare {word}?")
    page = await visitors.open("/polls")

    async def nothing_at_first(route: Route) -> None:
        if "far=down" in route.request.url:
            await route.continue_()
        else:
            further = f'<{route.request.url}&far=down>; rel="next"'
            await route.fulfill(json=[], headers={"Link": further})

    await page.route(f"**/get-all-polls?*{word}*", nothing_at_first)
    await page.get_by_label("Search").fill(word)
    await expect(page.locator("#list h2")).to_have_text([f"Rare {word}?"])
