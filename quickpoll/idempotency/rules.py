"""Keys, and which bodies are the same: pure, no I/O."""

from __future__ import annotations

import json
import re
from hashlib import sha256
from typing import Any

from quickpoll.errors import invalid

HEADER = "Idempotency-Key"

_KEY = re.compile("[\x21-\x7e]{1,64}")


def checked_key(value: str) -> str:
    """The key as it was sent. Raises :class:`~quickpoll.errors.InvalidRequest`."""
    if _KEY.fullmatch(value) is None:
        raise invalid(HEADER, "Give 1 to 64 visible ASCII characters, without blanks.")
    return value


def digest_of(value: Any) -> str:
    """The same for equal JSON values, whatever the order of their members and the spelling of
    their numbers and texts."""
    return sha256(json.dumps(_plain(value), sort_keys=True).encode()).hexdigest()


def _plain(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: _plain(one) for name, one in value.items()}
    if isinstance(value, list):
        return [_plain(one) for one in value]
    if isinstance(value, float) and value.is_integer():
        return int(value)
    return value
