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

_OWN = "quickpoll"

NOT_AS_EXPECTED = "This is not what is expected here."
A_TIME = "Give a date and time with an offset, such as 2030-01-31T12:00:00Z."
A_WHOLE_NUMBER = "Give a whole number."


def fault(sentence: str) -> PydanticCustomError:
    """What a validator raises: this sentence reaches the caller as it stands."""
    return PydanticCustomError(_OWN, sentence)


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
    if kind == _OWN:
        return message
    said = _SENTENCES.get(kind, NOT_AS_EXPECTED)
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
    return f"Choose one of these: {', '.join(values)}." if values else NOT_AS_EXPECTED


_AN_OBJECT = "Give a JSON object."
_A_LIST = "Give a list."
_A_TEXT = "Give a text."
_A_NUMBER = "Give a number."
_TRUE_OR_FALSE = "Give true or false."

_SENTENCES: dict[str, str | Callable[[dict[str, Any]], str]] = {
    "missing": "This field is missing.",
    "extra_forbidden": "This request has no such field.",
    "invalid_key": "The name of a field is a text.",
    "recursion_loop": "This is nested too deeply.",
    "recursion_depth_exceeded": "This is nested too deeply.",
    "model_type": _AN_OBJECT,
    "model_attributes_type": _AN_OBJECT,
    "dict_type": _AN_OBJECT,
    "mapping_type": _AN_OBJECT,
    "none_required": "Give null, or leave this field out.",
    "list_type": _A_LIST,
    "too_short": _counted("min_length", "Give at least {}.", "entry", "entries"),
    "too_long": _counted("max_length", "Give at most {}.", "entry", "entries"),
    "string_type": _A_TEXT,
    "string_unicode": "Half of a character stands in this text; its other half is missing.",
    "string_too_short": _too_short,
    "string_too_long": _counted("max_length", "Use at most {}.", "character", "characters"),
    "string_pattern_mismatch": "This text does not have the form that is expected here.",
    "literal_error": _one_of,
    "enum": _one_of,
    "bool_type": _TRUE_OR_FALSE,
    "bool_parsing": _TRUE_OR_FALSE,
    "int_type": A_WHOLE_NUMBER,
    "int_parsing": A_WHOLE_NUMBER,
    "int_parsing_size": A_WHOLE_NUMBER,
    "int_from_float": A_WHOLE_NUMBER,
    "float_type": _A_NUMBER,
    "float_parsing": _A_NUMBER,
    "finite_number": _A_NUMBER,
    "greater_than": _limited("gt", "Give a number above {}."),
    "greater_than_equal": _limited("ge", "Give {} or more."),
    "less_than": _limited("lt", "Give a number below {}."),
    "less_than_equal": _limited("le", "Give {} or less."),
    "datetime_type": A_TIME,
    "datetime_parsing": A_TIME,
    "datetime_object_invalid": A_TIME,
    "datetime_from_date_parsing": A_TIME,
    "timezone_naive": A_TIME,
    "timezone_aware": A_TIME,
    "timezone_offset": A_TIME,
}
