"""\"Check my vote\" on the page of a verifiable poll, and what a browser remembers of its log."""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from secrets import token_hex

import httpx
import pytest
import pytest_asyncio
from playwright.async_api import Browser, Page, Route, expect

from quickpoll.localrun.embedded import StoreAddresses
from tests.browser.visitors import Visitors
from tests.builders import create_poll, vote
from tests.conftest import bearer, environment
from tests.instances import Instance
from tests.integration.log_harness import act, log_settings, published
from tests.integration.test_tampered_log import FILES, flipped

owner = "65f1c0ffee0000000000f101"

WRONG = re.compile("^Something is wrong")


@pytest.fixture(scope="module")
def service(stores: StoreAddresses) -> Iterator[Instance]:
    """A service that signs logs."""
    instance = Instance(environment(stores, f"t{token_hex(6)}", **log_settings))
    try:
        yield instance.start()
    finally:
        instance.close()


@pytest_asyncio.fixture(loop_scope="session")
async def api(service: Instance) -> AsyncIterator[httpx.AsyncClient]:
    """Its interface."""
    async with httpx.AsyncClient(base_url=service.url, timeout=10) as client:
        yield client


@pytest_asyncio.fixture(loop_scope="session")
async def visitors(browser: Browser, service: Instance) -> AsyncIterator[Visitors]:
    """Opens its pages."""
    visitors = Visitors(browser, service.url)
    yield visitors
    await visitors.leave()
    assert visitors.troubles == []


def tampering(place_in: Callable[[bytes], int]) -> Callable[[Route], Awaitable[None]]:
    """Answers with one bit turned round."""

    async def tamper(route: Route) -> None:
        answer = await route.fetch()
        body = await answer.body()
        await route.fulfill(response=answer, body=flipped(body, place_in(body)))

    return tamper


async def says(page: Page, words: str) -> None:
    await page.click("#proof-check")
    await expect(page.locator("#proof-words")).to_have_text(words)


async def test_a_vote_is_checked_in_the_browser(api: httpx.AsyncClient, visitors: Visitors) -> None:
    """Just cast, in the log, and at the close with the sum; the receipt can be kept."""
    poll = await create_poll(api, owner, verifiable=True)
    page = await visitors.open(f"/polls/{poll['id']}", owner)
    await page.check(f"input[value='{poll['options'][0]['id']}']")
    await page.click("#cast")
    await expect(page.locator("#proof-receipt")).to_be_visible()
    await promise_is_kept(page, poll["id"])
    for _ in range(4):
        await vote(api, poll, 1, token_hex(12))
    await published(api, poll, 6)
    fine = "Your ballot is in the log as you cast it, and nothing else in it is wrong."
    await says(page, fine)
    await act(api, "POST", "close-poll", poll, owner)
    await expect(page.locator("#status")).to_have_text("Closed")
    await says(page, f"{fine} The result is the sum of the 5 ballots in the log.")
    async with page.expect_download() as download:
        await page.click("#proof-receipt")
    assert (await download.value).suggested_filename == f"{poll['id']}.tlog-proof"


async def promise_is_kept(page: Page, poll_id: str) -> None:
    """Wait until this tab remembers what its voter was promised."""
    name = f"quickpoll-log-{poll_id}-promise"
    await page.wait_for_function("(name) => sessionStorage.getItem(name)", arg=name)


async def test_a_vote_before_the_page_is_whole_is_promised_its_place_too(
    api: httpx.AsyncClient, visitors: Visitors
) -> None:
    """What keeps the promise is loaded last, and may come after the answer."""
    poll, answered = await create_poll(api, owner, verifiable=True), asyncio.Event()

    async def hold(route: Route) -> None:
        await answered.wait()
        await route.continue_()

    page = await visitors.blank()
    await page.route("**/check-vote.js*", hold)
    await page.goto(f"{visitors.url}/polls/{poll['id']}#token={bearer(owner)['Authorization'][7:]}")
    await page.check(f"input[value='{poll['options'][0]['id']}']")
    # Whatever came of it, the page reads the poll again.
    async with page.expect_response(f"**/get-poll-by-id/{poll['id']}"):
        await page.click("#cast")
    answered.set()
    await promise_is_kept(page, poll["id"])


