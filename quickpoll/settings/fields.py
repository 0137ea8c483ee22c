"""What the groups of settings are made of."""

from __future__ import annotations

import re
from typing import Annotated, Any
from urllib.parse import SplitResult, urlsplit

from pydantic import AfterValidator, BeforeValidator, Field, SecretStr
from pydantic_settings import NoDecode

_DEFAULT_PORTS = {"http": ":80", "https": ":443"}

_ORIGIN = re.compile(
    r"[a-z][a-z0-9+.-]*://(?:[a-z0-9_](?:[a-z0-9_.-]*[a-z0-9_])?|\[[0-9a-f:.]+\])(?::\d{1,5})?"
)


def setting(default: Any, description: str, *examples: str, **rules: Any) -> Any:
    """A setting with its default (``...`` where it is required), what it means, and values that
    would do; the first one stands in the documentation."""
    return Field(default, description=description, examples=list(examples), **rules)


def revealed(secret: SecretStr | None) -> str | None:
    """The text of a secret, where there is one."""
    return None if secret is None else secret.get_secret_value()


def _split(value: object) -> object:
    if not isinstance(value, str):
        return value
    return tuple(part.strip() for part in value.split(",") if part.strip())


def long_enough(secret: SecretStr | None) -> SecretStr | None:
    """Raises ``ValueError`` for a secret that is too short for HS256 (RFC 7518, section 3.2)."""
    if secret is not None and len(secret.get_secret_value().encode()) < 32:
        raise ValueError("it is shorter than 32 bytes")
    return secret


CommaSeparated = Annotated[tuple[str, ...], NoDecode, BeforeValidator(_split)]
"""A list in one variable."""


def web_address(value: str) -> str:
    """Raises ``ValueError`` for what is no address with a host, of http or https."""
    if _parsed(value).scheme not in ("http", "https") or not _parsed(value).hostname:
        raise ValueError("it is not a web address")
    return value


def _parsed(value: str) -> SplitResult:
    try:
        return urlsplit(value)
    except ValueError:
        raise ValueError("it is not a web address") from None


WebAddress = Annotated[str, AfterValidator(web_address)]


def origin(value: str) -> str:
    """An origin as browsers write it (RFC 6454, section 6.2): in lower case, without a port that
    goes without saying. Raises ``ValueError`` for anything else."""
    plain = value.lower()
    if plain == "null":
        raise ValueError("null is the origin of every page that has none, so nobody's")
    if not _ORIGIN.fullmatch(plain):
        raise ValueError(f"{value} is not an origin (scheme://host, a port at most, no path)")
    return plain.removesuffix(_DEFAULT_PORTS.get(plain.partition("://")[0], " "))
