"""Every page in the reader's own language: words, digits, plurals, direction, and no mix."""

from __future__ import annotations

import asyncio
import re
from secrets import token_hex
from typing import Any

import httpx
import pytest
from playwright.async_api import Page, expect

from quickpoll.web.texts import LANGUAGES
from tests.browser.visitors import Visitors
from tests.builders import create_poll, vote
from tests.unit.test_texts import catalogue, plurals

locales = {
    "en": "en-GB",
    "de": "de-DE",
    "fr": "fr-FR",
    "es": "es-ES",
    "pt": "pt-BR",
    "pl": "pl-PL",
    "ar": "ar-EG",
    "ja": "ja-JP",
    "zh": "zh-CN",
}
latin_digits, arabic_digits = re.compile("[0-9]"), re.compile("[\u0660-\u0669]")

# What pages say: no text of people's, no address, no name of the product or of a key.
said = """() => {
  const copy = document.body.cloneNode(true);
  const not = "#question, .option-text, .listed h2, #address, #identity-name, script, bdi, code, "
    + "[translate=no], .arrow, [hidden], #starting, noscript";
  for (const one of copy.querySelectorAll(not)) one.remove();
  const words = [...copy.querySelectorAll("*")].flatMap((one) => [
    ...[...one.childNodes].filter((node) => node.nodeType === 3).map((node) => node.data),
    ...["aria-label", "alt", "placeholder"].map((name) => one.getAttribute(name) ?? ""),
  ]);
  return words.map((text) => text.trim()).filter(Boolean);
}"""


def texts_of(language: str) -> set[str]:
    """Every sentence of a catalogue, without its places."""
    found: set[str] = set()
    for part in catalogue(language).values():
        for text in part.values():
            found |= set(text.values()) if isinstance(text, dict) else {text}
    return found


@pytest.mark.parametrize("language", LANGUAGES[1:])
async def test_a_reader_of_another_language_is_shown_no_english(
    visitors: Visitors, api: httpx.AsyncClient, language: str
) -> None:
    owner = token_hex(12)
    poll = await create_poll(api, owner, allowVoteChange=True, maxChoices=2, results="after_close")
    for place in range(3):
        await vote(api, poll, place % 2, token_hex(12))
    page = await visitors.open("/polls", owner, locale=locales[language])
    english = texts_of("en") - texts_of(language)
    for path in ("/polls", f"/polls/{poll['id']}", f"/polls/{poll['id']}/present"):
        await page.goto(visitors.url + path)
        live = catalogue(language)["script"]["connection_live"]
        await expect(page.locator("#connection-words")).to_have_text(live)
        await expect(page.locator("html")).to_have_attribute("lang", language)
        await expect(page.locator("html")).to_have_attribute(
            "dir", "rtl" if language == "ar" else "ltr"
        )
        for opener in ("#make", "#edit-poll"):
            if await page.locator(opener).count():
                await page.locator(opener).click()
        shown = await page.evaluate(said)
        assert shown
        assert english & set(shown) == set(), path
        whole = re.compile(r"\b(the|your|of|votes?|voters?|polls?|once|see)\b", re.IGNORECASE)
        if language not in ("fr", "pt", "es"):  # where "votes" is a word, too
            assert [text for text in shown if whole.search(text)] == [], path


@pytest.mark.parametrize(("language", "wanted"), plurals.items())
async def test_the_catalogues_have_the_plurals_that_browsers_know(
    visitors: Visitors, language: str, wanted: set[str]
) -> None:
    page = await visitors.open("/polls", token="")
    found = await page.evaluate(
        "language => new Intl.PluralRules(language).resolvedOptions().pluralCategories", language
    )
    assert set(found) == wanted


async def _voters(api: httpx.AsyncClient, count: int, **fields: Any) -> dict[str, Any]:
    poll = await create_poll(api, token_hex(12), **fields)
    await asyncio.gather(*(vote(api, poll, 0, token_hex(12)) for _ in range(count)))
    return poll


@pytest.mark.parametrize(
    ("locale", "count", "words"),
    [
        ("pl", 1, "1 głos"),
        ("pl", 3, "3 głosy"),
        ("pl", 5, "5 głosów"),
        ("pl", 22, "22 głosy"),
        ("ar", 1, "صوت واحد"),
        ("ar", 2, "صوتان"),
        ("ar", 3, "٣ أصوات"),
        ("ar", 11, "\u0661\u0661 صوتًا"),
        ("fr", 0, "0 vote"),
        ("ja", 4, "4 票"),
    ],
)
async def test_numbers_get_the_plural_of_the_language(
    visitors: Visitors, api: httpx.AsyncClient, locale: str, count: int, words: str
) -> None:
    poll = await _voters(api, count)
    page = await visitors.open(f"/polls/{poll['id']}", locale=locale)
    await expect(page.locator(".count").first).to_have_text(words)


