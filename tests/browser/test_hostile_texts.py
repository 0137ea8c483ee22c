"""Texts that want to be more than text: shown as they are, everywhere, and breaking nothing."""

from __future__ import annotations

from secrets import token_hex

import httpx
import pytest
from playwright.async_api import expect

from tests.browser.visitors import Visitors
from tests.builders import create_poll, vote

markup = '<img src=x onerror="window.hit=1"><script>window.hit=1</script>'
long_word = "Rindfleischetikettierungsüberwachung" * 20
texts = (
    markup,
    "javascript:window.hit=1",
    "\u200fgnitirwrevo \u200eisolated",
    "مرحبا بالعالم",
    "👩‍👩‍👧‍👦🏳️‍🌈" * 9,
    long_word[:200],
    "{{ 7 * 7 }} ${7*7} &lt;b&gt; \" ' `",
)
questions = (markup + long_word[: 500 - len(markup)], "\u200f" + "א" * 250 + "👍🏽" * 120)


@pytest.mark.parametrize("question", questions, ids=["markup", "right-to-left"])
async def test_texts_stay_texts_on_every_page(
    visitors: Visitors, api: httpx.AsyncClient, question: str
) -> None:
    owner = token_hex(12)
    poll = await create_poll(api, owner, question=question, texts=texts)
    await vote(api, poll, 0, token_hex(12))
    page = await visitors.open("/polls", owner, viewport={"width": 360, "height": 780})
    for path in ("/polls", f"/polls/{poll['id']}", f"/polls/{poll['id']}/present"):
        await page.goto(visitors.url + path)
        if path == "/polls":
            await page.get_by_label("From").select_option("mine")
        shown = page.locator(".option-text")
        await expect(shown).to_have_text(texts[:4] if path == "/polls" else texts)
        # As they are in the document, to the letter: nothing became markup.
        assert await shown.all_text_contents() == list(texts[: 4 if path == "/polls" else None])
        title = page.locator("#list h2 a" if path == "/polls" else "#question")
        assert await title.text_content() == poll["question"]
        assert await page.evaluate("window.hit ?? null") is None
        assert await page.evaluate("document.documentElement.scrollWidth") == 360


async def test_hostile_texts_are_harmless_in_the_form_that_changes_them(
    visitors: Visitors, api: httpx.AsyncClient
) -> None:
    owner = token_hex(12)
    poll = await create_poll(api, owner, question=markup, texts=texts)
    page = await visitors.open(f"/polls/{poll['id']}", owner)
    await page.get_by_role("button", name="Change it").click()
    await expect(page.get_by_label("Question")).to_have_value(markup)
    values = await page.locator("#edit-options input").evaluate_all("all => all.map(i => i.value)")
    assert values == list(texts)
    await page.get_by_role("textbox", name="Option 2").fill("</li><script>window.hit=1</script>")
    await page.get_by_role("button", name="Save the changes").click()
    await expect(page.get_by_role("radio", name="</li><script>")).to_be_visible()
    assert await page.evaluate("window.hit ?? null") is None
