"""What is derived from the guests' key: a key of its own for each purpose."""

from __future__ import annotations

import hmac


class GuestSecrets:
    """Keys and ids that only the holder of the guests' key can make.

    The purposes are told apart by a label (HKDF's ``info``, RFC 5869, in its shortest form: the key
    has all the entropy that is needed), so that what is made for one is worth nothing for another.
    """

    def __init__(self, key: str) -> None:
        self._key = key.encode()

    def proof_key(self, label: str) -> str:
        """The key that signs challenges of one kind."""
        return self._made(f"proof:{label}").hex()

    def user_id(self, invite: str) -> str:
        """The id of the guest who enters by an invite: the same on every device, and nobody can
        tell the invite from it."""
        return self._made(f"invite:{invite}")[:12].hex()

    def mark(self, user_id: str) -> str:
        """What stands for a guest where they are counted: nobody can tell the guest from it."""
        return self._made(f"mark:{user_id}")[:12].hex()

    def _made(self, purpose: str) -> bytes:
        return hmac.digest(self._key, f"quickpoll:{purpose}".encode(), "sha256")
