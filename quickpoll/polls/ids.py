"""Ids in addresses and messages."""

from __future__ import annotations

import re

from quickpoll.errors import invalid

id_sentence = "An id has 24 hexadecimal digits."

_object_id = re.compile("[0-9a-fA-F]{24}", re.ASCII)


def is_id(value: object) -> bool:
    """Whether this is an id: 24 hexadecimal digits in either case."""
    return isinstance(value, str) and _object_id.fullmatch(value) is not None


def checked_id(name: str, value: str) -> str:
    """The id in lower case. Raises :class:`~quickpoll.errors.InvalidRequest`."""
    if _object_id.fullmatch(value) is None:
        raise invalid(name, id_sentence)
    return value.lower()
