"""Proofs of work in ALTCHA's form: a challenge that costs a browser a second, and its solution.

A challenge can be solved in either of the two ways that ALTCHA's widgets know, and whoever solves
it takes what they understand and leaves the rest:

- by hashing (widgets 1 and 2): the ``number`` up to ``maxnumber`` of which SHA-256(salt, number) is
  ``challenge``; this is what our own pages do;
- by deriving a key (widget 3): the counter whose key begins with ``parameters.keyPrefix``.

The library makes, signs and verifies both. Nothing of a challenge is stored; the name that both
solutions share is spent by whoever counts newcomers.
"""

from __future__ import annotations

import binascii
import json
import secrets
from base64 import b64decode, b64encode
from collections.abc import Callable
from datetime import UTC, datetime
from time import time
from typing import Any

from altcha import v1, v2

from quickpoll.guests.secrets import GuestSecrets

GOOD_SECONDS = 600
"""How long a challenge may take, and how long its name is kept once it was solved."""

MOST_TRIES = 100_000
"""Half of them on average: a tenth of a second on a laptop, a second on a phone."""

_UNREADABLE = (ValueError, TypeError, KeyError, AttributeError, RecursionError, binascii.Error)


class ProofOfWork:
    """Makes challenges and reads their solutions. ``clock`` answers the seconds since 1970."""

    def __init__(self, keys: GuestSecrets, clock: Callable[[], float] = time) -> None:
        self._hashing = keys.proof_key("hashing")
        self._deriving = keys.proof_key("deriving")
        self._clock = clock

    def challenge(self) -> dict[str, Any]:
        """A new challenge, as JSON has it."""
        name, until = secrets.token_hex(12), int(self._clock()) + GOOD_SECONDS
        by_hash = v1.create_challenge(
            v1.ChallengeOptions(
                max_number=MOST_TRIES,
                hmac_key=self._hashing,
                salt=name,
                expires=datetime.fromtimestamp(until, UTC),
            )
        )
        by_key = v2.create_challenge(
            "SHA-256",
            1,
            counter=secrets.randbelow(MOST_TRIES + 1),
            expires_at=until,
            data={"name": name},
            hmac_secret=self._deriving,
        ).to_dict()
        # Both have a field of that name; the second one travels in what it does not sign.
        by_key["parameters"]["data"]["signature"] = by_key["signature"]
        return {
            "algorithm": by_hash.algorithm,
            "challenge": by_hash.challenge,
            "maxnumber": by_hash.max_number,
            "salt": by_hash.salt,
            "signature": by_hash.signature,
            "parameters": by_key["parameters"],
        }

    def solved(self, payload: str) -> str | None:
        """The name of the challenge that a widget's payload solves; ``None`` where it is none of
        ours, is not solved, or is too old."""
        try:
            given = json.loads(b64decode(payload, validate=True))
            if "solution" in given:
                return self._by_key(given["challenge"]["parameters"], given["solution"])
            return self._by_hash(given)
        except _UNREADABLE:
            return None

    def _by_hash(self, given: dict[str, Any]) -> str | None:
        name, _, query = given["salt"].partition("?")
        until = int(dict(part.split("=", 1) for part in query.split("&") if part)["expires"])
        if self._clock() >= until:
            return None
        whole = b64encode(json.dumps(given).encode()).decode()
        good, _ = v1.verify_solution(whole, self._hashing, check_expires=False)
        return str(name) if good else None

    def _by_key(self, parameters: dict[str, Any], solution: dict[str, Any]) -> str | None:
        if self._clock() >= parameters["expiresAt"]:
            return None
        data = {**parameters["data"]}
        signature = data.pop("signature")
        signed = {"parameters": {**parameters, "data": data}, "signature": signature}
        whole = json.dumps({"challenge": signed, "solution": solution}).encode()
        result = v2.verify_solution(b64encode(whole).decode(), self._deriving)
        return str(data["name"]) if result.verified else None
