"""What fields of requests go through: each takes a value and hands it on, or refuses it with a
sentence for a person."""

from __future__ import annotations

import re
from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Annotated, Any

from pydantic import (
    BeforeValidator,
    ValidationError,
    ValidatorFunctionWrapHandler,
    WithJsonSchema,
)

from quickpoll.foundation.http.wording import A_TIME, fault, faults, sentences
from quickpoll.polls.ids import ID_SENTENCE, is_id
from quickpoll.polls.texts import is_blank, look_alikes, trimmed, turned_around, unfit

NO_CONTROL_CHARACTERS = r"^[^\x00-\x1f\x7f-\x9f]*$"
_TURNING = r"\u202a-\u202e\u2066-\u2069"
_UNSEEN = (
    r"\u00ad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180f\u200b-\u200f\u2060-\u206f\u2800\u3164"
    r"\ufe00-\ufe0f\ufeff\uffa0\ufff0-\ufffb"
)
_ALLOWED = rf"[^\x00-\x1f\x7f-\x9f{_TURNING}]"
LEGIBLE_PATTERN = rf"^{_ALLOWED}*[^\x00-\x20\x7f-\xa0{_TURNING}{_UNSEEN}]{_ALLOWED}*$"
"""For the documentation: no control characters, nothing that turns text around, and something to
read. Of what is invisible only what every engine of regular expressions can name."""

_MOMENT = re.compile(
    r"\d{4}-\d\d-\d\d[Tt ]\d\d:\d\d:\d\d(\.\d{1,9})?([Zz]|[+-]\d\d:\d\d)", re.ASCII
)

MOST_OPTIONS = 50
MOST_PAIRS = 5
"""Keys that the context of a poll may have."""

MOST_OF_A_CONTEXT_TEXT = 64
_CONTEXT_KEY = re.compile("[a-z][a-z0-9_]{0,31}", re.ASCII)
_MOST_OF_A_NAME = 100
"""Characters of a key that an error names."""


def trim(value: object) -> object:
    """A text without white space at its ends; anything else as it is."""
    return trimmed(value) if isinstance(value, str) else value


def printable(value: str) -> str:
    """Refuses control characters and lone surrogates."""
    if wrong := unfit(value):
        raise fault(wrong)
    return value


def legible(value: str) -> str:
    """Refuses, beside what is not :func:`printable`, what turns text around, and texts of which
    nothing can be seen."""
    if wrong := unfit(value) or turned_around(value):
        raise fault(wrong)
    if is_blank(value):
        raise fault("This must not be empty.")
    return value


def rfc_3339(value: object) -> object:
    """Refuses what is not a time with an offset (RFC 3339, section 5.6)."""
    if isinstance(value, datetime) or (isinstance(value, str) and _MOMENT.fullmatch(value)):
        return value
    raise fault(A_TIME)


def lower_id(value: str) -> str:
    """An id in lower case; refuses what is none."""
    if not is_id(value):
        raise fault(ID_SENTENCE)
    return value.lower()


def whole(value: object) -> object:
    """1.0 is an integer (JSON Schema, validation, section 6.1.1)."""
    return int(value) if isinstance(value, float) and value.is_integer() else value


def to_the_millisecond(moment: datetime) -> datetime:
    """A moment in UTC, the rest of its last millisecond cut off."""
    try:
        utc = moment.astimezone(UTC)
    except OverflowError:
        raise fault("Give a time within the years 1 to 9999 in UTC.") from None
    return utc.replace(microsecond=utc.microsecond // 1000 * 1000)


def told_apart(value: Any, read: ValidatorFunctionWrapHandler) -> Any:
    """Refuses options that look alike, each in its own place, beside what else is wrong with
    them."""
    alike = look_alikes(_texts(value))
    told = [
        ((place, "text"), f"This looks the same as option {earlier + 1}.")
        for place, earlier in alike.items()
    ]
    try:
        options = read(value)
    except ValidationError as error:
        raise faults([*sentences(error), *told]) from None
    if told:
        raise faults(told)
    return options


def _texts(options: object) -> Iterable[str | None]:
    if not isinstance(options, list) or len(options) > MOST_OPTIONS:
        return
    for one in options:
        text = one.get("text") if isinstance(one, dict) else None
        yield trimmed(text) if isinstance(text, str) else None


def context_pairs(value: Any) -> Any:
    """Refuses what is no context, each wrong pair in its own place."""
    if not isinstance(value, dict):
        raise fault("Give a JSON object.")
    if len(value) > MOST_PAIRS:
        raise fault(f"Give at most {MOST_PAIRS} entries.")
    wrong = [
        ((key,) if _can_be_named(key) else (), sentence)
        for key, text in value.items()
        if (sentence := _wrong_key(key) or _wrong_text(text))
    ]
    if wrong:
        raise faults(wrong)
    return value


def _can_be_named(key: str) -> bool:
    return 0 < len(key) <= _MOST_OF_A_NAME and unfit(key) is None


def _wrong_key(key: str) -> str | None:
    if _CONTEXT_KEY.fullmatch(key):
        return None
    return "Begin with one of a to z, go on with those, digits and _; use at most 32 characters."


def _wrong_text(text: object) -> str | None:
    if not isinstance(text, str):
        return "Give a text."
    if len(text) > MOST_OF_A_CONTEXT_TEXT:
        return f"Use at most {MOST_OF_A_CONTEXT_TEXT} characters."
    if wrong := unfit(text) or turned_around(text):
        return wrong
    return "This must not be empty." if is_blank(text) else None


Context = Annotated[
    dict[str, str],
    BeforeValidator(context_pairs),
    WithJsonSchema(
        {
            "type": "object",
            "maxProperties": MOST_PAIRS,
            "additionalProperties": {
                "type": "string",
                "minLength": 1,
                "maxLength": MOST_OF_A_CONTEXT_TEXT,
                "pattern": LEGIBLE_PATTERN,
            },
        }
    ),
]
"""An embedder's own references: texts by key, kept as they were written."""
