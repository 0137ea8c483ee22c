"""Making and changing a poll: what is typed, pasted, half a date, too long, pressed twice."""

from __future__ import annotations

from secrets import token_hex
from typing import Any
from urllib.parse import urlsplit

import httpx
import pytest
from playwright.async_api import Page, expect

from tests.browser.visitors import Visitors
from tests.builders import create_poll, look, vote
from tests.conftest import bearer

families = "👩‍👩‍👧‍👦"  # one to the eye, seven characters to the service


async def _form(visitors: Visitors, user: str, **more: Any) -> Page:
    page = await visitors.open("/polls", user, **more)
    await page.get_by_role("button", name="Make a poll").click()
    await page.get_by_label("Question").fill("Which?")
    return page


async def _options(page: Page, form: str = "new") -> list[str]:
    values: list[str] = await page.locator(f"#{form}-options input").evaluate_all(
        "all => all.map(one => one.value)"
    )
    return values


async def _made(api: httpx.AsyncClient, user: str) -> list[dict[str, Any]]:
    path = f"/api/poll/get-poll-by-user-id/{user}"
    found: list[dict[str, Any]] = (await api.get(path, headers=bearer(user))).json()
    return found


async def test_enter_in_an_option_adds_a_row_and_sends_nothing(
    visitors: Visitors, api: httpx.AsyncClient
) -> None:
    user = token_hex(12)
    page = await _form(visitors, user)
    await page.get_by_role("textbox", name="Option 1").focus()
    for text in ("North", "South", "West"):
        await page.keyboard.type(text)
        await page.keyboard.press("Enter")
    assert [text for text in await _options(page) if text] == ["North", "South", "West"]
    assert await _made(api, user) == []
    await page.get_by_role("button", name="Put it to the vote").click()
    await expect(page.get_by_role("radio", name="West")).to_be_visible()


async def _paste(page: Page, text: str) -> None:
    await page.evaluate(
        """text => {
          const data = new DataTransfer();
          data.setData("text/plain", text);
          const event = { clipboardData: data, bubbles: true, cancelable: true };
          document.activeElement.dispatchEvent(new ClipboardEvent("paste", event));
        }""",
        text,
    )


@pytest.mark.parametrize(
    "text",
    [
        "Mon\nTue\nWed\nThu\nFri\nSat",
        "Mon\r\n\r\n Tue \r\nWed\r\nThu\r\nFri\r\nSat\r\n",
        "- Mon\n- Tue\n- Wed\n- Thu\n- Fri\n- Sat",
        "1. Mon\n2. Tue\n3. Wed\n4. Thu\n5. Fri\n6. Sat",
    ],
)
async def test_a_pasted_list_fills_rows(visitors: Visitors, text: str) -> None:
    page = await _form(visitors, token_hex(12))
    await page.get_by_role("textbox", name="Option 1").focus()
    await _paste(page, text)
    assert await _options(page) == ["Mon", "Tue", "Wed", "Thu", "Fri", "Sat"]


async def test_a_pasted_list_ends_at_as_many_options_as_there_may_be(visitors: Visitors) -> None:
    page = await _form(visitors, token_hex(12))
    await page.get_by_role("textbox", name="Option 1").focus()
    await _paste(page, "\n".join(str(place) for place in range(60)))
    assert await _options(page) == [str(place) for place in range(50)]
    await expect(page.get_by_role("button", name="Add an option")).to_be_hidden()


async def test_a_deadline_without_a_time_is_said_to_be_incomplete_and_nothing_is_made(
    visitors: Visitors, api: httpx.AsyncClient
) -> None:
    user = token_hex(12)
    page = await _form(visitors, user)
    await page.get_by_role("textbox", name="Option 1").fill("a")
    await page.get_by_role("textbox", name="Option 2").fill("b")
    await page.get_by_text("Settings").click()
    await page.get_by_label("Closes at").focus()
    await page.keyboard.type("01022099")  # a day, no time
    await page.get_by_role("button", name="Put it to the vote").click()
    await expect(page.locator("#maker-form [data-wrong=closesAt]")).to_contain_text("incomplete")
    await expect(page.get_by_label("Closes at")).to_be_focused()
    assert await _made(api, user) == []


