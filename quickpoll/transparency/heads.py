"""The heads that were signed, remembered outside of MongoDB.

MongoDB may be restored from a backup that is older than what was signed since; nothing in it could
tell. So each head goes to Redis before it is published, and a log whose poll has a longer one there
is not signed any more: what was published before stays, and somebody is told. Redis may vanish:
then the heads that are published next are remembered anew.
"""

from __future__ import annotations

from contextlib import suppress

from quickpoll.counting.keys import Keys
from quickpoll.foundation.stores.redis import RedisAway, RedisLink
from quickpoll.transparency.state import Published
from quickpoll.verification.notes import to_base64


class Forgotten(Exception):
    """More was signed of this log than MongoDB knows: it was restored from an older backup."""


class SignedHeads:
    """Remembers the last head of each log in Redis."""

    def __init__(self, link: RedisLink, keys: Keys) -> None:
        self._link = link
        self._keys = keys

    async def remember(
        self, poll_id: str, known: Published | None, next: tuple[int, bytes]
    ) -> None:
        """Remember the head that is about to be signed; ``known`` is the last one in MongoDB.

        Raises :class:`Forgotten` where another one was signed since.
        """
        key, text = self._keys.log_head(poll_id), _text(*next)
        with suppress(RedisAway):
            last = await self._link.call("GET", key)
            if last is not None and last != text and not _is_known(last, known):
                raise Forgotten
            await self._link.call("SET", key, text)

    async def forget(self, poll_id: str) -> None:
        """A log that was deleted."""
        with suppress(RedisAway):
            await self._link.call("DEL", self._keys.log_head(poll_id))


def _text(size: int, root: bytes) -> str:
    return f"{size} {to_base64(root)}"


def _is_known(last: str, known: Published | None) -> bool:
    """Whether MongoDB has what Redis was told of, or more."""
    size = last.partition(" ")[0]
    if not size.isdigit():
        return True
    if known is None:
        return False
    return int(size) < known.size or last == _text(known.size, known.root)
