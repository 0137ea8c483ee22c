"""Where others reach what somebody looks at."""

from __future__ import annotations

import pytest

from quickpoll.foundation.http.public_origin import PublicOrigin, is_loopback

phones = "http://192.0.2.7:8001"


@pytest.mark.parametrize(
    ("asked_at", "loopback"),
    [
        ("http://127.0.0.1:8001", True),
        ("http://127.1.2.3", True),
        ("http://localhost:8001/", True),
        ("http://me.localhost", True),
        ("http://[::1]:8001", True),
        ("http://192.0.2.9:8001", False),
        ("https://polls.example", False),
        ("http://localhost.example", False),
        ("http://[", False),
        ("", False),
    ],
)
def test_only_a_loopback_address_is_replaced(asked_at: str, loopback: bool) -> None:
    assert is_loopback(asked_at) is loopback
    assert PublicOrigin(f"{phones}/").of(asked_at) == (phones if loopback else asked_at)
    assert PublicOrigin(phones).instead_of(asked_at) == (phones if loopback else "")
    assert PublicOrigin().of(asked_at) == asked_at
    assert PublicOrigin().instead_of(asked_at) == ""
