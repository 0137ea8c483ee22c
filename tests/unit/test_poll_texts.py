"""What of a text is seen, and which texts look the same."""

from __future__ import annotations

import re
from unicodedata import category, normalize

import pytest
import regex
from hypothesis import example, given
from hypothesis import strategies as st

from quickpoll.polls.texts import is_blank, look, look_alikes, seen_start, turned_around, unfit
from quickpoll.polls.validators import LEGIBLE_PATTERN

joiner, non_joiner, as_emoji = "\u200d", "\u200c", "\ufe0f"
no_width = "\u200b"

# One of each kind that was tried on other services, and the ends of their ranges.
invisible = {
    "soft hyphen": "\u00ad",
    "grapheme joiner": "\u034f",
    "arabic letter mark": "\u061c",
    "hangul choseong filler": "\u115f",
    "hangul jungseong filler": "\u1160",
    "khmer vowel": "\u17b4",
    "mongolian vowel separator": "\u180e",
    "zero width space": no_width,
    "zero width non-joiner": non_joiner,
    "zero width joiner": joiner,
    "left-to-right mark": "\u200e",
    "right-to-left mark": "\u200f",
    "word joiner": "\u2060",
    "invisible plus": "\u2064",
    "braille blank": "\u2800",
    "hangul filler": "\u3164",
    "variation selector": as_emoji,
    "byte order mark": "\ufeff",
    "halfwidth hangul filler": "\uffa0",
    "interlinear annotation": "\ufff9",
    "shorthand format": "\U0001bca0",
    "musical format": "\U0001d173",
    "tag": "\U000e0041",
    "variation selector 256": "\U000e01ef",
    "reserved for what is ignored": "\U000e0fff",
}

seen = {
    "letter": "A",
    "arabic number sign": "\u0600",
    "end of ayah": "\u06dd",
    "syriac abbreviation": "\u070f",
    "kaithi number sign": "\U000110bd",
    "hieroglyphs in a block": "\U00013430",
    "a combining accent": "\u0301",
    "private use": "\ue000",
    "unassigned": "\u0378",
}


@pytest.mark.parametrize("character", invisible.values(), ids=invisible)
def test_what_is_invisible_makes_no_text_and_no_difference(character: str) -> None:
    for text in (character, f" {character} ", f"{character}\u3000{character}", character * 3):
        assert is_blank(text)
        assert look(text) == ""
    for text in (f"A{character}", f"{character}a", f"{character}A{character}"):
        assert look(text) == look("A")
        assert not is_blank(text)
    assert look(f"a{character} {character}b") == look("a b")


@pytest.mark.parametrize("character", seen.values(), ids=seen)
def test_what_is_seen_is_a_text(character: str) -> None:
    assert not is_blank(character)
    assert look(f"b{character}") != look("b")


def test_every_format_character_is_seen_or_invisible_as_unicode_says() -> None:
    """Against the tables of Python's own edition of Unicode."""
    ignored = regex.compile(r"\p{Default_Ignorable_Code_Point}")
    over_digits = regex.compile(r"\p{Prepended_Concatenation_Mark}")
    for code in range(0x110000):
        character = chr(code)
        if ignored.match(character):
            assert is_blank(character), hex(code)
        elif category(character) == "Cf":
            shown = bool(over_digits.match(character)) or 0x13430 <= code <= 0x1343F
            assert is_blank(character) != shown, hex(code)


def test_nothing_that_is_seen_becomes_invisible_by_normalising_it() -> None:
    """So that leaving out what is invisible comes first, once."""
    for code in range(0x110000):
        character = chr(code)
        if not is_blank(character):
            folded = normalize("NFKD", character.casefold())
            assert not any(is_blank(one) and not one.isspace() for one in folded), hex(code)


