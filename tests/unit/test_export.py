"""Percentages of the voters, and tables that no spreadsheet takes a formula from."""

from __future__ import annotations

import csv
import io
from decimal import ROUND_HALF_UP, Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from quickpoll.results.export import BYTE_ORDER_MARK, defused, percentages, table

ballots = st.lists(st.integers(0, 10**9), min_size=2, max_size=50)
formula_starts = tuple("=+-@\t\r\n\uff1d\uff0b\uff0d\uff20")


@given(ballots, st.integers(0, 10**9))
def test_each_share_is_rounded_half_up_once(votes: list[int], more: int) -> None:
    voters = max(votes) + more
    for count, share in zip(votes, percentages(votes, voters), strict=True):
        exact = Decimal(count * 100) / Decimal(voters) if voters else Decimal(0)
        assert Decimal(str(share)) == exact.quantize(Decimal("0.1"), ROUND_HALF_UP)


@given(ballots)
def test_equal_votes_are_equal_and_more_are_never_less(votes: list[int]) -> None:
    shares = percentages(votes, sum(votes))
    by_votes = sorted(zip(votes, shares, strict=True))
    assert [share for _, share in by_votes] == sorted(shares)
    assert len(set(by_votes)) == len(set(votes))


@pytest.mark.parametrize(
    ("votes", "voters", "shares"),
    [
        ([0, 0], 0, [0.0, 0.0]),
        ([1, 1, 1], 3, [33.3, 33.3, 33.3]),
        ([1, 2, 2, 2], 7, [14.3, 28.6, 28.6, 28.6]),
        ([11, 11, 9], 31, [35.5, 35.5, 29.0]),
        ([1, 1999], 2000, [0.1, 100.0]),  # 0.05 and 99.95
        ([3, 2, 0], 3, [100.0, 66.7, 0.0]),
    ],
)
def test_shares(votes: list[int], voters: int, shares: list[float]) -> None:
    assert percentages(votes, voters) == shares


# What a spreadsheet might run, where its separator is one of these.
attacks = [
    "=1+1",
    "x;=cmd|'/C calc'!A0;y",
    "x,=1+1,y",
    'x";=1+1;"y',
    'x;"=1+1',
    "x; =1+1",
    "x;;@SUM(A1)",
    "-2+3",
    "\u200b=1+1",
    "\uff1d1+1",
    ";=1",
    "a'; '=1",
]
texts = st.text(st.sampled_from("ab=+-@;,\"' \uff1d\u200b"), min_size=1, max_size=12)


def cells(text: str, separator: str) -> list[list[str]]:
    """The table as a spreadsheet with that separator reads it."""
    return list(
        csv.reader(io.StringIO(text.removeprefix(BYTE_ORDER_MARK), newline=""), delimiter=separator)
    )


def assert_harmless(text: str) -> None:
    rows = text.count("\r\n")
    for separator in ",;\t":
        read = cells(text, separator)
        assert len(read) == rows, (separator, read)
        for cell in (cell for row in read for cell in row):
            assert not cell.strip(" \u200b").startswith(formula_starts), (separator, cell)


@pytest.mark.parametrize("attack", attacks)
def test_no_attack_becomes_a_formula_in_any_cell(attack: str) -> None:
    assert_harmless(table(["a", "b"], [[attack, 1, "1.0"], [attack, attack, 2]]))


@given(st.lists(st.lists(texts, min_size=3, max_size=3), max_size=3))
def test_no_text_becomes_a_formula_in_any_cell(rows: list[list[str]]) -> None:
    assert_harmless(table(["a", "b", "c"], [list(row) for row in rows]))


@given(st.lists(st.tuples(st.text(st.characters(exclude_categories=["Cc", "Cs"])), st.integers(0))))
def test_it_is_read_back_as_it_was(rows: list[tuple[str, int]]) -> None:
    """A text that is no formula is what it was; one that is has an apostrophe in front."""
    written = table(["option", "votes"], [[text, votes] for text, votes in rows])
    read = cells(written, ",")
    assert read[0] == ["option", "votes"]
    for (text, votes), row in zip(rows, read[1:], strict=True):
        assert row == [defused(text), str(votes)]
        assert row[0] in (text, f"'{text}")


def test_it_is_as_rfc_4180_has_it() -> None:
    written = table(["option", "votes"], [["a", 1], ['b "c"', 2], ["d;e", 3], ["f g", 4]])
    assert written == (
        BYTE_ORDER_MARK + 'option,votes\r\na,1\r\n"b ""c""",2\r\n"d;e",3\r\nf g,4\r\n'
    )