async def _editor(visitors: Visitors, poll: dict[str, Any], owner: str, **more: Any) -> Page:
    page = await visitors.open(f"/polls/{poll['id']}", owner, **more)
    await page.get_by_role("button", name="Change it").click()
    return page


async def test_a_key_pressed_in_the_deadline_of_an_edit_does_not_delete_it(
    visitors: Visitors, api: httpx.AsyncClient
) -> None:
    owner = token_hex(12)
    poll = await create_poll(api, owner, closesAt="2099-01-02T03:04:00Z")
    page = await _editor(visitors, poll, owner)
    await page.get_by_label("Closes at").focus()
    await page.keyboard.press("Backspace")
    await page.get_by_role("button", name="Save the changes").click()
    await expect(page.locator("#editor-form [data-wrong=closesAt]")).to_contain_text("incomplete")
    assert (await look(api, poll, owner))["closesAt"] == "2099-01-02T03:04:00.000Z"


@pytest.mark.parametrize("zone", ["Pacific/Auckland", "America/Los_Angeles"])
async def test_what_was_not_touched_is_not_sent(
    visitors: Visitors, api: httpx.AsyncClient, zone: str
) -> None:
    owner = token_hex(12)
    far = "9999-12-31T23:59:59.999Z"
    poll = await create_poll(api, owner, closesAt=far)
    page = await _editor(visitors, poll, owner, timezone_id=zone)
    await page.get_by_label("Who finds it").select_option("unlisted")
    async with page.expect_request("**/update-poll/*") as sent:
        await page.get_by_role("button", name="Save the changes").click()
    assert (await sent.value).post_data_json == {"visibility": "unlisted"}
    await expect(page.locator("#editor")).to_be_hidden()
    assert (await look(api, poll, owner))["closesAt"] == far


async def test_a_deadline_that_is_emptied_is_taken_away(
    visitors: Visitors, api: httpx.AsyncClient
) -> None:
    owner = token_hex(12)
    poll = await create_poll(api, owner, closesAt="2099-01-02T03:04:00Z")
    page = await _editor(visitors, poll, owner)
    await page.get_by_label("Closes at").fill("")
    await page.get_by_role("button", name="Save the changes").click()
    await expect(page.locator("#editor")).to_be_hidden()
    assert (await look(api, poll, owner))["closesAt"] is None


async def test_a_year_of_six_digits_is_told_and_throws_nothing(visitors: Visitors) -> None:
    page = await _form(visitors, token_hex(12), forgiven="422")
    await page.get_by_role("textbox", name="Option 1").fill("a")
    await page.get_by_role("textbox", name="Option 2").fill("b")
    await page.get_by_text("Settings").click()
    await page.evaluate("document.querySelector('#new-closes').value = '275000-01-01T00:00'")
    await page.get_by_role("button", name="Put it to the vote").click()
    await expect(page.locator("#maker-form [data-wrong=closesAt]")).to_contain_text("year 10000")


async def test_a_text_is_as_long_as_the_service_allows_and_nothing_is_cut(
    visitors: Visitors, api: httpx.AsyncClient
) -> None:
    user = token_hex(12)
    page = await _form(visitors, user)
    question = "🎈" * 400
    await page.get_by_label("Question").fill(question)
    await expect(page.get_by_text("400 of 500 characters")).to_be_hidden()
    await page.get_by_label("Question").fill(question + "🎈")
    await expect(page.get_by_text("401 of 500 characters")).to_be_visible()
    await page.get_by_role("textbox", name="Option 1").fill("🎈" * 200)
    await page.get_by_role("textbox", name="Option 2").fill(families * 28)
    await page.get_by_role("button", name="Put it to the vote").click()
    await expect(page.get_by_role("heading", name=question + "🎈")).to_be_visible()
    (poll,) = await _made(api, user)
    assert [option["text"] for option in poll["options"]] == ["🎈" * 200, families * 28]


