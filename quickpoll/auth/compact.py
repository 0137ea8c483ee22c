"""Tokens in their compact form (RFC 7515, section 7.1), read strictly.

Python's base64 passes over what is no base64, and its JSON takes UTF-16 and UTF-32; so one token
could be written in many ways, and others might read it differently. Here there is one way:
base64url without padding and without bits to spare (RFC 4648, section 3.5), around JSON in UTF-8.
"""

from __future__ import annotations

import json
from base64 import urlsafe_b64decode, urlsafe_b64encode
from typing import Any


def decoded(part: str) -> bytes:
    """The bytes of one part of a token. Raises ``ValueError``."""
    found = urlsafe_b64decode(part + "=" * (-len(part) % 4))
    if urlsafe_b64encode(found).rstrip(b"=") != part.encode():
        raise ValueError("it is not written as base64url writes it")
    return found


def parts_of(token: str) -> tuple[dict[str, Any], dict[str, Any]]:
    """The header and the claims of a token; nothing is said of its signature.

    Raises ``ValueError``, or ``RecursionError``, where the token is not in that one form.
    """
    header, claims, signature = token.split(".")
    decoded(signature)
    return _object(header), _object(claims)


def _object(part: str) -> dict[str, Any]:
    value = json.loads(decoded(part).decode("utf-8"))
    if not isinstance(value, dict):
        raise ValueError("it is no JSON object")
    return value
