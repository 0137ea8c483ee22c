"""Rate limits of one instance: exact by the clock, bounded, and what is told to the others."""

from __future__ import annotations

import pytest

from quickpoll.auth.limits import REMEMBERED, RateLimit, network_of
from quickpoll.errors import RateLimited


class Clock:
    now = 1000.0

    def __call__(self) -> float:
        return self.now


def taken(limit: RateLimit, key: str, tries: int) -> int:
    """How many of so many requests are let through."""
    through = 0
    for _ in range(tries):
        try:
            limit.take(key)
        except RateLimited:
            continue
        through += 1
    return through


def test_so_many_at_once_and_no_more() -> None:
    limit = RateLimit(600, clock=Clock())

    assert taken(limit, "a", 1000) == 600
    assert taken(limit, "b", 1000) == 600


def test_over_a_long_time_the_rate_holds() -> None:
    clock = Clock()
    limit = RateLimit(600, clock=clock)
    through = 0
    for _ in range(1000):
        through += taken(limit, "a", 2)
        clock.now += 0.01

    assert through == 600 + 600 - 1


def test_after_the_time_to_wait_the_next_one_passes() -> None:
    clock = Clock()
    limit = RateLimit(5, clock=clock)
    taken(limit, "a", 5)

    with pytest.raises(RateLimited) as refused:
        limit.take("a")
    assert refused.value.headers == {"Retry-After": "2"}

    clock.now += 2
    limit.take("a")


def test_refusals_cost_nothing() -> None:
    clock = Clock()
    limit = RateLimit(10, clock=clock)
    taken(limit, "a", 1000)

    clock.now += 10

    assert taken(limit, "a", 1000) == 10


def test_the_memory_is_bounded() -> None:
    limit = RateLimit(1, clock=Clock())
    limit.take("first")
    for number in range(REMEMBERED):
        limit.take(str(number))

    limit.take("first")  # forgotten, so it starts anew


def test_only_busy_keys_are_told_and_each_request_once() -> None:
    limit = RateLimit(100, clock=Clock())
    taken(limit, "quiet", 10)
    taken(limit, "busy", 30)

    assert limit.tell() == {"busy": pytest.approx(3.0)}
    assert limit.tell() == {}
    taken(limit, "busy", 5)
    assert limit.tell() == {"busy": pytest.approx(0.5)}


def test_what_has_drained_is_told_to_nobody() -> None:
    clock = Clock()
    limit = RateLimit(100, clock=clock)
    for _ in range(50):  # five a second, half of what is allowed
        taken(limit, "steady", 1)
        clock.now += 0.2
    taken(limit, "steady", 20)

    assert limit.tell() == {"steady": pytest.approx(2.0)}


def test_what_others_let_through_counts_here_too() -> None:
    limit = RateLimit(100, clock=Clock())
    taken(limit, "a", 20)
    limit.tell()
    taken(limit, "a", 5)

    limit.hear({"a": 8.0, "never seen here": 8.0})

    assert taken(limit, "a", 100) == 15
    limit.hear({"a": 0.0})  # Redis was emptied: what is known here still holds
    assert taken(limit, "a", 100) == 0


@pytest.mark.parametrize(
    ("address", "network"),
    [
        ("192.0.2.1", "192.0.2.1"),
        ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"),
        ("2001:db8:1:2::ffff", "2001:db8:1:2::/64"),
        ("fe80::1%eth0", "fe80::/64"),
        ("::ffff:192.0.2.1", "192.0.2.1"),
        ("<local>", "<local>"),
        ("", ""),
    ],
)
def test_whose_limit_an_address_counts_for(address: str, network: str) -> None:
    assert network_of(address) == network
