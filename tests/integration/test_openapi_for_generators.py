"""The OpenAPI document says things in ways that generators of clients understand."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from quickpoll.polls.bodies import NewPoll

Document = dict[str, Any]

in_32_bits = 2**31 - 1
answered = {"Poll", "PollView", "Vote", "Like", "Export", "TimelineRow", "HistoryRow"}
sent = {"NewPoll", "PollUpdate", "BallotChoice"}


@pytest.fixture
async def document(client: httpx.AsyncClient) -> Document:
    found: Document = (await client.get("/openapi.json")).json()
    return found


def schemas(value: Any, place: str = "") -> Iterator[tuple[str, Document]]:
    """Every object in the document, with where it is."""
    if isinstance(value, dict):
        yield place, value
        for name, one in value.items():
            yield from schemas(one, f"{place}/{name}")
    elif isinstance(value, list):
        for number, one in enumerate(value):
            yield from schemas(one, f"{place}/{number}")


def test_every_integer_fits_in_32_bits_or_says_that_it_does_not(document: Document) -> None:
    """Where nothing is said, generators for Java, Kotlin, Go, Rust and C# take 32 bits."""
    integers = [(place, one) for place, one in schemas(document) if one.get("type") == "integer"]
    assert len(integers) > 20
    for place, one in integers:
        small = one.get("maximum", in_32_bits + 1) <= in_32_bits and one.get("minimum", -1) >= 0
        assert small or one.get("format") == "int64", place


@pytest.mark.parametrize(("model", "name"), [("PollView", "counts"), ("TimelineRow", "counts")])
def test_counts_are_a_map(document: Document, model: str, name: str) -> None:
    said = document["components"]["schemas"][model]["properties"][name]
    assert said["additionalProperties"] == {"type": "integer", "format": "int64", "minimum": 0}
    assert not said.keys() & {"properties", "patternProperties", "propertyNames", "required"}


def test_no_keyword_that_generators_take_for_something_else(document: Document) -> None:
    """``default``: that a field is there. ``uniqueItems``: a set, which forgets the order of the
    options. ``const``: a text. ``patternProperties``: nothing at all."""
    misread = {"default", "uniqueItems", "const", "patternProperties", "propertyNames"}
    for place, one in schemas(document["components"]["schemas"]):
        if not place.endswith("/properties"):
            assert not one.keys() & misread, place
    for place, one in schemas(document["paths"]):
        if place.endswith("/schema"):
            assert not one.keys() & misread, place


def test_what_has_a_default_may_be_left_out_and_is_always_answered(document: Document) -> None:
    models = document["components"]["schemas"]
    assert models["NewPoll"]["required"] == ["question", "options"]
    told = {
        name: re.findall("Default: `(.*)`", field.get("description", ""))
        for name, field in models["NewPoll"]["properties"].items()
        if name not in (*models["NewPoll"]["required"], "userId")
    }
    assert told == {
        field.alias: [json.dumps(field.default)]
        for field in NewPoll.model_fields.values()
        if not field.is_required() and field.default_factory is None
    }
    assert set(told) < set(models["Poll"]["required"])
    assert "required" not in models["PollUpdate"]
    assert "Default" not in str(models["PollUpdate"])


def test_answers_may_grow_and_requests_may_not(document: Document) -> None:
    models = document["components"]["schemas"]
    for name in answered:
        assert "additionalProperties" not in models[name], name
    for name in sent:
        assert models[name]["additionalProperties"] is False, name


def test_a_success_is_of_one_media_type(document: Document) -> None:
    """Exports are files of two kinds, of which generators read the JSON, the first."""
    for path, operations in document["paths"].items():
        for operation in operations.values():
            kinds = [
                kind
                for status, one in operation["responses"].items()
                if status < "300"
                for kind in one.get("content", {})
            ]
            if "export" in path and "export-user" not in path:
                assert kinds == ["application/json", "text/csv"]
            else:
                assert len(set(kinds)) <= 1, path


def test_what_may_be_left_out_of_an_address_is_never_null(document: Document) -> None:
    for place, one in schemas(document["paths"]):
        if "/parameters/" in place:
            assert one.get("type") != "null", place