async def test_what_is_too_long_is_said_and_kept(
    visitors: Visitors, api: httpx.AsyncClient
) -> None:
    user = token_hex(12)
    page = await _form(visitors, user)
    await page.get_by_label("Question").fill("x" * 501)
    await page.get_by_role("textbox", name="Option 1").fill("y" * 201)
    await expect(page.get_by_text("Option 1: 201 characters are too many")).to_be_visible()
    await page.get_by_role("textbox", name="Option 2").fill("b")
    await page.get_by_role("button", name="Put it to the vote").click()
    wrong = page.locator("#maker-form [data-wrong=question]")
    await expect(wrong).to_have_text("501 characters are too many: 500 are possible.")
    await expect(page.get_by_label("Question")).to_have_value("x" * 501)
    assert await _made(api, user) == []


async def test_a_copy_opens_as_a_draft_that_nobody_sees(
    visitors: Visitors, api: httpx.AsyncClient
) -> None:
    user = token_hex(12)
    poll = await create_poll(
        api, token_hex(12), question="Again?", results="after_vote", allowVoteChange=True
    )
    page = await visitors.open(f"/polls/{poll['id']}", user)
    await page.get_by_role("button", name="Ask the same again").dblclick()
    await expect(page.get_by_text("This is a copy.")).to_be_visible()
    await expect(page.get_by_label("Question")).to_have_value("Again?")
    assert await _options(page) == ["red", "green", "blue"]
    assert await _made(api, user) == []
    await page.get_by_role("textbox", name="Option 3").fill("violet")
    await page.get_by_role("button", name="Put it to the vote").click()
    await expect(page.get_by_role("radio", name="violet")).to_be_visible()
    (copy,) = await _made(api, user)
    assert urlsplit(page.url).path == f"/polls/{copy['id']}"
    assert (copy["results"], copy["allowVoteChange"]) == ("after_vote", True)


async def test_a_button_that_creates_creates_once(
    visitors: Visitors, api: httpx.AsyncClient
) -> None:
    user = token_hex(12)
    page = await _form(visitors, user)
    await page.get_by_role("textbox", name="Option 1").fill("a")
    await page.get_by_role("textbox", name="Option 2").fill("b")
    # Pressed again and again, until the page has gone to the new poll.
    await page.evaluate(
        """() => {
          const button = document.querySelector("#maker-form .primary");
          setInterval(() => button.click(), 5);
        }"""
    )
    await expect(page.locator("#question")).to_have_text("Which?")
    assert len(await _made(api, user)) == 1


async def test_options_that_come_and_go_are_sent_as_a_new_list(
    visitors: Visitors, api: httpx.AsyncClient
) -> None:
    owner = token_hex(12)
    poll = await create_poll(api, owner)
    page = await _editor(visitors, poll, owner, forgiven="422")
    await page.get_by_role("button", name="Remove option 2").click()
    await page.get_by_role("button", name="Add an option").click()
    await page.keyboard.type("violet")
    async with page.expect_request("**/update-poll/*") as sent:
        await page.get_by_role("button", name="Save the changes").click()
    ids = [option["id"] for option in poll["options"]]
    assert (await sent.value).post_data_json == {
        "options": [
            {"id": ids[0], "text": "red"},
            {"id": ids[2], "text": "blue"},
            {"text": "violet"},
        ]
    }


async def test_once_somebody_has_voted_no_option_comes_or_goes(
    visitors: Visitors, api: httpx.AsyncClient
) -> None:
    owner = token_hex(12)
    poll = await create_poll(api, owner)
    page = await visitors.open(f"/polls/{poll['id']}", owner)
    await vote(api, poll, 0, token_hex(12))
    await expect(page.locator("#voters")).to_have_text("1")
    await page.get_by_role("button", name="Change it").click()
    await expect(page.locator("#editor").get_by_role("button", name="Add an option")).to_be_hidden()
    await expect(page.locator("#editor").get_by_role("button", name="Remove")).to_have_count(0)