async def _digits(page: Page) -> list[str]:
    shown: list[str] = await page.evaluate(said)
    return [text for text in shown if re.search(r"\d", text)]


@pytest.mark.parametrize(
    ("locale", "digits", "others"),
    [
        ("ar", arabic_digits, latin_digits),
        ("ar-EG", arabic_digits, latin_digits),
        ("ar-MA", latin_digits, arabic_digits),
        ("de-DE", latin_digits, arabic_digits),
    ],
)
async def test_all_digits_of_a_page_are_of_one_kind(
    visitors: Visitors,
    api: httpx.AsyncClient,
    locale: str,
    digits: re.Pattern[str],
    others: re.Pattern[str],
) -> None:
    poll = await _voters(api, 4, closesAt="2999-01-01T00:00:00Z")
    for path in ("/polls", f"/polls/{poll['id']}", f"/polls/{poll['id']}/present"):
        page = await visitors.open(path, locale=locale)
        await expect(page.locator(".percent").first).to_have_text(digits)
        await expect(
            page.locator("[role=timer]").first
            if "/polls/" in path
            else page.locator(".listed .figure").first
        ).to_have_text(digits)
        texts = await _digits(page)
        assert texts
        assert [text for text in texts if others.search(text)] == []


async def test_the_address_can_name_the_language_and_links_keep_it(
    visitors: Visitors, api: httpx.AsyncClient
) -> None:
    poll = await create_poll(api, token_hex(12))
    page = await visitors.open(f"/polls/{poll['id']}?lang=pl")
    await expect(page.get_by_role("button", name="Oddaj głos")).to_be_visible()
    await page.get_by_role("link", name="Pokaz na ekranie").click()
    await expect(page.get_by_text("Głosuj pod adresem")).to_be_visible()
    await page.get_by_role("link", name="Wyjdź").click()
    await expect(page.get_by_role("button", name="Oddaj głos")).to_be_visible()
    # What is handed on is for whoever opens it, in their own language.
    assert "lang" not in await page.locator("#address").input_value()


async def test_what_people_wrote_keeps_its_own_direction(
    visitors: Visitors, api: httpx.AsyncClient
) -> None:
    poll = await create_poll(
        api, token_hex(12), question="Which (one)?", texts=["Coffee?", "قهوة؟"]
    )
    page = await visitors.open(f"/polls/{poll['id']}", locale="ar")
    await expect(page.locator(".option-text")).to_have_count(2)
    directions = await page.locator("#question, .option-text").evaluate_all(
        "all => all.map(one => getComputedStyle(one).direction)"
    )
    assert directions == ["ltr", "ltr", "rtl"]
    edges = await page.evaluate(
        "['.folio', '#rules', '.option'].map(one =>"
        " getComputedStyle(document.querySelector(one)).direction)"
    )
    assert set(edges) == {"rtl"}
    # A bar grows from where the page begins.
    await vote(api, poll, 0, token_hex(12))
    await vote(api, poll, 1, token_hex(12))
    await expect(page.locator("#voters")).to_have_text("٢")
    await page.evaluate("document.getAnimations().forEach(one => one.finish())")
    right = await page.evaluate(
        "() => { const [bar, fill] = ['.bar', '.fill'].map(one =>"
        " document.querySelector(one).getBoundingClientRect());"
        " return [Math.round(bar.right - fill.right), fill.left > bar.left + bar.width / 3]; }"
    )
    assert right == [0, True]


@pytest.mark.parametrize("language", ["de", "ar"])
async def test_what_the_service_refuses_is_told_in_the_language_too(
    visitors: Visitors, language: str
) -> None:
    page = await visitors.open("/polls", locale=locales[language], forgiven="422")
    texts = catalogue(language)
    await page.get_by_role("button", name=texts["page"]["make_poll"]).click()
    await page.locator("#new-question").fill("Q?")
    await page.locator("#new-options input").nth(0).fill("a")
    await page.locator("#new-options input").nth(1).fill("b")
    await page.get_by_text(texts["page"]["settings"]).click()
    await page.locator("#new-closes").fill("2001-01-01T00:00")
    await page.get_by_role("button", name=texts["page"]["put_to_vote"]).click()
    await expect(page.locator("#maker-form [data-wrong=closesAt]")).to_have_text(
        texts["script"]["wrong_closesAt"]
    )
