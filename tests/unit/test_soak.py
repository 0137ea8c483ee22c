"""What the soak calls flat."""

from __future__ import annotations

import pytest

from bench.soak import Minute, trends_of


def minutes(p50: list[float], mongo: list[float]) -> list[Minute]:
    """Minutes with these figures; all others stay as they are."""
    return [
        Minute({"vote_p50": one, "vote_p99": 30.0}, {"service": 20.0, "mongo": cpu}, {})
        for one, cpu in zip(p50, mongo, strict=True)
    ]


def grown(measured: list[Minute]) -> set[str]:
    return {trend.name for trend in trends_of(measured) if not trend.flat}


def test_what_stays_is_flat_however_one_minute_was() -> None:
    steady = minutes([9, 10, 80, 9, 10, 9, 10, 11, 9], [5, 5, 6, 5, 40, 5, 5, 6, 5])
    assert grown(steady) == set()


@pytest.mark.parametrize(
    ("p50", "mongo", "named"),
    [
        ([9, 10, 10, 20, 60, 80, 110, 128, 200], [5] * 9, "p50 ms"),
        ([9] * 9, [2, 4, 6, 12, 18, 25, 32, 40, 48], "mongo %"),
    ],
)
def test_what_grows_with_what_is_stored(p50: list[float], mongo: list[float], named: str) -> None:
    assert grown(minutes(p50, mongo)) == {named}
