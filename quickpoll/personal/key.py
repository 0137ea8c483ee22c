"""The key of everything that has to know a person again without naming them.

A random one, made once and kept in MongoDB beside what it is for: the secret of the tokens need not
exist (``JWT_JWKS_URL``), changes, and would have to be the same on a restored backup.
"""

from __future__ import annotations

import hmac
from hashlib import sha256
from secrets import token_bytes

from bson import ObjectId
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from odmantic import AIOEngine
from pymongo.errors import DuplicateKeyError

from quickpoll.personal.models import PersonalKey

NAME = "people"
KEY_BYTES = 32
NONCE_BYTES = 12
"""Of AES-GCM (NIST SP 800-38D, section 8.2)."""

HASH_BYTES = 16


class People:
    """Knows people again by keyed hashes (HMAC-SHA-256), and seals their ids for a while."""

    def __init__(self, engine: AIOEngine) -> None:
        self._keys = engine.get_collection(PersonalKey)
        self._secret: bytes | None = None

    async def ready(self) -> None:
        """Read the key, or make it. Raises a MongoDB error."""
        while self._secret is None:
            found = await self._keys.find_one({"_id": NAME})
            if found is not None:
                self._secret = bytes(found["secret"])
                return
            try:
                await self._keys.insert_one({"_id": NAME, "secret": token_bytes(KEY_BYTES)})
            except DuplicateKeyError:
                continue  # another instance was first: the key is the one that is stored

    def hash_of(self, purpose: str, *said: str) -> bytes:
        """A hash that nobody can make without the key; for each purpose another."""
        return self._mac(purpose, *said)[:HASH_BYTES]

    def seal(self, user_id: str, about: str) -> bytes:
        """The id, encrypted (AES-256-GCM); ``about`` is what it belongs to."""
        nonce = token_bytes(NONCE_BYTES)
        return nonce + self._cipher().encrypt(nonce, ObjectId(user_id).binary, about.encode())

    def opened(self, sealed: bytes, about: str) -> str | None:
        """The id that was sealed; ``None`` where that was done with a key that is lost."""
        nonce, rest = sealed[:NONCE_BYTES], sealed[NONCE_BYTES:]
        try:
            return str(ObjectId(self._cipher().decrypt(nonce, rest, about.encode())))
        except InvalidTag:
            return None

    def _cipher(self) -> AESGCM:
        return AESGCM(self._mac("seal"))

    def _mac(self, *said: str) -> bytes:
        assert self._secret is not None  # noqa: S101 - whoever asks has made it ready
        return hmac.digest(self._secret, "\n".join(said).encode(), sha256)
