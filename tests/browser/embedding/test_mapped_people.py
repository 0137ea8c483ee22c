"""Pages and elements where an id or the roles are not what a token says: only the service knows."""

from __future__ import annotations

from secrets import token_hex
from uuid import uuid4

import httpx
import pytest
from playwright.async_api import expect

from tests.browser.embedding.hosts import site
from tests.browser.embedding.test_elements import another, element, giving
from tests.browser.visitors import Visitors
from tests.builders import create_poll
from tests.conftest import sign

only_you = "Only you see these numbers"


@pytest.fixture(scope="module")
def more() -> dict[str, str]:
    """As the page on issuers has it for Keycloak."""
    return {"JWT_USER_IDS": "any", "JWT_ROLES_CLAIM": "realm_access.roles"}


@pytest.fixture
def person(polls: httpx.AsyncClient) -> str:
    """Somebody whose id is a UUID; whatever the tests make is theirs."""
    found = str(uuid4())
    polls.headers["Authorization"] = f"Bearer {sign(found)}"
    return found


async def test_an_owner_has_their_tools_and_the_marks_of_what_they_alone_see(
    guests: Visitors, polls: httpx.AsyncClient, person: str
) -> None:
    poll = await create_poll(polls, person, results="after_close")
    assert poll["userId"] != person
    page = await guests.open(f"/polls/{poll['id']}", person)
    await expect(page.get_by_role("button", name="Close the poll")).to_be_visible()
    await expect(page.locator("#only-you")).to_contain_text(only_you)
    short = f"{poll['userId'][:4]}…{poll['userId'][-4:]}"
    await expect(page.locator("#identity-name")).to_have_text(short)


async def test_a_list_of_ones_own_is_found(
    guests: Visitors, polls: httpx.AsyncClient, person: str
) -> None:
    own, other = f"Own {token_hex(4)}?", f"Other {token_hex(4)}?"
    await create_poll(polls, person, question=own)
    await create_poll(polls, str(uuid4()), question=other)
    page = await guests.open("/polls", person)
    await expect(page.get_by_text(other)).to_be_visible()
    await page.get_by_label("From").select_option("mine")
    await expect(page.get_by_text(other)).to_have_count(0)
    await expect(page.get_by_text(own)).to_be_visible()


async def test_an_administrator_by_another_claim_is_one(
    guests: Visitors, polls: httpx.AsyncClient
) -> None:
    poll = await create_poll(polls, str(uuid4()))
    token = sign(str(uuid4()), realm_access={"roles": ["admin"]})
    page = await guests.open(f"/polls/{poll['id']}", token=token)
    await expect(page.locator("#identity-name")).to_contain_text("(admin)")
    await expect(page.get_by_role("button", name="Close the poll")).to_be_visible()


async def test_others_are_neither(guests: Visitors, polls: httpx.AsyncClient) -> None:
    poll = await create_poll(polls, str(uuid4()), results="after_close")
    page = await guests.open(f"/polls/{poll['id']}", str(uuid4()))
    await expect(page.locator("#identity-name")).to_be_visible()
    await expect(page.get_by_role("button", name="Cast your vote")).to_be_visible()
    await expect(page.get_by_role("button", name="Close the poll")).to_have_count(0)


async def test_a_presenter_leads(guests: Visitors, polls: httpx.AsyncClient, person: str) -> None:
    poll = await create_poll(polls, person)
    made = await polls.post(
        "/api/session/create-session", json={"title": "Evening", "pollIds": [poll["id"]]}
    )
    address = f"/sessions/{made.json()['id']}"
    page = await guests.open(address, person)
    await expect(page.locator("#to-stage")).to_be_visible()
    stage = await guests.open(f"{address}/present", person)
    await stage.get_by_role("button", name="Next question").click()
    await expect(stage.get_by_text(poll["question"])).to_be_visible()


async def test_the_page_says_so_where_the_service_does_not_answer_who_that_is(
    guests: Visitors, polls: httpx.AsyncClient, person: str
) -> None:
    poll = await create_poll(polls, person)
    page = await guests.blank(forgiven="503|Failed to load")
    await page.route("**/api/user/me", lambda route: route.fulfill(status=503, json={"code": "x"}))
    await page.goto(f"{guests.url}/polls/{poll['id']}#token={sign(person)}")
    await expect(page.locator("#notice")).to_be_visible()
    await page.unroute("**/api/user/me")
    await page.get_by_role("button", name="Try again").click()
    await expect(page.get_by_role("button", name="Close the poll")).to_be_visible()
    await expect(page.locator("#notice")).to_be_hidden()


async def test_an_element_marks_what_its_owner_alone_sees(
    guests: Visitors, polls: httpx.AsyncClient, person: str, port: int
) -> None:
    poll = await create_poll(polls, person, results="after_close")
    page = await guests.blank(forgiven=another)
    markup = element(guests.url, poll, script=giving(sign(person)))
    async with site(port, markup) as outside:
        await page.goto(outside)
        await expect(page.locator("#only-you")).to_contain_text(only_you)
