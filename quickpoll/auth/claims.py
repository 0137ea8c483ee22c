"""What the claims of a good token say of its holder: an id, and roles."""

from __future__ import annotations

import re
from hashlib import sha256
from typing import Any

_OBJECT_ID = re.compile("[0-9a-fA-F]{24}")

LONGEST_FOREIGN_ID = 255
"""Characters of an id that is mapped (OpenID Connect Core, section 2, bounds ``sub`` the same)."""


def user_id_of(value: object, issuer: object, *, any_text: bool = False) -> str:
    """The id that a claim names, as 24 hexadecimal digits in lower case.

    With ``any_text`` another text of 1 to 255 characters becomes the first 12 bytes of
    SHA-256(issuer, 0x00, text), so that the same text of two issuers is two users. A whole number
    counts as its digits.

    Raises ``ValueError`` for what names nobody.
    """
    text = str(value) if any_text and type(value) is int else value
    if not isinstance(text, str):
        raise ValueError("it is no text")
    if _OBJECT_ID.fullmatch(text):
        return text.lower()
    if not any_text or not 1 <= len(text) <= LONGEST_FOREIGN_ID:
        raise ValueError("it is no id")
    if not isinstance(issuer, str):
        raise ValueError("the issuer is no text")
    return sha256(f"{issuer}\0{text}".encode()).digest()[:12].hex()


def roles_of(claims: dict[str, Any], path: str) -> tuple[str, ...]:
    """The roles in the claim that ``path`` names: none, unless it is a list of texts."""
    found = _claim(claims, path)
    return tuple(one for one in found if isinstance(one, str)) if isinstance(found, list) else ()


def _claim(claims: dict[str, Any], path: str) -> object:
    """The claim of that very name (as ``https://id.example/roles``), or what its dots lead to."""
    if path in claims:
        return claims[path]
    for dot in re.finditer(r"\.", path):
        inner = claims.get(path[: dot.start()])
        if isinstance(inner, dict) and (found := _claim(inner, path[dot.end() :])) is not None:
            return found
    return None


def nested(path: str, value: object) -> dict[str, Any]:
    """Claims in which ``path`` leads to ``value``, for tokens that are made here."""
    for name in reversed(path.split(".")):
        value = {name: value}
    assert isinstance(value, dict)  # noqa: S101 - a path has one name at least
    return value
