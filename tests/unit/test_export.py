"""Percentages of the voters, and cells that no spreadsheet takes for a formula."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from quickpoll.results.export import defused, percentages

ballots = st.lists(st.integers(0, 10_000), min_size=2, max_size=50)


@given(ballots)
def test_with_one_choice_they_are_a_hundred_in_all(votes: list[int]) -> None:
    shares = percentages(votes, sum(votes), one_choice=True)

    assert round(sum(shares), 6) == (100.0 if sum(votes) else 0.0)
    for count, share in zip(votes, shares, strict=True):
        assert round(share, 1) == share
        if sum(votes):
            assert abs(share - 100 * count / sum(votes)) < 0.1


@given(ballots)
def test_more_votes_are_never_a_smaller_share(votes: list[int]) -> None:
    shares = percentages(sorted(votes, reverse=True), sum(votes), one_choice=True)
    assert shares == sorted(shares, reverse=True)


def test_the_largest_remainder_gets_what_is_left_and_the_first_among_equals() -> None:
    assert percentages([1, 1, 1], 3, one_choice=True) == [33.4, 33.3, 33.3]
    assert percentages([2, 1], 3, one_choice=True) == [66.7, 33.3]
    assert percentages([1, 2, 2, 2], 7, one_choice=True) == [14.3, 28.6, 28.6, 28.5]


def test_with_several_choices_each_is_of_the_voters() -> None:
    assert percentages([3, 2, 0], 3, one_choice=False) == [100.0, 66.7, 0.0]


@given(st.text(max_size=5))
def test_no_cell_begins_like_a_formula(text: str) -> None:
    cell = defused(text)
    assert not cell.startswith(("=", "+", "-", "@", "\t", "\r", "\n"))
    assert cell.removeprefix("'").endswith(text.removeprefix("'"))
