"""The origin at which others reach what somebody looks at.

As a rule it is the one that was asked. Only where the service was asked by its loopback address,
which leads a phone nowhere, and the operator has said where it is reached, that one is told.
"""

from __future__ import annotations

from ipaddress import ip_address
from urllib.parse import urlsplit


class PublicOrigin:
    """``elsewhere`` is the origin that is told in place of a loopback address."""

    def __init__(self, elsewhere: str | None = None) -> None:
        self.elsewhere = elsewhere.rstrip("/") if elsewhere else None

    def instead_of(self, asked_at: str) -> str:
        """The origin to be handed on, where it is another one than was asked; else empty: behind a
        proxy only the browser knows which one it was."""
        return self.elsewhere if self.elsewhere and is_loopback(asked_at) else ""

    def of(self, asked_at: str) -> str:
        """The origin to be handed on by who asked at that one."""
        return self.elsewhere if self.elsewhere and is_loopback(asked_at) else asked_at


def is_loopback(origin: str) -> bool:
    """Whether nobody but this machine gets there."""
    try:
        host = urlsplit(origin).hostname or ""
    except ValueError:
        return False
    if host == "localhost" or host.endswith(".localhost"):
        return True
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return False
