"""What an owner does on the pages: make, change, close, reopen, export, copy, delete."""

from __future__ import annotations

import json
from pathlib import Path
from secrets import token_hex
from urllib.parse import urlsplit

import httpx
from playwright.async_api import Page, expect

from tests.browser.visitors import Visitors
from tests.builders import create_poll, look, vote
from tests.conftest import bearer, sign


async def test_the_form_makes_the_poll_that_was_asked_for(
    visitors: Visitors, api: httpx.AsyncClient
) -> None:
    user = token_hex(12)
    page = await visitors.open("/polls", user)
    await page.get_by_role("button", name="Make a poll").click()
    await expect(page.get_by_label("Question")).to_be_focused()
    await page.get_by_label("Question").fill("  Where to?  ")
    await page.get_by_role("textbox", name="Option 1").fill("North")
    await page.get_by_role("textbox", name="Option 2").fill("South")
    await page.get_by_role("button", name="Add an option").click()
    await expect(page.get_by_role("textbox", name="Option 3")).to_be_focused()
    await page.keyboard.type("Nowhere")
    await page.get_by_text("Settings").click()
    await page.get_by_label("and at most").fill("2")
    await page.get_by_label("Closes at").fill("2099-01-02T03:04")
    await page.get_by_label("Who sees the results").select_option("after_close")
    await page.get_by_label("Who finds it").select_option("unlisted")
    await page.get_by_label("Voters may change their mind").check()
    await page.get_by_role("button", name="Put it to the vote").click()

    await expect(page.get_by_role("heading", name="Where to?")).to_be_visible()
    poll = await look(api, {"id": urlsplit(page.url).path.split("/")[-1]}, user)
    assert [option["text"] for option in poll["options"]] == ["North", "South", "Nowhere"]
    assert (poll["maxChoices"], poll["results"], poll["visibility"]) == (
        2,
        "after_close",
        "unlisted",
    )
    assert poll["allowVoteChange"] is True
    moment = await page.evaluate("new Date('2099-01-02T03:04').toISOString()")
    assert poll["closesAt"][:19] == moment[:19]


async def test_what_is_wrong_in_the_form_is_said_beside_the_field(visitors: Visitors) -> None:
    page = await visitors.open("/polls", forgiven="422")
    await page.get_by_role("button", name="Make a poll").click()
    await page.get_by_role("textbox", name="Option 1").fill("Same")
    await page.get_by_role("textbox", name="Option 2").fill("same ")
    await page.get_by_role("button", name="Put it to the vote").click()
    wrong = page.locator("#maker-form .wrong:not(:empty)")
    await expect(wrong.first).to_be_visible()
    question = page.get_by_label("Question")
    await expect(question).to_have_attribute("aria-invalid", "true")
    await expect(question).to_be_focused()
    # Told with the field, not only near it.
    await expect(question).to_have_accessible_description(await wrong.first.inner_text())

    await question.fill("Which?")
    await page.get_by_role("button", name="Put it to the vote").click()
    await expect(page.locator("#maker-form [data-wrong=options]")).not_to_be_empty()
    await expect(page.locator("#maker-form [data-wrong=question]")).to_be_empty()
    second = page.get_by_role("textbox", name="Option 2")
    await expect(second).to_have_attribute("aria-invalid", "true")
    await expect(second).to_have_accessible_description(
        "Option 2: This looks the same as option 1."
    )


async def test_an_option_can_be_taken_out_of_the_form_again(visitors: Visitors) -> None:
    page = await visitors.open("/polls")
    await page.get_by_role("button", name="Make a poll").click()
    await expect(page.get_by_role("button", name="Remove option")).to_have_count(0)
    await page.get_by_role("button", name="Add an option").click()
    await page.get_by_role("textbox", name="Option 2").fill("kept")
    await page.get_by_role("button", name="Remove option 1").click()
    await expect(page.get_by_role("textbox", name="Option 1")).to_have_value("kept")
    await expect(page.get_by_role("textbox", name="Option 3")).to_have_count(0)


async def test_closing_and_reopening_reach_a_voter_at_once(
    visitors: Visitors, api: httpx.AsyncClient
) -> None:
    owner = token_hex(12)
    poll = await create_poll(api, owner)
    page = await visitors.open(f"/polls/{poll['id']}", owner)
    voter = await visitors.open(f"/polls/{poll['id']}")
    await expect(voter.locator("#connection")).to_have_text("Live")
    await expect(voter.get_by_role("heading", name="Your poll")).to_be_hidden()

    await page.get_by_role("button", name="Close the poll").click()
    await expect(page.get_by_role("button", name="Open it again")).to_be_focused()
    await expect(voter.locator("#status")).to_have_text("Closed")
    await expect(voter.get_by_role("radio", name="red")).to_be_disabled()

    await page.get_by_role("button", name="Open it again").click()
    await expect(page.get_by_role("button", name="Close the poll")).to_be_focused()
    await expect(voter.locator("#status")).to_have_text("Open")
    await expect(voter.get_by_role("radio", name="red")).to_be_enabled()
    # Whoever votes can see what was done to the poll.
    changes = voter.get_by_role("region", name="What was changed").get_by_role("listitem")
    await expect(changes).to_contain_text(["Closed", "Opened again"])


