"""Whether this instance can serve."""

from __future__ import annotations

import asyncio
from time import monotonic

from quickpoll.auth.issuer import Issuer
from quickpoll.counting.events import PollEvents
from quickpoll.errors import Unavailable
from quickpoll.foundation.concurrency.overload import Overload
from quickpoll.foundation.stores.failures import of_mongo
from quickpoll.foundation.stores.mongo import Client, deadline
from quickpoll.foundation.stores.mongo_trouble import MongoTrouble
from quickpoll.foundation.stores.redis import RedisLink
from quickpoll.operations.schema import Schema
from quickpoll.operations.store_watch import StoreWatch

PING_SECONDS = 1.0
FRESH_SECONDS = 0.2
"""How old an answer of MongoDB may be that others were waiting for, too."""


class Health:
    """Looks at the stores, and at what else there is to say about this instance."""

    def __init__(
        self,
        client: Client,
        link: RedisLink,
        events: PollEvents,
        schema: Schema,
        watch: StoreWatch,
        trouble: MongoTrouble,
        overload: Overload,
        issuer: Issuer | None = None,
    ) -> None:
        self._client = client
        self._issuer = issuer
        self._link = link
        self._events = events
        self._schema = schema
        self._watch = watch
        self._trouble = trouble
        self._overload = overload
        self._turn = asyncio.Lock()
        self._asked_at = float("-inf")
        self._problem: str | None = None

    async def check(self) -> None:
        """Whether MongoDB answers within a second and the indexes are there that are needed.

        However many ask at the same time, MongoDB is asked once: readiness is open to all.
        Raises :class:`~quickpoll.errors.Unavailable`, which says what is missing.
        """
        async with self._turn:
            if monotonic() - self._asked_at > FRESH_SECONDS:
                self._problem = await self._ask_mongo()
                self._asked_at = monotonic()
        if self._problem is not None:
            raise Unavailable(self._problem)
        if not self._schema.ready:
            known = self._trouble.failure
            refused = known.detail if known is not None and known.lasts else None
            raise Unavailable(self._schema.problem or refused or "The indexes are being made.")

    async def _ask_mongo(self) -> str | None:
        try:
            with deadline(PING_SECONDS):
                async with asyncio.timeout(PING_SECONDS + 0.5):
                    await self._client.admin.command("ping")
        except Exception as error:
            known = self._trouble.failure or of_mongo(error)
            return known.detail if known.lasts else "MongoDB does not answer."
        return None

    def degraded(self) -> dict[str, str]:
        """What is missing that the service can do without, and what is known of the reason."""
        known = self._issuer is None or self._issuer.known
        slow = ", ".join(self._schema.unfinished)
        missing = {
            "redis": not self._link.available or self._events.deaf,
            "issuer": not known,
            "clock": self._watch.clocks_differ,
            "indexes": bool(slow),
            "load": self._overload.shedding,
        }
        reasons = {"redis": self._redis_refuses(), "indexes": slow and f"Being made: {slow}."}
        return {name: reasons.get(name, "") for name, one in missing.items() if one}

    def _redis_refuses(self) -> str:
        failure = self._link.failure
        return failure.detail if failure is not None and failure.lasts else ""
