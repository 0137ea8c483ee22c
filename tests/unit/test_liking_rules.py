"""Several acts in a row amount to one."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from quickpoll.likes.rules import Act, outcomes, together

acts = st.lists(st.sampled_from([Act.SET, Act.UNSET, Act.TOGGLE]), min_size=1, max_size=6)


@given(acts, st.booleans())
def test_the_one_act_ends_where_the_many_do(row: list[Act], liked: bool) -> None:
    assert together(row).on(liked) == outcomes(row, liked)[-1]


def test_each_caller_hears_of_the_own_act() -> None:
    row = [Act.TOGGLE, Act.TOGGLE, Act.SET, Act.UNSET, Act.KEEP]
    assert outcomes(row, liked=True) == [False, True, True, False, False]