async def test_a_log_that_contradicts_what_was_seen_is_refused_loudly(
    api: httpx.AsyncClient, visitors: Visitors
) -> None:
    """What this browser remembers is of another history."""
    poll = await create_poll(api, owner, verifiable=True)
    page = await visitors.open(f"/polls/{poll['id']}", owner)
    await expect(page.locator("#proof-check")).to_be_visible()
    await says(page, "Nothing is wrong with the log. You have no ballot in this poll.")
    await page.evaluate(
        """(name) => {
          const held = JSON.parse(localStorage.getItem(name));
          held.head.root = btoa("another history of 32 bytes....");
          localStorage.setItem(name, JSON.stringify(held));
        }""",
        f"quickpoll-log-{poll['id']}",
    )
    await page.reload()
    wrong = page.locator("#proof-findings li")
    await expect(wrong).to_contain_text(
        "The log contradicts what this browser has seen of it before."
    )
    await expect(wrong.locator("code")).to_have_text("forked")


async def test_one_bit_of_what_the_server_says_is_found_and_named(
    api: httpx.AsyncClient, visitors: Visitors
) -> None:
    """In a tile, an entry, the head, an opening and the receipt, as they come to the browser."""
    poll, user = await create_poll(api, owner, verifiable=True), token_hex(12)
    for place, voter in enumerate([user, *(token_hex(12) for _ in range(5))]):
        await vote(api, poll, place % 3, voter)
    await act(api, "POST", "close-poll", poll, owner)
    await published(api, poll, 8)
    page = await visitors.open(f"/polls/{poll['id']}", user)
    await page.click("#proof-check")
    await expect(page.locator("#proof-words")).to_contain_text("nothing else in it is wrong")
    for name, (path, place_in, code) in FILES.items():
        address = f"**/log/{poll['id']}/{path}" if path else "**/api/poll/receipt/*"
        await page.route(address, tampering(place_in))
        await page.click("#proof-check")
        await expect(page.locator("#proof-words")).to_have_text(WRONG)
        found = page.locator("#proof-findings code")
        await expect(found.first, name).to_have_text(re.compile(rf"\b{code}"))
        await page.unroute(address)
        await page.click("#proof-check")
        await expect(page.locator("#proof-findings li")).to_have_count(0)
        await expect(page.locator("#proof-words")).to_contain_text("nothing else in it is wrong")


async def test_while_results_are_hidden_the_ballot_comes_with_the_close(
    api: httpx.AsyncClient, visitors: Visitors
) -> None:
    poll = await create_poll(api, owner, verifiable=True, results="after_close")
    user = token_hex(12)
    await vote(api, poll, 0, user)
    page = await visitors.open(f"/polls/{poll['id']}", user, forgiven="409")
    await page.click("#proof-check")
    await expect(page.locator("#proof-words")).to_contain_text("comes into it with the close")


async def test_the_form_says_what_becomes_public(visitors: Visitors) -> None:
    page = await visitors.open("/polls", owner)
    await page.get_by_role("button", name="Make a poll").click()
    await page.get_by_label("Question").fill("Where?")
    await page.get_by_role("textbox", name="Option 1").fill("Hills")
    await page.get_by_role("textbox", name="Option 2").fill("Sea")
    await page.get_by_text("Settings").click()
    await expect(page.get_by_text("the ballots without names")).to_be_visible()
    await page.get_by_label("Anyone can check the result").check()
    await page.get_by_role("button", name="Put it to the vote").click()
    await expect(page.get_by_role("radio", name="Sea")).to_be_visible()
    await expect(page.get_by_role("button", name="Check my vote")).to_be_visible()


async def test_other_polls_have_no_such_section(api: httpx.AsyncClient, visitors: Visitors) -> None:
    poll = await create_poll(api, owner)
    page = await visitors.open(f"/polls/{poll['id']}", owner)
    await expect(page.locator("#question")).to_be_visible()
    await expect(page.locator("#proof")).to_be_hidden()
