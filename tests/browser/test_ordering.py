"""The order of an evening's questions: by dragging, by buttons, by keys, and what stays."""

from __future__ import annotations

from secrets import token_hex

import httpx
from playwright.async_api import Locator, Page, expect

from tests.browser.test_accessibility import findings
from tests.browser.test_evening import Scene, phone, scene, wall
from tests.browser.visitors import Visitors
from tests.conftest import bearer

three = "First?\n* a\n* b\n\nSecond?\n* c\n* d\n\n\nThird?\n* e\n* f\n"


async def making(visitors: Visitors, owner: str) -> Page:
    """The form of a new session, with three questions pasted."""
    page = await visitors.open("/sessions", owner, **wall)
    await page.get_by_role("button", name="Make a session").click()
    await page.get_by_label("Title").fill("Our evening")
    await page.get_by_label("Questions", exact=True).fill(three)
    await expect(page.locator("#asked-list li")).to_have_count(3)
    return page


async def drag(row: Locator, to: Locator) -> None:
    """Drag a row by its handle to the place of another one."""
    await row.scroll_into_view_if_needed()
    start = await row.locator(".order-handle").bounding_box()
    end = await to.bounding_box()
    assert start
    assert end
    mouse = row.page.mouse
    await mouse.move(start["x"] + start["width"] / 2, start["y"] + start["height"] / 2)
    await mouse.down()
    await mouse.move(start["x"], end["y"] + end["height"] / 2, steps=5)
    await mouse.up()


async def asked(evening: Scene) -> list[str]:
    """The polls of a session, in their order."""
    path = f"/api/session/get-session/{evening.session['id']}"
    found: list[str] = (await evening.api.get(path, headers=bearer(evening.owner))).json()[
        "pollIds"
    ]
    return found


async def test_pasted_questions_are_put_in_order_before_they_are_made(
    visitors: Visitors, api: httpx.AsyncClient
) -> None:
    owner = token_hex(12)
    page = await making(visitors, owner)
    rows = page.locator("#asked-list li")
    await drag(rows.nth(2), rows.nth(0))
    await expect(rows).to_contain_text(["Third?", "First?", "Second?"])
    await page.get_by_role("button", name="Move question 2 down").click()
    await expect(rows).to_contain_text(["Third?", "Second?", "First?"])
    text = await page.get_by_label("Questions", exact=True).input_value()
    assert text == "Third?\n* e\n* f\n\nSecond?\n* c\n* d\n\nFirst?\n* a\n* b"
    await page.get_by_role("button", name="Make it and go to the stage").click()
    await expect(page.locator("#lobby h1")).to_have_text("Our evening")
    await page.keyboard.press("ArrowRight")
    await expect(page.locator("#question")).to_have_text("Third?")


async def test_escape_leaves_a_dragged_row_where_it_was(visitors: Visitors) -> None:
    page = await making(visitors, token_hex(12))
    rows = page.locator("#asked-list li")
    box = await rows.nth(0).locator(".order-handle").bounding_box()
    assert box
    await page.mouse.move(box["x"] + 5, box["y"] + 5)
    await page.mouse.down()
    await page.mouse.move(box["x"] + 5, box["y"] + 200, steps=5)
    await expect(rows.last).to_contain_text("First?")
    await page.keyboard.press("Escape")
    await page.mouse.up()
    await expect(rows).to_contain_text(["First?", "Second?", "Third?"])


async def test_the_questions_of_a_session_are_reordered_and_what_was_shown_stays(
    visitors: Visitors, api: httpx.AsyncClient
) -> None:
    owner = token_hex(12)
    polls = [{"question": f"Question {letter}?"} for letter in "abcde"]
    evening = await scene(api, owner, *polls)
    a, b, c, d, e = evening.session["pollIds"]
    await evening.step(0)
    page = await visitors.open("/sessions", owner, forgiven="409", **phone)
    await page.get_by_role("button", name="Change the order").click()
    rows = page.locator(".ordering li")
    await expect(rows).to_have_count(5)
    await expect(rows.first.locator("button, .order-handle")).to_have_count(0)
    assert await findings(page) == []
    await page.get_by_role("button", name="Move question 5 up").focus()
    await page.keyboard.press("Enter")
    await expect(rows).to_contain_text(["a?", "b?", "c?", "e?", "d?"])
    await expect(page.get_by_role("button", name="Move question 4 up")).to_be_focused()
    await expect(page.locator("#announcer")).to_have_text("Question e?: now 4 of 5")
    assert await asked(evening) == [a, b, c, e, d]
    # Meanwhile the presenter went on: what was shown stays, and the page says so.
    await evening.step(2)
    await page.get_by_role("button", name="Move question 4 up").click()
    await expect(page.locator(".session-row .notice")).to_contain_text("changed meanwhile")
    await expect(rows.nth(2).locator("button")).to_have_count(0)
    await expect(rows).to_contain_text(["a?", "b?", "c?", "e?", "d?"])
    async with page.expect_response("**/update-session/**"):
        await drag(rows.nth(4), rows.nth(3))
    assert await asked(evening) == [a, b, c, d, e]


async def test_the_page_says_where_a_question_must_stay(
    visitors: Visitors, api: httpx.AsyncClient
) -> None:
    owner = token_hex(12)
    evening = await scene(api, owner, *[{"question": f"Question {letter}?"} for letter in "abc"])
    for at in (1, 0):  # shown, and gone back from
        await evening.step(at)
    page = await visitors.open("/sessions", owner, forgiven="409", **wall)
    await page.get_by_role("button", name="Change the order").click()
    await page.get_by_role("button", name="Move question 2 down").click()
    await expect(page.locator(".session-row .notice")).to_contain_text("keeps its place")
    await expect(page.locator(".ordering li")).to_contain_text(["a?", "b?", "c?"])
    assert await asked(evening) == evening.session["pollIds"]
