"""Chance for many at once."""

from __future__ import annotations

from collections import Counter

from quickpoll.verification import dice


def test_everything_is_there_once_and_in_any_order() -> None:
    """Three things have six orders; in 600 tries each comes 100 times, give or take seven times
    its deviation."""
    seen = Counter[tuple[int, ...]]()
    for _ in range(600):
        things = [1, 2, 3]
        dice.shuffle(things)
        seen[tuple(things)] += 1
    assert len(seen) == 6
    assert all(36 < times < 164 for times in seen.values())


def test_some_of_many_are_different() -> None:
    chosen = [tuple(dice.some_of(64, 5)) for _ in range(50)]
    assert all(len({*one}) == 5 and {*one} <= {*range(64)} for one in chosen)
    assert len({*chosen}) == 50
    assert sorted(dice.some_of(64, 64)) == list(range(64))
