"""The catalogues: no text missing, none too many, every plural there, every place filled."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any

import pytest

from quickpoll.web import assets, texts
from quickpoll.web.texts import LANGUAGES, chosen, read_all

# As CLDR has them (https://cldr.unicode.org); a browser test holds this against Intl.
plurals = {
    "en": {"one", "other"},
    "de": {"one", "other"},
    "fr": {"one", "many", "other"},
    "es": {"one", "many", "other"},
    "pt": {"one", "many", "other"},
    "pl": {"one", "few", "many", "other"},
    "ar": {"zero", "one", "two", "few", "many", "other"},
    "ja": {"other"},
    "zh": {"other"},
}
named_by_code = re.compile(
    r"error_\w+|change_\w+|field_\w+|connection_\w+|wrong_(question|options|closesAt)"
)
"""Texts whose names a script puts together."""


def catalogue(language: str) -> dict[str, dict[str, Any]]:
    """One catalogue as it stands in its file."""
    found: dict[str, dict[str, Any]] = json.loads((texts.FOLDER / f"{language}.json").read_bytes())
    return found


def places(text: Any) -> set[str]:
    """The names of a text's places, ``n`` aside, which a plural may leave out."""
    said = " ".join(text.values()) if isinstance(text, dict) else text
    return set(re.findall(r"\{(\w+)\}", said)) - {"n"}


def pages() -> Iterator[str]:
    """The templates."""
    for path in (texts.FOLDER.parent / "templates").glob("*.html"):
        yield path.read_text("utf-8")


def scripts() -> Iterator[str]:
    """The scripts."""
    for path in (assets.FOLDER / "js").glob("*.js"):
        yield path.read_text("utf-8")


def of_elements() -> set[str]:
    """The texts that the scripts of elements ask for, which have all of them."""
    paths = (assets.FOLDER / "js" / "embed").glob("*.js")
    return {one for path in paths for one in re.findall(r'\bt\("(\w+)"', path.read_text("utf-8"))}


def test_there_is_a_catalogue_for_each_language_and_no_other() -> None:
    assert {path.stem for path in texts.FOLDER.glob("*")} == set(LANGUAGES) == set(plurals)


@pytest.mark.parametrize("language", LANGUAGES)
def test_no_catalogue_misses_a_text_and_none_has_one_too_many(language: str) -> None:
    english, own = catalogue("en"), catalogue(language)
    assert sorted(own) == ["later", "page", "script", "session"]
    for part in own:
        assert list(own[part]) == list(english[part])
        for name, text in own[part].items():
            assert isinstance(text, dict) == isinstance(english[part][name], dict), name
            assert places(text) == places(english[part][name]), name
            assert text, name


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_plural_has_a_text_for_each_category_of_its_language(language: str) -> None:
    own = catalogue(language)
    for name, text in {**own["script"], **own["session"], **own["later"]}.items():
        if isinstance(text, dict):
            assert set(text) == plurals[language], name
            assert all(text.values()), name


def test_no_sentence_of_another_language_was_left_as_it_is_in_english() -> None:
    english = catalogue("en")
    for language in LANGUAGES[1:]:
        own = catalogue(language)
        same = [
            name
            for part in own
            for name, text in own[part].items()
            if text == english[part][name] and len(str(text).split()) > 3
        ]
        assert same == [], language


def test_pages_ask_for_texts_that_there_are_and_none_is_left_over() -> None:
    english = catalogue("en")
    asked = {name for page in pages() for name in re.findall(r"\bt\('(\w+)'", page)}
    asked |= of_elements()
    assert asked <= set(english["page"]) | set(english["script"]) | set(english["session"])
    assert set(english["page"]) - asked == set()


def test_scripts_ask_for_texts_that_there_are_and_none_is_left_over() -> None:
    found = catalogue("en")
    english = {*found["script"], *found["session"], *found["later"]}
    whole = "\n".join(scripts())
    asked = set(re.findall(r'\bt\("(\w+)"', whole))
    assert asked <= english
    named = set(re.findall(r'"(\w+)"', whole))
    left = {name for name in english - asked - named if not named_by_code.fullmatch(name)}
    pages_ask = {name for page in pages() for name in re.findall(r"\bt\('(\w+)'", page)}
    assert left - pages_ask == set()


def test_values_are_escaped_unless_they_are_markup() -> None:
    said = read_all()["de"]
    assert said("you_are_user", name="<b>") == "Sie sind &lt;b&gt;"
    assert said.direction == "ltr"
    assert read_all()["ar"].direction == "rtl"


@pytest.mark.parametrize(
    ("asked", "accepted", "language"),
    [
        ("", [], "en"),
        ("", ["de-CH", "en"], "de"),
        ("", ["nl", "pl-PL", "en"], "pl"),
        ("", ["nl", "sv"], "en"),
        ("", ["*"], "en"),
        ("", ["ZH-Hant-TW"], "zh"),
        ("ar", ["de"], "ar"),
        ("pt_BR", ["de"], "pt"),
        ("tlh", ["de"], "de"),
    ],
)
def test_the_language_is_the_one_asked_for_or_the_first_that_there_is(
    asked: str, accepted: list[str], language: str
) -> None:
    assert chosen(asked, accepted) == language
