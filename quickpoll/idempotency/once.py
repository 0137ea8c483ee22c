"""Doing once what is asked for several times under one key.

Invariants:

- A key is claimed before anything is created, together with the very document that is to be
  created and the very bytes of the answer. So whoever finds a claim can finish it: the document
  has its id, and is there once however many create it.
- What would be refused is refused before the claim: it keeps no key.
- A claim is marked as done when its document was created, and when that is deleted: afterwards it
  is answered and nothing is created, however long that takes to be asked for.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from bson import ObjectId
from pymongo.errors import PyMongoError

from quickpoll.errors import IdempotencyKeyReused
from quickpoll.foundation.stores.mongo import Document
from quickpoll.idempotency.models import Claim
from quickpoll.idempotency.rules import digest_of
from quickpoll.idempotency.store import ClaimStore

WAIT_SECONDS = 1.0
"""How long the same request waits for the first one to end, before it does itself what is left."""

STEP_SECONDS = 0.02
"""Between two looks whether it has."""


@dataclass(frozen=True, slots=True)
class Asked:
    """A request under a key: whose, for what, and the JSON value of its body."""

    user_id: str
    operation: str
    key: str
    value: Any


@dataclass(frozen=True, slots=True)
class Made:
    """What a request creates, with its ``_id``, and the body of its answer."""

    document: Document
    answer: bytes


@dataclass(frozen=True, slots=True)
class Outcome:
    """What came of a request. ``replayed``: it had come of the same one before."""

    made: Made
    replayed: bool


Make = Callable[[], Made]
Create = Callable[[Document, bool], Awaitable[bool]]
"""Creates a document unless it is there (it may be where ``True`` is given), and answers whether it
was not."""


class Once:
    """Carries out requests that have a key."""

    def __init__(self, claims: ClaimStore) -> None:
        self._claims = claims

    async def carry_out(self, asked: Asked, make: Make, create: Create) -> Outcome:
        """``make`` decides what is to be created, and refuses; ``create`` creates it.

        Raises :class:`~quickpoll.errors.IdempotencyKeyReused` where the key was sent with another
        body, and what ``make`` and ``create`` raise.
        """
        digest = digest_of(asked.value)
        new: Claim | None = None
        # First of all: what was made is answered, whatever would be said of the request by now.
        claim = await self._claims.find(asked.user_id, asked.operation, asked.key)
        if claim is None:
            new = _claim(asked, digest, make())
            claim = await self._claims.claim(new)
        if claim.digest != digest:
            raise IdempotencyKeyReused
        first = new is not None and claim.id == new.id
        created = not await self._is_done(claim, first) and await self._create(claim, first, create)
        return Outcome(Made(claim.made, claim.answer), replayed=not created)

    async def _is_done(self, claim: Claim, first: bool) -> bool:
        """Whether it was done before, or is by another request meanwhile."""
        if first or claim.done:
            return bool(claim.done)
        with suppress(TimeoutError):
            async with asyncio.timeout(WAIT_SECONDS):
                # Another instance is about it: there is nothing here that could tell.
                while not await self._claims.is_done(claim):  # noqa: ASYNC110
                    await asyncio.sleep(STEP_SECONDS)
                return True
        return False

    async def _create(self, claim: Claim, first: bool, create: Create) -> bool:
        created = await create(claim.made, not first)
        with suppress(PyMongoError):  # it is created; the same again finds it, and says so
            await self._claims.finish(claim.made_id)
        return created


def _claim(asked: Asked, digest: str, made: Made) -> Claim:
    return Claim(
        id=ObjectId(),
        user_id=ObjectId(asked.user_id),
        operation=asked.operation,
        key=asked.key,
        digest=digest,
        made_id=made.document["_id"],
        made=made.document,
        answer=made.answer,
        created_at=datetime.now(UTC),
    )
