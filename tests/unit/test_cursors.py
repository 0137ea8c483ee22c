"""Cursors: what was written is read again, and anything else is refused, however well forged."""

from __future__ import annotations

import struct
from base64 import urlsafe_b64encode
from datetime import UTC, datetime, timedelta
from hashlib import blake2b

import pytest
from bson import ObjectId
from hypothesis import example, given
from hypothesis import strategies as st

from quickpoll.errors import InvalidRequest
from quickpoll.results.cursors import read_cursor, write_cursor

lists = st.sampled_from(["newest", "popular", "newest:open:x"])
ids = st.binary(min_size=12, max_size=12).map(ObjectId)
moments = st.datetimes(datetime(1, 1, 1), datetime(9999, 12, 31), timezones=st.just(UTC)).map(
    lambda moment: moment.replace(microsecond=moment.microsecond // 1000 * 1000)
)
numbers = st.integers(-(2**63), 2**63 - 1)


@given(lists, numbers, moments, ids)
def test_what_was_written_is_read_again(
    name: str, likes: int, created_at: datetime, poll_id: ObjectId
) -> None:
    cursor = write_cursor(name, likes, created_at, poll_id)

    assert read_cursor(name, cursor) == (likes, created_at, poll_id)
    with pytest.raises(InvalidRequest):
        read_cursor(f"{name}, another", cursor)


@given(lists, st.text(max_size=80) | st.text("AZaz09-_=", max_size=80))
@example("newest", "é" * 46)
@example("newest", "A" * 46)
def test_any_text_is_refused(name: str, cursor: str) -> None:
    with pytest.raises(InvalidRequest):
        read_cursor(name, cursor)


def forged(name: str, likes: int, milliseconds: int, poll_id: bytes) -> str:
    """As whoever has read our source can make it."""
    place = struct.pack(">qq12s", likes, milliseconds, poll_id)
    check = blake2b(place, digest_size=6, key=name.encode()).digest()
    return urlsafe_b64encode(check + place).decode().rstrip("=")


@given(lists, numbers, numbers, st.binary(min_size=12, max_size=12))
@example("newest", 0, 2**63 - 1, b"0" * 12)
@example("newest", 0, -(2**63), b"0" * 12)
def test_a_forged_one_is_a_place_in_the_list_or_refused(
    name: str, likes: int, milliseconds: int, poll_id: bytes
) -> None:
    try:
        place = read_cursor(name, forged(name, likes, milliseconds, poll_id))
    except InvalidRequest:
        return
    moment = datetime(1970, 1, 1, tzinfo=UTC) + timedelta(milliseconds=milliseconds)
    assert place == (likes, moment, ObjectId(poll_id))
