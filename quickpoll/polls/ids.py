"""Ids in addresses and messages."""

from __future__ import annotations

import re

from quickpoll.errors import invalid

ID_SENTENCE = "An id has 24 hexadecimal digits."

_OBJECT_ID = re.compile("[0-9a-fA-F]{24}", re.ASCII)


def is_id(value: object) -> bool:
    """Whether this is an id: 24 hexadecimal digits in either case."""
    return isinstance(value, str) and _OBJECT_ID.fullmatch(value) is not None


def checked_id(name: str, value: str) -> str:
    """The id in lower case. Raises :class:`~quickpoll.errors.InvalidRequest`."""
    if _OBJECT_ID.fullmatch(value) is None:
        raise invalid(name, ID_SENTENCE)
    return value.lower()
