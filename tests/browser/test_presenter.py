"""A poll on a projector: live, readable from afar, led by keys."""

from __future__ import annotations

from secrets import token_hex

import httpx
from playwright.async_api import expect

from tests.browser.visitors import Visitors
from tests.builders import create_poll, vote
from tests.conftest import bearer, sign


async def test_the_wall_moves_with_the_votes_and_says_where_to_vote(
    visitors: Visitors, api: httpx.AsyncClient
) -> None:
    owner = token_hex(12)
    poll = await create_poll(api, owner)
    wall = await visitors.open(f"/polls/{poll['id']}/present", owner)
    await expect(wall.locator("#connection")).to_have_text("Live")
    address = f"{visitors.url.removeprefix('http://')}/polls/{poll['id']}"
    await expect(wall.locator(".join-words")).to_have_text(f"Vote at {address}")
    await expect(wall.get_by_role("img", name="QR code")).to_be_visible()

    await vote(api, poll, 2, token_hex(12))
    await expect(wall.get_by_role("listitem").filter(has_text="blue")).to_contain_text("100%")
    await expect(wall.locator("#voters")).to_have_text("1")

    await api.post(f"/api/poll/close-poll/{poll['id']}", headers=bearer(owner))
    await expect(wall.locator("#status")).to_have_text("Closed")
    await expect(wall.locator("#join-words")).to_have_text("See the result at")


async def test_arrow_keys_lead_through_the_owners_polls(
    visitors: Visitors, api: httpx.AsyncClient
) -> None:
    owner = token_hex(12)
    older = await create_poll(api, owner, question="The older?")
    newer = await create_poll(api, owner, question="The newer?", visibility="unlisted")
    wall = await visitors.open(f"/polls/{older['id']}/present", owner)
    await expect(wall.locator("#place")).to_have_text("1 of 2")

    await wall.keyboard.press("ArrowRight")
    await expect(wall.get_by_role("heading", name="The newer?")).to_be_visible()
    await expect(wall.locator("#place")).to_have_text("2 of 2")
    assert wall.url.endswith(f"/polls/{newer['id']}/present")
    await vote(api, newer, 0, token_hex(12))
    await expect(wall.locator("#voters")).to_have_text("1")

    await wall.keyboard.press("PageUp")  # as a clicker in the speaker's hand does
    await expect(wall.get_by_role("heading", name="The older?")).to_be_visible()
    await wall.go_back()
    await expect(wall.get_by_role("heading", name="The newer?")).to_be_visible()

    await wall.get_by_label("Keys").uncheck()
    await wall.keyboard.press("ArrowRight")
    await wall.get_by_role("button", name="Your next poll").click()
    await expect(wall.get_by_role("heading", name="The older?")).to_be_visible()


async def test_the_screen_is_asked_to_stay_awake(
    visitors: Visitors, api: httpx.AsyncClient
) -> None:
    poll = await create_poll(api, token_hex(12))
    wall = await visitors.blank()
    await wall.add_init_script(
        """navigator.wakeLock.request = async (kind) => { window.awake = kind; }"""
    )
    await wall.goto(f"{visitors.url}/polls/{poll['id']}/present#token={sign()}")
    await expect(wall.get_by_role("heading", name=poll["question"])).to_be_visible()
    assert await wall.evaluate("window.awake") == "screen"


async def test_f_fills_the_screen_and_leaves_it(visitors: Visitors, api: httpx.AsyncClient) -> None:
    poll = await create_poll(api, token_hex(12))
    wall = await visitors.open(f"/polls/{poll['id']}/present")
    await expect(wall.get_by_role("heading", name=poll["question"])).to_be_visible()
    await wall.keyboard.press("f")
    await expect(wall.get_by_role("button", name="Leave full screen")).to_be_visible()
    await wall.keyboard.press("F")
    await expect(wall.get_by_role("button", name="Full screen", exact=True)).to_be_visible()


# What the back row of a hall can read: its distance is about six heights of the picture, and
# letters of a fortieth of it are then seen as this text is at arm's length.
async def test_a_usual_poll_fits_the_screen_in_letters_for_the_back_row(
    visitors: Visitors, api: httpx.AsyncClient
) -> None:
    texts = [f"Choice number {place}" for place in range(6)]
    poll = await create_poll(
        api, token_hex(12), question="Which of these six shall it be?", texts=texts
    )
    wall = await visitors.open(f"/polls/{poll['id']}/present")
    await expect(wall.get_by_role("img", name="QR code")).to_be_visible()
    places = ("#status", "#question", ".option-text", ".percent", ".count", "#address")
    for width, height in ((1280, 720), (1920, 1080), (3840, 2160)):
        await wall.set_viewport_size({"width": width, "height": height})
        wide, tall = await wall.evaluate(
            "[document.documentElement.scrollWidth, document.documentElement.scrollHeight]"
        )
        assert (wide, tall) == (width, height)
        for place in places:
            letters = await wall.locator(place).first.evaluate(
                "element => parseFloat(getComputedStyle(element).fontSize)"
            )
            assert letters * 40 >= height, place