async def test_texts_can_be_changed_until_somebody_votes(
    visitors: Visitors, api: httpx.AsyncClient
) -> None:
    owner = token_hex(12)
    poll = await create_poll(api, owner)
    page = await visitors.open(f"/polls/{poll['id']}", owner)
    onlooker = await visitors.open(f"/polls/{poll['id']}")
    await expect(onlooker.locator("#connection")).to_have_text("Live")
    await page.get_by_role("button", name="Change it").click()
    await page.get_by_label("Question").fill("Which hue?")
    await page.get_by_role("textbox", name="Option 3").fill("violet")
    await page.get_by_role("button", name="Save the changes").click()
    await expect(page.get_by_role("heading", name="Which hue?")).to_be_visible()
    await expect(onlooker.get_by_role("radio", name="violet")).to_be_visible()

    await vote(api, poll, 0, token_hex(12))
    await expect(page.locator("#voters")).to_have_text("1")
    await page.get_by_role("button", name="Change it").click()
    await expect(page.get_by_label("Question")).to_be_disabled()
    await expect(page.get_by_text("Somebody has voted, so the question")).to_be_visible()
    await page.get_by_label("Who sees the results").select_option("owner")
    await page.get_by_role("button", name="Save the changes").click()
    await expect(
        onlooker.get_by_text("Only the owner of this poll sees its results.")
    ).to_be_visible()
    await expect(onlooker.locator("#turnout")).to_be_hidden()


async def _download(page: Page, button: str, folder: Path) -> tuple[str, str]:
    async with page.expect_download() as started:
        await page.get_by_role("button", name=button).click()
    file = await started.value
    target = folder / "file"
    await file.save_as(target)
    return file.suggested_filename, target.read_bytes().decode("utf-8-sig")


async def test_the_owner_takes_the_results_home(
    visitors: Visitors, api: httpx.AsyncClient, tmp_path: Path
) -> None:
    owner = token_hex(12)
    poll = await create_poll(api, owner)
    await vote(api, poll, 1, token_hex(12))
    page = await visitors.open(f"/polls/{poll['id']}", owner)
    name, text = await _download(page, "Results as CSV", tmp_path)
    assert name.endswith(".csv")
    assert "green,1,100.0" in text
    name, text = await _download(page, "Results as JSON", tmp_path)
    assert name.endswith(".json")
    assert json.loads(text)["votersCount"] == 1


async def test_a_deletion_is_asked_about_and_told_to_everyone(
    visitors: Visitors, api: httpx.AsyncClient
) -> None:
    owner = token_hex(12)
    poll = await create_poll(api, owner)
    page = await visitors.open(f"/polls/{poll['id']}", owner)
    voter = await visitors.open(f"/polls/{poll['id']}")
    wall = await visitors.open(f"/polls/{poll['id']}/present")
    for shown in (voter, wall):
        await expect(shown.locator("#connection")).to_have_text("Live")

    await page.get_by_role("button", name="Delete it").click()
    await expect(page.get_by_role("button", name="Keep it")).to_be_focused()
    await page.keyboard.press("Enter")
    await expect(page.get_by_role("dialog")).to_be_hidden()
    await expect(page.get_by_role("button", name="Delete it")).to_be_focused()

    await page.get_by_role("button", name="Delete it").click()
    await page.get_by_role("dialog").get_by_role("button", name="Delete it").click()
    await expect(page.get_by_text("You deleted this poll")).to_be_visible()
    for shown in (voter, wall):
        await expect(shown.get_by_text("This poll was deleted")).to_be_visible()
    gone = await api.get(f"/api/poll/get-poll-by-id/{poll['id']}", headers=bearer())
    assert gone.status_code == 404


async def test_an_admin_manages_a_poll_of_somebody_else(
    visitors: Visitors, api: httpx.AsyncClient
) -> None:
    poll = await create_poll(api, token_hex(12))
    page = await visitors.open(f"/polls/{poll['id']}", token=sign(roles=["admin"]))
    await expect(page.get_by_role("heading", name="As an admin")).to_be_visible()
    await page.get_by_role("button", name="Close the poll").click()
    await expect(page.locator("#status")).to_have_text("Closed")
