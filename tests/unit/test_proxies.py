"""What the proxies in front are believed, and what not."""

from __future__ import annotations

from ipaddress import ip_address
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from quickpoll.foundation.http.proxies import trust_proxies

peer = ("10.0.0.1", 4711)


def scope_with(*headers: tuple[str, str], kind: str = "http") -> dict[str, Any]:
    told = [(name.lower().encode(), value.encode()) for name, value in headers]
    scheme = "http" if kind == "http" else "ws"
    return {"type": kind, "client": peer, "scheme": scheme, "headers": [(b"host", b"in"), *told]}


@pytest.mark.parametrize(
    ("hops", "lines", "client"),
    [
        (1, ["192.0.2.1"], "192.0.2.1"),
        (1, ["6.6.6.6, 192.0.2.1"], "192.0.2.1"),
        (1, ["6.6.6.6", "192.0.2.1"], "192.0.2.1"),
        (2, ["6.6.6.6, 192.0.2.1, 10.0.0.2"], "192.0.2.1"),
        (2, ["192.0.2.1"], peer[0]),
        (1, [], peer[0]),
        (1, ["192.0.2.1:80"], "192.0.2.1"),
        (1, ["2001:DB8::1"], "2001:db8::1"),
        (1, ["[2001:db8::1]:80"], "2001:db8::1"),
        (1, ["::ffff:192.0.2.1"], "192.0.2.1"),
        (1, ["unknown"], peer[0]),
        (1, ["192.0.2.1,"], peer[0]),
        (1, ["<script>"], peer[0]),
    ],
)
def test_the_client_is_counted_from_the_right(hops: int, lines: list[str], client: str) -> None:
    scope = scope_with(*(("X-Forwarded-For", line) for line in lines))

    trust_proxies(scope, hops)

    assert scope["client"][0] == client


@pytest.mark.parametrize(
    ("kind", "said", "scheme"),
    [
        ("http", "https", "https"),
        ("http", "HTTPS", "https"),
        ("websocket", "https", "wss"),
        ("websocket", "http", "ws"),
        ("http", "ftp", "http"),
        ("http", "javascript", "http"),
    ],
)
def test_the_scheme_is_one_of_two(kind: str, said: str, scheme: str) -> None:
    scope = scope_with(("X-Forwarded-Proto", said), kind=kind)

    trust_proxies(scope, 1)

    assert scope["scheme"] == scheme


def test_a_host_replaces_ours_where_it_is_one() -> None:
    good = scope_with(("X-Forwarded-Host", "polls.example:8443"))
    bad = scope_with(("X-Forwarded-Host", "polls.example/<script>"))

    trust_proxies(good, 1)
    trust_proxies(bad, 1)

    assert [v for n, v in good["headers"] if n == b"host"] == [b"polls.example:8443"]
    assert [v for n, v in bad["headers"] if n == b"host"] == [b"in"]


def test_a_proxy_that_replaces_counts_for_those_before_it() -> None:
    scope = scope_with(("X-Forwarded-Proto", "https"))

    trust_proxies(scope, 2)

    assert scope["scheme"] == "https"


names = st.sampled_from([b"x-forwarded-for", b"x-forwarded-proto", b"x-forwarded-host", b"host"])


@given(st.lists(st.tuples(names, st.binary(max_size=60)), max_size=5), st.integers(1, 4))
def test_whatever_the_headers_hold_makes_an_address_a_scheme_and_a_host(
    headers: list[tuple[bytes, bytes]], hops: int
) -> None:
    scope: dict[str, Any] = {"type": "http", "client": peer, "scheme": "http", "headers": headers}

    trust_proxies(scope, hops)

    ip_address(scope["client"][0])
    assert scope["scheme"] in ("http", "https")
    told = [value for name, value in scope["headers"] if name == b"host"]
    assert all(value.isascii() for value in set(told) - {v for _, v in headers})
