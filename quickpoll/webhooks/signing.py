"""Signatures of messages: Standard Webhooks 1.0 (https://www.standardwebhooks.com), scheme v1."""

from __future__ import annotations

import hmac
from base64 import b64decode, b64encode
from hashlib import sha256
from secrets import token_bytes

SECRET_PREFIX = "whsec_"  # noqa: S105 - how every secret begins
SECRET_BYTES = 32


def new_secret() -> str:
    """A secret for one webhook."""
    return SECRET_PREFIX + b64encode(token_bytes(SECRET_BYTES)).decode()


def signed_headers(secret: str, message_id: str, seconds: int, body: bytes) -> dict[str, str]:
    """The three headers of an attempt at that moment (seconds since 1970).

    Signed is ``id.timestamp.body``, with HMAC-SHA256 under the secret's bytes.
    """
    key = b64decode(secret.removeprefix(SECRET_PREFIX))
    said = b"%b.%d.%b" % (message_id.encode(), seconds, body)
    signature = b64encode(hmac.digest(key, said, sha256)).decode()
    return {
        "webhook-id": message_id,
        "webhook-timestamp": str(seconds),
        "webhook-signature": f"v1,{signature}",
    }
