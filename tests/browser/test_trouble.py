"""When something does not work: said in place, in plain words, with what to do next."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from secrets import token_hex

import httpx
import pytest
from playwright.async_api import Browser, Page, expect

from quickpoll.localrun.embedded import StoreAddresses
from tests.browser.visitors import Visitors
from tests.builders import create_poll, vote
from tests.conftest import bearer, environment
from tests.instances import Instance, free_port


async def _cast(page: Page, text: str) -> None:
    await page.get_by_role("radio", name=text).check()
    await page.get_by_role("button", name="Cast your vote").click()


async def _deaf(visitors: Visitors, path: str, user: str, forgiven: str) -> Page:
    """A page that hears no updates: what others do, it learns only from its own requests."""
    page = await visitors.blank(forgiven=forgiven)
    await page.route_web_socket("**/ws/updates/**", lambda wire: wire.on_message(lambda _: None))
    await page.route("**/ws/updates/**", lambda route: route.abort())
    token = bearer(user)["Authorization"][7:]
    await page.goto(f"{visitors.url}{path}#token={token}")
    return page


async def test_a_vote_that_comes_too_late_is_told_and_the_result_shown(
    visitors: Visitors, api: httpx.AsyncClient
) -> None:
    owner = token_hex(12)
    poll = await create_poll(api, owner)
    page = await _deaf(visitors, f"/polls/{poll['id']}", token_hex(12), "409|WebSocket|ERR_FAILED")
    await expect(page.get_by_role("radio", name="red")).to_be_visible()
    await vote(api, poll, 1, token_hex(12))
    await api.post(f"/api/poll/close-poll/{poll['id']}", headers=bearer(owner))

    await _cast(page, "red")
    await expect(page.get_by_role("alert")).to_contain_text("The poll is closed")
    await expect(page.locator("#status")).to_have_text("Closed")
    await expect(page.get_by_text("The result.", exact=True)).to_be_visible()
    await expect(page.get_by_role("listitem").filter(has_text="green")).to_contain_text("100%")


async def test_a_second_ballot_is_told_and_the_first_one_marked(
    visitors: Visitors, api: httpx.AsyncClient
) -> None:
    user = token_hex(12)
    poll = await create_poll(api, token_hex(12))
    page = await _deaf(visitors, f"/polls/{poll['id']}", user, "409|WebSocket|ERR_FAILED")
    await expect(page.get_by_role("radio", name="red")).to_be_visible()
    await vote(api, poll, 1, user)

    await _cast(page, "red")
    await expect(page.get_by_role("alert")).to_contain_text("You have voted already")
    await expect(page.get_by_role("radio", name="green")).to_be_checked()
    await expect(page.get_by_role("listitem").filter(has_text="green")).to_contain_text("Your vote")


async def test_an_option_is_refused_in_words_and_not_in_codes(
    visitors: Visitors, api: httpx.AsyncClient
) -> None:
    poll = await create_poll(api, token_hex(12))
    page = await visitors.open(f"/polls/{poll['id']}", forgiven="404")
    radio = page.get_by_role("radio", name="red")
    await expect(radio).to_be_visible()
    await radio.evaluate("(input, id) => { input.value = id }", token_hex(12))
    await _cast(page, "red")
    await expect(page.get_by_role("alert")).to_contain_text("This option is no longer there")


@pytest.mark.parametrize("path", ["", "/present"])
async def test_a_poll_that_is_not_there(visitors: Visitors, path: str) -> None:
    page = await visitors.open(f"/polls/{token_hex(12)}{path}", forgiven="404")
    await expect(page.get_by_role("alert")).to_contain_text("There is no such poll")


async def test_an_address_that_is_none_of_a_poll(visitors: Visitors) -> None:
    page = await visitors.open("/polls/half-an-address", forgiven="404")
    await expect(page.get_by_role("heading", name="There is no such poll")).to_be_visible()
    await page.get_by_role("link", name="See all polls").click()
    await expect(page.get_by_role("heading", name="Polls", exact=True)).to_be_visible()


async def test_too_many_requests_are_told_with_how_long_to_wait(
    browser: Browser, start_instance: Callable[..., Instance]
) -> None:
    instance = start_instance(API_RATE_LIMITS="on", API_RATE_LIMIT_USER="20")
    visitors = Visitors(browser, instance.url)
    user = token_hex(12)
    async with httpx.AsyncClient(base_url=instance.url, timeout=10) as api:
        poll = await create_poll(api, token_hex(12))
        page = await visitors.open(f"/polls/{poll['id']}", user, forgiven="429")
        await expect(page.locator("#connection")).to_have_text("Live")
        while (await api.get("/api/poll/get-all-polls", headers=bearer(user))).is_success:
            pass
        await _cast(page, "red")
        alert = page.get_by_role("alert")
        await expect(alert).to_contain_text("Too many requests")
        await expect(alert).to_contain_text(re.compile("Wait (a second|[0-9]+ seconds)"))
        # The choice waits with them.
        await expect(page.get_by_role("radio", name="red")).to_be_checked()
    await visitors.leave()
    assert visitors.troubles == []


@pytest.fixture
def storeless(stores: StoreAddresses, name: str) -> Iterator[Instance]:
    """An instance whose MongoDB is away."""
    away = f"mongodb://127.0.0.1:{free_port()}/{name}"
    variables = {**environment(stores, name), "API_DATABASE_URL": away, "LOG_LEVEL": "ERROR"}
    instance = Instance(variables)
    try:
        yield instance.start(wait=False)
    finally:
        instance.close()


async def test_a_service_without_its_database_says_to_try_again(
    browser: Browser, storeless: Instance
) -> None:
    visitors = Visitors(browser, storeless.url)
    async with httpx.AsyncClient(
        base_url=storeless.url, transport=httpx.AsyncHTTPTransport(retries=8), timeout=10
    ) as api:
        await api.get("/health/live")
    page = await visitors.open(f"/polls/{token_hex(12)}", forgiven="503|WebSocket|40")
    alert = page.get_by_role("alert")
    await expect(alert).to_contain_text("The service is catching its breath")
    await expect(alert.get_by_role("button", name="Try again")).to_be_visible()
    await visitors.leave()
    assert visitors.troubles == []


async def test_a_page_whose_script_does_not_come_says_so_after_a_while(
    visitors: Visitors,
) -> None:
    page = await visitors.blank(forgiven="ERR_FAILED")
    await page.route("**/js/ballot.js", lambda route: route.abort())
    await page.goto(f"{visitors.url}/polls/{token_hex(12)}")
    words = page.get_by_text("If it stays like this, load it again.")
    await expect(words).to_be_hidden()
    await page.evaluate("document.getAnimations().forEach(one => one.finish())")
    await expect(words).to_be_visible()


@pytest.mark.parametrize("path", ["/polls", "/polls/{}", "/polls/{}/present"])
async def test_without_javascript_each_page_says_what_it_needs(
    visitors: Visitors, path: str
) -> None:
    page = await visitors.open(path.format(token_hex(12)), token="", java_script_enabled=False)
    words = page.locator("noscript .notice")
    await expect(words).to_be_visible()
    await expect(words).to_contain_text("Allow JavaScript for this site and load the page again")
    await expect(page.locator("#content")).to_be_hidden()
    for control in await page.get_by_role("button").all():
        await expect(control).to_be_hidden()
