"""Writes grow where the store is quick, and shrink where it is slow."""

from __future__ import annotations

import pytest

from quickpoll.transparency.pace import Pace


class Writes:
    """Writes that take as long as they are told."""

    def __init__(self) -> None:
        self.now = 0.0
        self.pace = Pace(8, lambda: self.now)

    def one(self, seconds: float) -> int:
        """Make one; answers how many parts the next may have."""
        with self.pace.measured():
            self.now += seconds
        return self.pace.parts


def test_the_first_is_small_and_quick_ones_grow_up_to_a_bound() -> None:
    writes = Writes()
    assert writes.pace.parts == 1
    assert [writes.one(0.01) for _ in range(5)] == [2, 4, 8, 8, 8]


def test_slow_ones_shrink_and_others_stay_as_they_are() -> None:
    writes = Writes()
    grown = [writes.one(0.01) for _ in range(3)][-1]
    assert [grown, writes.one(0.2), writes.one(0.5), writes.one(0.5)] == [8, 8, 4, 2]
    assert [writes.one(0.5) for _ in range(3)] == [1, 1, 1]


def test_after_a_failure_the_next_is_the_smallest() -> None:
    writes = Writes()
    writes.one(0.01)
    with pytest.raises(TimeoutError), writes.pace.measured():
        raise TimeoutError
    assert writes.pace.parts == 1
