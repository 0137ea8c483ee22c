"""Voting and liking: by mouse, by keyboard, and what the others see of it."""

from __future__ import annotations

from secrets import token_hex

import httpx
from playwright.async_api import expect

from tests.browser.visitors import Visitors
from tests.builders import create_poll, look, option, vote
from tests.conftest import bearer


async def test_a_vote_on_one_page_moves_the_bar_on_another(
    visitors: Visitors, api: httpx.AsyncClient
) -> None:
    poll = await create_poll(api, token_hex(12))
    await vote(api, poll, 1, token_hex(12))
    voter = await visitors.open(f"/polls/{poll['id']}")
    onlooker = await visitors.open(f"/polls/{poll['id']}")
    red = onlooker.get_by_role("listitem").filter(has_text="red")
    await expect(red).to_contain_text("0% 0 votes")
    await expect(onlooker.locator("#connection")).to_have_text("Live")

    await voter.get_by_role("radio", name="red").check()
    await voter.get_by_role("button", name="Cast your vote").click()

    await expect(voter.get_by_text("Your vote is in. It stands.")).to_be_visible()
    await expect(voter.get_by_role("radio", name="blue")).to_be_disabled()
    await expect(red).to_contain_text("50% 1 vote")
    await expect(onlooker.locator("#voters")).to_have_text("2")
    whole = await red.locator(".bar").evaluate("bar => bar.getBoundingClientRect().width")
    half = "(bar, whole) => Math.abs(bar.getBoundingClientRect().width - whole / 2) < 1"
    fill = await red.locator(".fill").element_handle()
    await onlooker.wait_for_function(f"([bar, whole]) => ({half})(bar, whole)", arg=[fill, whole])


async def test_the_keyboard_alone_is_enough_to_vote(
    visitors: Visitors, api: httpx.AsyncClient
) -> None:
    user = token_hex(12)
    poll = await create_poll(api, token_hex(12))
    page = await visitors.open(f"/polls/{poll['id']}", user)
    await expect(page.get_by_role("radio", name="red")).to_be_visible()

    await page.keyboard.press("Tab")
    await expect(page.get_by_role("link", name="Skip to the content")).to_be_focused()
    await page.keyboard.press("Enter")
    await page.keyboard.press("Tab")
    await expect(page.get_by_role("radio", name="red")).to_be_focused()
    await page.keyboard.press("ArrowDown")
    await expect(page.get_by_role("radio", name="green")).to_be_checked()
    await page.keyboard.press("Tab")
    await expect(page.get_by_role("button", name="Cast your vote")).to_be_focused()
    await page.keyboard.press("Enter")

    # The button is gone; whoever used it is not left nowhere.
    await expect(page.get_by_text("Your vote is in. It stands.")).to_be_focused()
    assert (await look(api, poll, user))["userVotes"] == [option(poll, 1)]


async def test_pressing_without_a_choice_says_what_is_missing(
    visitors: Visitors, api: httpx.AsyncClient
) -> None:
    poll = await create_poll(api, token_hex(12))
    page = await visitors.open(f"/polls/{poll['id']}")
    await page.get_by_role("button", name="Cast your vote").click()
    await expect(page.get_by_role("alert")).to_contain_text("Choose an option first.")


async def test_a_like_is_seen_by_the_others_and_can_be_taken_back(
    visitors: Visitors, api: httpx.AsyncClient
) -> None:
    poll = await create_poll(api, token_hex(12))
    page = await visitors.open(f"/polls/{poll['id']}")
    onlooker = await visitors.open(f"/polls/{poll['id']}")
    await expect(onlooker.locator("#connection")).to_have_text("Live")
    like = page.get_by_role("button", name="Like")

    await like.click()
    await expect(like).to_have_attribute("aria-pressed", "true")
    await expect(onlooker.locator("#likes")).to_have_text("1")
    await expect(onlooker.get_by_role("button", name="Like")).to_have_attribute(
        "aria-pressed", "false"
    )

    await like.click()
    await expect(like).to_have_attribute("aria-pressed", "false")
    await expect(onlooker.locator("#likes")).to_have_text("0")


