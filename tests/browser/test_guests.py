"""People without an account, at real pages: in by one tap, or by an invitation."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator, Iterator
from secrets import token_hex
from typing import Any
from urllib.parse import parse_qs, urlsplit

import httpx
import pytest
import pytest_asyncio
from playwright.async_api import Browser, Page, expect

from quickpoll.localrun.embedded import StoreAddresses
from tests.browser.test_accessibility import findings
from tests.browser.visitors import Visitors
from tests.builders import create_poll, look, option
from tests.conftest import bearer, environment, sign
from tests.guests import forged, guest_key
from tests.instances import Instance

owner = "65f1c0ffee0000000000d001"
refusals = r"status of 40[134]"
"""Chromium itself reports every answer of 400 and above."""


@pytest.fixture(scope="module")
def room(stores: StoreAddresses) -> Iterator[Instance]:
    """An instance that admits guests, asks the fourth of an address for a proof of work, and knows
    where people sign in."""
    more = {"API_GUESTS": "on", "API_GUEST_KEY": guest_key, "API_GUEST_PROOF_FROM": "3"}
    more |= {"API_TRUSTED_PROXIES": "1", "API_LOGIN_URL": "https://id.example/login?for=polls"}
    instance = Instance(environment(stores, f"t{token_hex(6)}", **more))
    try:
        yield instance.start()
    finally:
        instance.close()


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def desk(room: Instance) -> AsyncIterator[httpx.AsyncClient]:
    """The interface of that instance."""
    async with httpx.AsyncClient(base_url=room.url, timeout=10) as client:
        yield client


@pytest_asyncio.fixture(loop_scope="session")
async def phones(browser: Browser, room: Instance) -> AsyncIterator[Visitors]:
    """Phones in that room; afterwards none of them may have complained."""
    visitors = Visitors(browser, room.url)
    yield visitors
    await visitors.leave()
    assert visitors.troubles == []


def at(address: str) -> dict[str, Any]:
    """A phone behind this address."""
    return {"extra_http_headers": {"X-Forwarded-For": address}}


async def cast(page: Page, text: str) -> None:
    await page.get_by_role("radio", name=text).check()
    await page.get_by_role("button", name="Cast your vote").click()
    await expect(page.locator("#own-vote")).to_contain_text("Your vote is in")


async def test_scan_tap_cast(desk: httpx.AsyncClient, phones: Visitors) -> None:
    poll = await create_poll(desk, owner, guests="open")
    page = await phones.open(f"/polls/{poll['id']}", token="", **at("192.0.2.1"))
    await page.get_by_role("button", name="Join and vote").click()
    await cast(page, "green")
    await expect(page.locator("#worth")).to_have_text("One vote per device.")
    await expect(page.locator("#identity")).to_contain_text("(guest)")
    await expect(page.get_by_role("button", name="Ask the same again")).to_be_hidden()
    assert (await look(desk, poll, owner))["counts"][option(poll, 1)] == 1

    await page.reload()
    await expect(page.locator("#own-vote")).to_contain_text("Your vote is in")
    another = await page.context.new_page()
    await another.goto(page.url)
    await expect(another.locator("#own-vote")).to_contain_text("Your vote is in")


async def test_an_invitation_in_the_address(desk: httpx.AsyncClient, phones: Visitors) -> None:
    poll = await create_poll(desk, owner, guests="invited")
    path = f"/api/poll/invite-guests/{poll['id']}"
    made = await desk.post(path, json={"count": 2}, headers=bearer(owner))
    first, second = made.json()["invites"]

    page = await phones.blank(**at("192.0.2.2"))
    await page.goto(f"{phones.url}/polls/{poll['id']}#invite={first}")
    await cast(page, "red")
    await expect(page.locator("#worth")).to_have_text("One vote per invitation.")
    assert "invite" not in page.url
    assert not [one for one in phones.asked if first in one]

    same = await phones.blank(forgiven=refusals, **at("192.0.2.3"))
    await same.goto(f"{phones.url}/polls/{poll['id']}")
    field = same.get_by_label("Your invitation")
    await field.fill("7K3M-9QTX-2HVC")
    await field.press("Enter")
    await expect(same.locator("#guest-wrong")).to_contain_text("no such invitation")
    await field.fill(first.lower().replace("-", " "))
    await field.press("Enter")
    await expect(same.locator("#own-vote")).to_contain_text("Your vote is in")

    await page.goto(f"{phones.url}/polls/{poll['id']}#invite={second}")
    await cast(page, "blue")
    assert (await look(desk, poll, owner))["votersCount"] == 2


async def test_the_fourth_of_an_address_does_a_sum(
    desk: httpx.AsyncClient, phones: Visitors
) -> None:
    poll = await create_poll(desk, owner, guests="open")
    for _ in range(4):
        page = await phones.open(
            f"/polls/{poll['id']}", token="", forgiven=refusals, **at("192.0.2.4")
        )
        await page.get_by_role("button", name="Join and vote").click()
        await cast(page, "green")
    assert [one for one in phones.asked if "proof-worker" in one]
    assert (await look(desk, poll, owner))["votersCount"] == 4


async def test_a_token_is_renewed_before_it_ends(desk: httpx.AsyncClient, phones: Visitors) -> None:
    poll = await create_poll(desk, owner, guests="open")
    # That a token has ended is for the service to say, and Chromium reports its 401.
    page = await phones.open(
        f"/polls/{poll['id']}", token="", forgiven=r"401 \(Unauthorized\)", **at("192.0.2.5")
    )
    await page.get_by_role("button", name="Join and vote").click()
    await cast(page, "green")
    kept = await page.evaluate("localStorage.getItem('quickpoll-guest')")
    user = (await desk.get("/api/user/me", headers={"Authorization": f"Bearer {kept}"})).json()
    for seconds in (3600, -3600):
        old = forged(sub=user["userId"], seconds=seconds)
        await page.evaluate("old => localStorage.setItem('quickpoll-guest', old)", old)
        await page.reload()
        await expect(page.locator("#own-vote")).to_contain_text("Your vote is in")
        renewed = "old => localStorage.getItem('quickpoll-guest') !== old"
        await page.wait_for_function(renewed, arg=old)


async def test_where_no_guests_may_people_sign_in(
    desk: httpx.AsyncClient, phones: Visitors
) -> None:
    poll = await create_poll(desk, owner)
    page = await phones.open(f"/polls/{poll['id']}", token="", **at("192.0.2.6"))
    link = page.get_by_role("link", name="Sign in")
    address = urlsplit(str(await link.get_attribute("href")))
    assert f"{address.scheme}://{address.netloc}{address.path}" == "https://id.example/login"
    asked = parse_qs(address.query)
    assert asked == {"for": ["polls"], "return_to": [f"{phones.url}/polls/{poll['id']}"]}
    await expect(page.get_by_role("button", name="Join and vote")).to_have_count(0)
    await expect(page.get_by_role("heading", name="Sign in")).to_be_visible()
    await page.goto(f"{phones.url}/polls/{poll['id']}#token={sign(owner)}")  # as they come back
    await expect(page.locator("#own-vote, #cast").first).to_be_visible()
    assert "token" not in page.url
    mine = await phones.open(f"/polls/{poll['id']}", owner)
    await expect(mine.locator("#worth")).to_have_text("One vote per account.")


async def test_an_owner_makes_a_poll_and_invites(desk: httpx.AsyncClient, phones: Visitors) -> None:
    page = await phones.open("/polls", owner)
    await page.get_by_role("button", name="Make a poll").click()
    await page.get_by_label("Question").fill("Which hall?")
    for place, text in enumerate(("North", "South")):
        await page.locator("#new-options input").nth(place).fill(text)
    await page.locator("#new-more summary").click()
    await page.get_by_label("Who votes without an account").select_option("invited")
    await page.get_by_role("button", name="Put it to the vote").click()
    await page.wait_for_url(re.compile("/polls/[0-9a-f]{24}"))

    await page.get_by_label("How many").fill("3")
    await page.get_by_role("button", name="Make invitations").click()
    cards = page.locator("#cards .card")
    await expect(cards).to_have_count(3)
    await expect(cards.first).to_contain_text("Which hall?")
    await expect(page.locator("#invites-words")).to_contain_text("3 invitations")
    await page.emulate_media(media="print")
    await expect(page.locator("#question")).to_be_hidden()
    await expect(cards.first.locator("svg")).to_be_visible()
    await page.emulate_media(media="screen")

    code = await cards.first.locator(".card-code").text_content()
    phone = await phones.blank(**at("192.0.2.7"))
    await phone.goto(f"{page.url.split('?')[0]}#invite={code}")
    await cast(phone, "South")

    await page.get_by_role("button", name="Withdraw those not used").click()
    await expect(cards).to_have_count(0)
    await expect(page.locator("#invites-words")).to_contain_text("withdrawn")


async def test_everybody_can_use_these_pages(desk: httpx.AsyncClient, phones: Visitors) -> None:
    for guests in ("open", "invited"):
        poll = await create_poll(desk, owner, guests=guests)
        page = await phones.open(f"/polls/{poll['id']}", token="", **at("192.0.2.9"))
        await expect(page.locator("#join-as-guest")).to_be_visible()
        assert await findings(page) == []
    mine = await phones.open(f"/polls/{poll['id']}", owner)
    await mine.get_by_role("button", name="Make invitations").click()
    await expect(mine.locator("#cards .card")).to_have_count(30)
    assert await findings(mine) == []


async def test_whoever_is_shut_out_is_told(desk: httpx.AsyncClient, phones: Visitors) -> None:
    poll = await create_poll(desk, owner, guests="open")
    page = await phones.open(f"/polls/{poll['id']}", token="", forgiven=refusals, **at("192.0.2.8"))
    await page.get_by_role("button", name="Join and vote").click()
    await expect(page.locator("#connection")).to_have_attribute("data-state", "live")
    path = f"/api/poll/update-poll/{poll['id']}"
    await desk.patch(path, json={"guests": "invited"}, headers=bearer(owner))
    await expect(page.locator("#guest-wrong")).to_contain_text("Guests may not do this here")


async def test_an_evening_for_whoever_is_invited(desk: httpx.AsyncClient, phones: Visitors) -> None:
    page = await phones.open("/sessions", owner)
    await page.get_by_role("button", name="Make a session").click()
    await page.get_by_label("Title").fill("By invitation")
    await page.get_by_label("Questions", exact=True).fill("Which hall?\n* North\n* South")
    await page.get_by_label("Without an account").select_option("invited")
    await expect(page.locator("#guests-hint")).to_be_visible()
    await page.get_by_role("button", name="Make it and go to the stage").click()
    await expect(page.locator("#lobby h1")).to_have_text("By invitation")
    stage, path = page.url, urlsplit(page.url).path.removesuffix("/present")

    await page.goto(f"{phones.url}{path}")
    await page.get_by_label("How many").fill("2")
    await page.get_by_role("button", name="Make invitations").click()
    cards = page.locator("#cards .card")
    await expect(cards).to_have_count(2)
    await expect(cards.first).to_contain_text("By invitation")
    await page.emulate_media(media="print")
    await expect(page.get_by_role("heading", name="You are in")).to_be_hidden()
    await expect(cards.first).to_be_visible()
    invite = await page.locator(".card-code").first.inner_text()

    phone = await phones.open(f"{path}#invite={invite}", token="", **at("192.0.2.8"))
    await expect(phone.get_by_role("heading", name="You are in")).to_be_visible()
    await expect(phone.locator("#invites")).to_be_hidden()
    await page.goto(stage)
    await expect(page.locator("#lobby h1")).to_have_text("By invitation")
    await page.keyboard.press("ArrowRight")
    await expect(page.locator("#worth")).to_have_text("One vote per invitation.")
    await phone.get_by_text("North").click()
    await phone.get_by_role("button", name="Cast your vote").click()
    await expect(phone.locator("#own-vote")).to_contain_text("Your vote is in")
    await expect(page.locator("#voters")).to_have_text("1")


async def test_nobody_is_asked_about_guests_where_there_are_none(
    visitors: Visitors, api: httpx.AsyncClient
) -> None:
    page = await visitors.open("/sessions", owner)
    await page.get_by_role("button", name="Make a session").click()
    await expect(page.get_by_label("Title")).to_be_visible()
    await expect(page.locator("#guests")).to_have_count(0)
