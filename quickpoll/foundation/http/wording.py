"""What is wrong with a request, in sentences for a person.

No word of a library reaches a caller: a sentence is found by the kind of the error, and where
none is known for it, one that is always true stands in.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from typing import Any

from pydantic import ValidationError
from pydantic_core import InitErrorDetails, PydanticCustomError

Place = tuple[int | str, ...]
"""Where in a body: names of fields, and places in lists counted from 0."""

_own = "quickpoll"

not_as_expected = "This is not what is expected here."
a_time = "Give a date and time with an offset, such as 2030-01-31T12:00:00Z."
a_whole_number = "Give a whole number."


def fault(sentence: str) -> PydanticCustomError:
    """What a validator raises: this sentence reaches the caller as it stands."""
    return PydanticCustomError(_own, sentence)


def faults(found: Iterable[tuple[Place, str]]) -> ValidationError:
    """What a validator raises that finds faults in several places below its own."""
    details = [
        InitErrorDetails(type=fault(sentence), loc=place, input=None) for place, sentence in found
    ]
    return ValidationError.from_exception_data("request", details)


def sentences(error: ValidationError) -> list[tuple[Place, str]]:
    """Every place where something is wrong, and what."""
    found = error.errors(include_url=False, include_input=False)
    return [(one["loc"], _sentence(one["type"], one["msg"], one.get("ctx", {}))) for one in found]


def field_errors(error: ValidationError) -> list[dict[str, str]]:
    """The ``errors`` of a problem document: each field as a path with dots, and a sentence."""
    return [
        {"field": ".".join(map(str, place)) or "body", "message": sentence}
        for place, sentence in sentences(error)
    ]


def _sentence(kind: str, message: str, context: dict[str, Any]) -> str:
    if kind == _own:
        return message
    said = _sentences.get(kind, not_as_expected)
    return said if isinstance(said, str) else said(context)


def _counted(name: str, sentence: str, one: str, many: str) -> Callable[[dict[str, Any]], str]:
    """A sentence with the number that ``name`` is in the error's context, and a noun."""

    def say(context: dict[str, Any]) -> str:
        number = context[name]
        return sentence.format(f"{number} {one if number == 1 else many}")

    return say


def _limited(name: str, sentence: str) -> Callable[[dict[str, Any]], str]:
    return lambda context: sentence.format(context[name])


def _too_short(context: dict[str, Any]) -> str:
    if context["min_length"] == 1:
        return "This must not be empty."
    return f"Use at least {context['min_length']} characters."


def _one_of(context: dict[str, Any]) -> str:
    """The values themselves, without the words between them."""
    values = re.findall(r"'([^']*)'", context["expected"])
    return f"Choose one of these: {', '.join(values)}." if values else not_as_expected


_an_object = "Give a JSON object."
_a_list = "Give a list."
_a_text = "Give a text."
_a_number = "Give a number."
_true_or_false = "Give true or false."

_sentences: dict[str, str | Callable[[dict[str, Any]], str]] = {
    "missing": "This field is missing.",
    "extra_forbidden": "This request has no such field.",
    "invalid_key": "The name of a field is a text.",
    "recursion_loop": "This is nested too deeply.",
    "recursion_depth_exceeded": "This is nested too deeply.",
    "model_type": _an_object,
    "model_attributes_type": _an_object,
    "dict_type": _an_object,
    "mapping_type": _an_object,
    "none_required": "Give null, or leave this field out.",
    "list_type": _a_list,
    "too_short": _counted("min_length", "Give at least {}.", "entry", "entries"),
    "too_long": _counted("max_length", "Give at most {}.", "entry", "entries"),
    "string_type": _a_text,
    "string_unicode": "Half of a character stands in this text; its other half is missing.",
    "string_too_short": _too_short,
    "string_too_long": _counted("max_length", "Use at most {}.", "character", "characters"),
    "string_pattern_mismatch": "This text does not have the form that is expected here.",
    "literal_error": _one_of,
    "enum": _one_of,
    "bool_type": _true_or_false,
    "bool_parsing": _true_or_false,
    "int_type": a_whole_number,
    "int_parsing": a_whole_number,
    "int_parsing_size": a_whole_number,
    "int_from_float": a_whole_number,
    "float_type": _a_number,
    "float_parsing": _a_number,
    "finite_number": _a_number,
    "greater_than": _limited("gt", "Give a number above {}."),
    "greater_than_equal": _limited("ge", "Give {} or more."),
    "less_than": _limited("lt", "Give a number below {}."),
    "less_than_equal": _limited("le", "Give {} or less."),
    "datetime_type": a_time,
    "datetime_parsing": a_time,
    "datetime_object_invalid": a_time,
    "datetime_from_date_parsing": a_time,
    "timezone_naive": a_time,
    "timezone_aware": a_time,
    "timezone_offset": a_time,
}
