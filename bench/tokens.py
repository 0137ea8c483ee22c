"""Signed tokens, each of another user, as many as a run needs."""

from __future__ import annotations

import base64
import hmac
import itertools
import json
import secrets
import time
from pathlib import Path

lifetime = 24 * 3600
"""Seconds until a token expires."""


class TokenBook:
    """Makes tokens under one secret; no user twice."""

    def __init__(self) -> None:
        self.secret = secrets.token_hex(32)
        self._numbers = itertools.count(1)
        self._expiry = int(time.time()) + lifetime
        self._head = _encoded(json.dumps({"alg": "HS256", "typ": "JWT"}).encode())
        self._series = secrets.token_hex(4)

    def one(self) -> str:
        """A token of a user that had none before."""
        user = f"{self._series}{next(self._numbers):016x}"
        claims = b'{"sub":"%b","exp":%d}' % (user.encode(), self._expiry)
        signed = self._head + b"." + _encoded(claims)
        digest = hmac.digest(self.secret.encode(), signed, "sha256")
        return (signed + b"." + _encoded(digest)).decode()

    def write(self, file: Path, number: int) -> Path:
        """Write so many fresh tokens, one a line."""
        file.write_text("".join(f"{self.one()}\n" for _ in range(number)))
        return file


def _encoded(data: bytes) -> bytes:
    return base64.urlsafe_b64encode(data).rstrip(b"=")