@pytest.mark.parametrize(
    ("one", "like_it"),
    [
        ("Yes", " yes "),
        ("Straße", "STRASSE"),
        ("ΣΊΣΥΦΟΣ", "σίσυφος"),
        ("\u00e9", "e\u0301"),
        ("İ", "i\u0307"),
        ("ǰ", "J\u030c"),
        ("A  B", "a\u00a0b"),
        ("a\u2028b", "a b"),
        ("ﬁne", "fine"),
        ("\uff21\uff11", "a1"),
        ("x²", "X2"),
        ("①", "1"),
        ("㎏", "kg"),
        ("ｶﾞ", "ガ"),
        ("co\u00adoperate", "cooperate"),
        ("a\u034f\u0301", "á"),  # taken out first, the accent meets its letter
        ("\u0645\u06cc\u200c\u0631\u0648\u0645", "\u0645\u06cc\u0631\u0648\u0645"),
        ("क्\u200dष", "क्ष"),
        ("❤\ufe0f", "❤"),
        ("👍" + no_width, "👍"),
        ("A\U000e0067\U000e007f", "A"),
        ("😀\U000e0067\U000e007f", "😀"),
        ("👨" + no_width + joiner + "👩", "👨👩"),  # no emoji is joined like that
        ("a" + joiner + "👩", "a👩"),
    ],
)
def test_texts_that_look_alike(one: str, like_it: str) -> None:
    assert look(one) == look(like_it)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("resume", "résumé"),
        ("i", "\u0131"),
        ("AB", "A B"),
        ("👨\u200d👩\u200d👧", "👨👩👧"),
        ("👨\u200d👩\u200d👧", "👨\u200d👩👧"),
        ("🏳\ufe0f\u200d🌈", "🏳\ufe0f🌈"),
        ("❤\ufe0f\u200d🔥", "❤\ufe0f🔥"),
        ("👩🏽\u200d🚀", "👩🏽🚀"),
        ("👩\u200d🚀", "👩🏽\u200d🚀"),
        ("👍🏽", "👍"),
        ("🏴\U000e0067\U000e0062\U000e0065\U000e006e\U000e0067\U000e007f", "🏴"),
        (
            "🏴\U000e0067\U000e0062\U000e0065\U000e006e\U000e0067\U000e007f",
            "🏴\U000e0067\U000e0062\U000e0073\U000e0063\U000e0074\U000e007f",
        ),
        ("🇩🇪", "🇪🇩"),
    ],
)
def test_texts_that_look_different(one: str, other: str) -> None:
    assert look(one) != look(other)


def test_the_heart_is_the_same_with_and_without_its_selector_within_an_emoji() -> None:
    assert look("❤\ufe0f\u200d🔥") == look("❤\u200d🔥")


@given(st.text(), st.sampled_from(sorted(invisible.values())), st.integers(min_value=0))
@example("\u1100", "\u1160", 1)
def test_an_invisible_character_anywhere_but_in_an_emoji_changes_nothing(
    text: str, character: str, place: int
) -> None:
    if character in (joiner, as_emoji) or any(ord(one) > 0x2000 for one in text):
        return
    place %= len(text) + 1
    assert look(text[:place] + character + text[place:]) == look(text)


@given(st.text())
def test_what_a_text_looks_like_looks_like_it(text: str) -> None:
    assert look(look(text)) == look(text)
    assert is_blank(text) == (not look(text)) or not text.isprintable()


def test_the_later_ones_of_those_that_look_alike_are_named_with_the_first() -> None:
    texts = ["a", "", "b", "A" + no_width, "c", " a", "", "B", None]
    assert look_alikes(texts) == {3: 0, 5: 0, 7: 2}


@pytest.mark.parametrize("code", [*range(0x202A, 0x202F), *range(0x2066, 0x206A)])
def test_what_turns_text_around_is_refused_and_named(code: int) -> None:
    said = turned_around(f"a{chr(code)}b")
    assert said is not None
    assert f"U+{code:04X}" in said


@pytest.mark.parametrize("text", ["שלום", "السلام\u200f", "a\u200eb", "a\u061cb", "\u2060", ""])
def test_what_only_has_a_direction_is_not(text: str) -> None:
    assert turned_around(text) is None


@pytest.mark.parametrize(
    "character", ["\x00", "\t", "\n", "\x1f", "\x7f", "\x80", "\x9f", "\ud800"]
)
def test_what_no_text_holds(character: str) -> None:
    assert unfit(f"a{character}") is not None
    assert unfit("a\u2028\u00a0\U0001f600") is None


def test_the_start_of_what_is_seen() -> None:
    assert seen_start(" \u200b\u00ad =1") == "=1"
    assert seen_start("\u200b") == ""


def test_the_documented_pattern_refuses_nothing_that_is_taken() -> None:
    """Some generated clients go by it before they send anything."""
    pattern = re.compile(LEGIBLE_PATTERN)
    for code in range(0x110000):
        character = chr(code)
        taken = unfit(character) is None and turned_around(character) is None
        if taken and not is_blank(character):
            assert pattern.fullmatch(character), hex(code)
        elif code < 0x10000 and not (character.isspace() or 0xD800 <= code < 0xE000):
            assert not pattern.fullmatch(character), hex(code)
