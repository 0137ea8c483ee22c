"""Guests for tests: settings that admit them, tokens good and bad, proofs of work."""

from __future__ import annotations

import json
import time
from base64 import b64encode
from hashlib import sha256
from secrets import token_hex
from typing import Any

import httpx
import jwt

from quickpoll.settings import Settings

guest_key = "the guests' key for tests only, 32 bytes or more"


def with_guests(settings: Settings, **more: Any) -> Settings:
    """The same settings with guests on."""
    return Settings.model_validate(
        {**settings.model_dump(), "api_guests": "on", "api_guest_key": guest_key, **more}
    )


def forged(key: str = guest_key, *, seconds: float = 86_400, **claims: Any) -> str:
    """A guest's token, with what makes another one of it."""
    known = {"iss": "quickpoll", "aud": "quickpoll", "sub": token_hex(12), "roles": ["guest"]}
    return jwt.encode({**known, "exp": time.time() + seconds, **claims}, key, "HS256")


def as_guest(token: str) -> dict[str, str]:
    """The header that goes with a guest's token."""
    return {"Authorization": f"Bearer {token}"}


async def join(client: httpx.AsyncClient, **body: Any) -> dict[str, Any]:
    """Come in as a new guest."""
    answer = await client.post("/guest", json=body)
    assert answer.status_code in (200, 201), answer.text
    guest: dict[str, Any] = answer.json()
    return guest


def solved(challenge: dict[str, Any]) -> str:
    """The payload of ALTCHA's widget for a challenge, found the simple way."""
    for number in range(challenge["maxnumber"] + 1):
        if sha256(f"{challenge['salt']}{number}".encode()).hexdigest() == challenge["challenge"]:
            break
    kept = {name: challenge[name] for name in ("algorithm", "challenge", "salt", "signature")}
    return b64encode(json.dumps({**kept, "number": number, "took": 1}).encode()).decode()
