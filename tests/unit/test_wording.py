"""What is wrong with a request is said in our own sentences, whatever the library says."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any, get_args

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import BaseModel, ValidationError
from pydantic_core import InitErrorDetails
from pydantic_core.core_schema import ErrorType

from quickpoll.foundation.http.wording import NOT_AS_EXPECTED, faults, field_errors, sentences
from quickpoll.management.bodies import PollUpdate
from quickpoll.polls.bodies import NewPoll
from quickpoll.results.bodies import ExportQuery, PollQuery, TimelineQuery
from quickpoll.votes.bodies import BallotChoice

# Whatever the library's messages have to be filled in with.
context: dict[str, Any] = {
    **dict.fromkeys(("gt", "ge", "lt", "le", "multiple_of", "min_length", "max_length"), 3),
    **dict.fromkeys(("max_digits", "decimal_places", "whole_digits", "uuid_version"), 3),
    **dict.fromkeys(("tz_expected", "tz_actual", "actual_length", "expected_version"), 3),
    **dict.fromkeys(("error", "encoding", "encoding_error", "pattern", "method_name"), "zebra"),
    **dict.fromkeys(("attribute", "class_name", "class", "field_type", "tag"), "zebra"),
    **dict.fromkeys(("discriminator", "expected_tags", "expected_schemes"), "zebra"),
    "expected": "'this', 'that' or 'zebra crossing'",
}
kinds = get_args(ErrorType)


def raised(kind: str, **filled: Any) -> ValidationError:
    """The error that the library raises of this kind."""
    if kind in ("value_error", "assertion_error"):
        filled = {"error": ValueError("zebra")}
    details = InitErrorDetails(type=kind, loc=("x",), input=1, ctx={**context, **filled})
    return ValidationError.from_exception_data("x", [details])


@pytest.mark.parametrize("kind", kinds)
def test_every_kind_of_error_is_a_sentence_of_ours(kind: str) -> None:
    error = raised(kind)
    ((_, said),) = sentences(error)

    assert re.fullmatch(r"[A-Z].*\.", said)
    theirs = error.errors()[0]["msg"]
    assert said not in theirs
    assert "zebra" not in said or kind in ("enum", "literal_error")
    for word in ("Input", "valid ", "String", "should", "Value error", "validation", "pars"):
        assert word not in said, said


def test_numbers_and_nouns_go_together() -> None:
    said = [sentences(raised("too_short", min_length=number))[0][1] for number in (1, 2)]
    assert said == ["Give at least 1 entry.", "Give at least 2 entries."]


def test_a_fault_of_ours_is_said_as_it_stands_in_its_very_place() -> None:
    error = faults([((3, "text"), "So {it} is, 100 %."), ((), "All of it.")])
    assert field_errors(error) == [
        {"field": "3.text", "message": "So {it} is, 100 %."},
        {"field": "body", "message": "All of it."},
    ]


bodies: tuple[type[BaseModel], ...] = (NewPoll, PollUpdate, BallotChoice)
queries: tuple[type[BaseModel], ...] = (PollQuery, TimelineQuery, ExportQuery)

texts = st.text(max_size=4) | st.sampled_from(
    [
        "2099-13-01T00:00:00Z",
        "2099-01-01T00:00:00",
        "a\x07",
        "\ud800",
        "\u202e",
        "x" * 501,
        "0" * 24,
    ]
)
scalars = st.none() | st.booleans() | st.floats() | st.integers() | texts
anything = st.recursive(
    scalars | st.integers(10**20, 10**400),
    lambda inner: st.lists(inner, max_size=52) | st.dictionaries(texts, inner, max_size=3),
    max_leaves=60,
)


def _names(model: type[BaseModel]) -> Iterator[str]:
    for name, field in model.model_fields.items():
        yield field.alias or name


@pytest.mark.parametrize("model", bodies, ids=lambda one: one.__name__)
@settings(max_examples=300)
@given(data=st.data())
def test_whatever_is_sent_each_sentence_is_one_for_its_fault(
    model: type[BaseModel], data: st.DataObject
) -> None:
    """The stand-in for unknown kinds is never needed: every kind that can occur has its words."""
    option = st.fixed_dictionaries({}, optional={"text": anything, "id": anything, "x": anything})
    fields = dict.fromkeys(_names(model), anything) | {"unknown": anything}
    if "options" in fields:
        fields["options"] = anything | st.lists(option | anything, max_size=4)
    sent = data.draw(anything | st.fixed_dictionaries({}, optional=fields))
    try:
        model.model_validate(sent)
    except ValidationError as error:
        _are_ours(error)


@pytest.mark.parametrize("model", queries, ids=lambda one: one.__name__)
@given(data=st.data())
def test_whatever_is_asked_for_each_sentence_is_one_for_its_fault(
    model: type[BaseModel], data: st.DataObject
) -> None:
    texts_or_numbers = texts | st.integers().map(str) | st.floats().map(str)
    fields = dict.fromkeys(_names(model), texts_or_numbers)
    sent = data.draw(st.fixed_dictionaries({}, optional=fields))
    try:
        model.model_validate(sent)
    except ValidationError as error:
        _are_ours(error)


def _are_ours(error: ValidationError) -> None:
    for place, said in sentences(error):
        assert re.fullmatch(r"[A-Z].*\.", said)
        assert said != NOT_AS_EXPECTED, (place, error.errors())
