"""Cursors: taken back by the list that gave them, and by no other."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from bson import ObjectId
from hypothesis import given
from hypothesis import strategies as st

from quickpoll.errors import InvalidRequest
from quickpoll.results.cursors import read_cursor, write_cursor

moments = st.datetimes(timezones=st.just(UTC)).map(
    lambda moment: moment.replace(microsecond=moment.microsecond // 1000 * 1000)
)
ids = st.binary(min_size=12, max_size=12).map(ObjectId)


@given(st.integers(0, 2**53), moments, ids)
def test_a_cursor_says_where_it_stands(likes: int, moment: datetime, poll_id: ObjectId) -> None:
    cursor = write_cursor("popular public", likes, moment, poll_id)
    assert read_cursor("popular public", cursor) == (likes, moment, poll_id)
    with pytest.raises(InvalidRequest):
        read_cursor("newest public", cursor)


@given(st.text(max_size=60))
def test_what_is_no_cursor_is_refused(text: str) -> None:
    with pytest.raises(InvalidRequest):
        read_cursor("newest public", text)
