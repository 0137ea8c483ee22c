"""Cursors: where a page of a list ended, in an opaque text that only that list takes back."""

from __future__ import annotations

import struct
from base64 import urlsafe_b64decode, urlsafe_b64encode
from datetime import UTC, datetime, timedelta
from hashlib import blake2b

from bson import ObjectId

from quickpoll.errors import invalid

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_LAYOUT = struct.Struct(">qq12s")
_CHECK_BYTES = 6

LAST_ID = ObjectId("f" * 24)
"""Before it, at the same place, is every poll: the cursor of a page that ends between two."""


def write_cursor(list_name: str, likes: int, created_at: datetime, poll_id: ObjectId) -> str:
    """The cursor behind a poll in the list of that name."""
    milliseconds = (created_at - _EPOCH) // timedelta(milliseconds=1)
    place = _LAYOUT.pack(likes, milliseconds, poll_id.binary)
    return _text(_check(list_name, place) + place)


def read_cursor(list_name: str, cursor: str) -> tuple[int, datetime, ObjectId]:
    """Likes, creation and id of the poll that the cursor stands behind.

    Raises :class:`~quickpoll.errors.InvalidRequest` for a cursor of another list, or none at all.
    """
    try:
        raw = urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4))
        place = raw[_CHECK_BYTES:]
        # The comparison of the texts refuses what decodes the same but was written otherwise.
        if _text(raw) != cursor or raw[:_CHECK_BYTES] != _check(list_name, place):
            raise ValueError(cursor)
        likes, milliseconds, poll_id = _LAYOUT.unpack(place)
        return likes, _EPOCH + timedelta(milliseconds=milliseconds), ObjectId(poll_id)
    except (ValueError, OverflowError, struct.error):
        raise invalid("cursor", "This is not a cursor that this list has given.") from None


def _check(list_name: str, place: bytes) -> bytes:
    """Not a secret: it tells a mistake, and somebody who forges a cursor sees nothing new."""
    return blake2b(place, digest_size=_CHECK_BYTES, key=list_name.encode()).digest()


def _text(raw: bytes) -> str:
    return urlsafe_b64encode(raw).decode().rstrip("=")
