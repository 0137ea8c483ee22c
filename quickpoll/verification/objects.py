"""Reading JSON that nobody vouches for: every field is there, and has its form."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from typing import Any

from quickpoll.verification.entries import IS_HASH, IS_ID


class BadObject(ValueError):
    """Not the object that its format says; the message names the field."""


Form = Callable[[Any], bool]

MOST_STEPS = 48
"""From a leaf to the root of the largest tree whose size can be written."""


def read_object(content: str | bytes) -> dict[str, Any]:
    """A JSON object in UTF-8. Raises :class:`BadObject`."""
    try:
        found = json.loads(content)
    except (ValueError, RecursionError):
        raise BadObject("it is not JSON") from None
    if not isinstance(found, dict):
        raise BadObject("it is no JSON object")
    return found


def held_to(forms: Mapping[str, Form], found: Mapping[str, Any]) -> None:
    """Raises :class:`BadObject` for the first field that is missing or has another form."""
    for name, form in forms.items():
        if name not in found or not form(found[name]):
            raise BadObject(f"{name} is missing or malformed")


def inner(found: Mapping[str, Any], name: str) -> dict[str, Any]:
    """The object inside an object, or that itself where it has none. Raises ``BadObject``."""
    within = found.get(name, found)
    if not isinstance(within, dict):
        raise BadObject(f"{name} is malformed")
    return within


def hex_hash(value: Any) -> bool:
    """A hash, nonce, pepper or salt."""
    return isinstance(value, str) and IS_HASH(value) is not None


def hex_id(value: Any) -> bool:
    """The id of a poll, an option or a user."""
    return isinstance(value, str) and IS_ID(value) is not None


def choice(value: Any) -> bool:
    """The options of one ballot: ids, none twice."""
    return isinstance(value, list) and all(map(hex_id, value)) and len({*value}) == len(value) > 0


def text(value: Any) -> bool:
    """Any text."""
    return isinstance(value, str)


def path(value: Any) -> bool:
    """A path in a tree: its hashes, of any tree that there can be."""
    return isinstance(value, list) and all(map(text, value)) and len(value) <= MOST_STEPS


def whole(value: Any) -> bool:
    """A number such as an index or a size."""
    return isinstance(value, int) and not isinstance(value, bool) and 0 <= value < 10**15