async def test_several_choices_end_at_the_most_that_a_ballot_takes(
    visitors: Visitors, api: httpx.AsyncClient
) -> None:
    user = token_hex(12)
    poll = await create_poll(api, token_hex(12), minChoices=2, maxChoices=2)
    page = await visitors.open(f"/polls/{poll['id']}", user)
    await expect(page.get_by_text("Choose 2.")).to_be_visible()

    await page.get_by_role("checkbox", name="red").check()
    await page.get_by_role("button", name="Cast your vote").click()
    await expect(page.get_by_role("alert")).to_contain_text("Choose at least 2 options first.")

    await page.get_by_role("checkbox", name="blue").check()
    await expect(page.get_by_role("checkbox", name="green")).to_be_disabled()
    await page.get_by_role("button", name="Cast your vote").click()
    await expect(page.get_by_text("2 choices; percent of voters")).to_be_visible()
    assert (await look(api, poll, user))["userVotes"] == [option(poll, 0), option(poll, 2)]


async def test_a_vote_can_be_changed_and_taken_back_where_the_poll_allows_it(
    visitors: Visitors, api: httpx.AsyncClient
) -> None:
    user = token_hex(12)
    poll = await create_poll(api, token_hex(12), allowVoteChange=True)
    await vote(api, poll, 0, user)
    page = await visitors.open(f"/polls/{poll['id']}", user)
    await expect(page.get_by_role("radio", name="red")).to_be_checked()
    await expect(page.get_by_role("listitem").filter(has_text="red")).to_contain_text("Your vote")

    await page.get_by_role("radio", name="blue").check()
    await page.get_by_role("button", name="Change your vote").click()
    blue = page.get_by_role("listitem").filter(has_text="blue")
    await expect(blue).to_contain_text("Your vote")
    await expect(blue).to_contain_text("100% 1 vote")
    await expect(page.get_by_text("Your vote was changed.")).to_be_visible()

    await page.get_by_role("button", name="Take my vote back").click()
    await expect(page.get_by_role("button", name="Cast your vote")).to_be_visible()
    await expect(page.get_by_text("Your vote was taken back.")).to_be_focused()
    await expect(page.locator("#voters")).to_have_text("0")
    await expect(page.get_by_role("radio", name="blue")).not_to_be_checked()
    gone = await api.get(f"/api/poll/ballot/{poll['id']}", headers=bearer(user))
    assert gone.status_code == 404


async def test_hidden_results_are_explained_and_appear_with_the_vote(
    visitors: Visitors, api: httpx.AsyncClient
) -> None:
    poll = await create_poll(api, token_hex(12), results="after_vote")
    await vote(api, poll, 1, token_hex(12))
    page = await visitors.open(f"/polls/{poll['id']}")
    await expect(page.get_by_text("The results appear here once you have voted.")).to_be_visible()
    await expect(page.locator(".bar").first).to_be_hidden()
    await expect(page.locator("#turnout")).to_be_hidden()

    await page.get_by_role("radio", name="red").check()
    await page.get_by_role("button", name="Cast your vote").click()
    await expect(page.get_by_role("listitem").filter(has_text="green")).to_contain_text("1 vote")
    await expect(page.locator("#voters")).to_have_text("2")
    await expect(page.locator("#hidden-results")).to_be_hidden()

    # From now on they are heard of, too.
    await vote(api, poll, 2, token_hex(12))
    await expect(page.locator("#voters")).to_have_text("3")


async def test_results_hidden_until_the_close_appear_when_it_closes(
    visitors: Visitors, api: httpx.AsyncClient
) -> None:
    owner = token_hex(12)
    poll = await create_poll(api, owner, results="after_close")
    await vote(api, poll, 1, token_hex(12))
    page = await visitors.open(f"/polls/{poll['id']}")
    await expect(
        page.get_by_text("The results appear here once the poll is closed.")
    ).to_be_visible()
    await expect(page.locator("#connection")).to_have_text("Live")

    await api.post(f"/api/poll/close-poll/{poll['id']}", headers=bearer(owner))
    await expect(page.locator("#status")).to_have_text("Closed")
    await expect(page.get_by_role("listitem").filter(has_text="green")).to_contain_text("100%")
    await expect(page.get_by_text("You did not vote on this poll.")).to_be_visible()
    await expect(page.get_by_role("button", name="Cast your vote")).to_be_hidden()
