"""Whether this instance can serve."""

from __future__ import annotations

import asyncio
import contextlib
from time import monotonic

import structlog
from odmantic import AIOEngine
from odmantic.model import Model
from pymongo.errors import OperationFailure

from quickpoll.auth.issuer import Issuer
from quickpoll.counting.events import PollEvents
from quickpoll.foundation.ending import end
from quickpoll.foundation.mongo import Client, deadline, is_outage
from quickpoll.foundation.redis import RedisLink

log = structlog.get_logger(__name__)

retry_seconds = 0.5
first_try_seconds = 3.0
"""How long the first try may hold up the start: an absent MongoDB takes two of them."""

index_seconds = 60.0
"""How long the indexes may take: one that is new to a large database is built first."""

_index_differs = (85, 86)
"""MongoDB's ``IndexOptionsConflict`` and ``IndexKeySpecsConflict``."""

ping_seconds = 1.0
fresh_seconds = 0.2
"""How old an answer of MongoDB may be that others were waiting for, too."""


class Schema:
    """The indexes. Without them one user could vote twice, so nothing is served before."""

    def __init__(self, engine: AIOEngine, models: tuple[type[Model], ...]) -> None:
        self._engine = engine
        self._models = models
        self._loop: asyncio.Task[None] | None = None
        self._tried = asyncio.Event()
        self.ready = False

    async def create(self) -> None:
        """Create the indexes that are not there yet.

        Raises :class:`pymongo.errors.OperationFailure` where one is there with other keys.
        """
        await self._engine.database.command("ping")  # within the usual time limit
        with deadline(index_seconds):
            await self._engine.configure_database(self._models)
        self.ready = True

    def start(self) -> None:
        """Create them as soon as MongoDB is there."""
        self._loop = asyncio.create_task(self._create_sometime(), name="schema")

    async def tried(self, seconds: float = first_try_seconds) -> None:
        """Wait for the first try to end, well or not.

        An instance that accepts connections before it could answer fails requests that another
        one would have served.
        """
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await self._tried.wait()

    async def aclose(self) -> None:
        """Give up creating them."""
        if self._loop is not None:
            await end(self._loop)

    async def _create_sometime(self) -> None:
        told: type[Exception] | None = None
        while True:
            try:
                await self.create()
                return
            except Exception as error:
                if type(error) is not told:  # once, not with every try
                    _tell(error)
                told = type(error)
            finally:
                self._tried.set()
            await asyncio.sleep(retry_seconds)


def _tell(error: Exception) -> None:
    if is_outage(error):
        log.warning("mongodb_away", detail="requests get 503 until it answers")
    elif isinstance(error, OperationFailure) and error.code in _index_differs:
        detail = "an index is there with other keys; drop it, and it is made anew"
        log.error("index_differs", detail=detail, reason=str(error).partition(", full error")[0])
    else:
        log.error("indexes_not_created", exc_info=error)


class Health:
    """Looks at the stores."""

    def __init__(
        self,
        client: Client,
        link: RedisLink,
        events: PollEvents,
        schema: Schema,
        issuer: Issuer | None = None,
    ) -> None:
        self._client = client
        self._issuer = issuer
        self._link = link
        self._events = events
        self._schema = schema
        self._turn = asyncio.Lock()
        self._asked_at = float("-inf")
        self._answered = False

    async def mongo_answers(self) -> bool:
        """Whether MongoDB answers within a second and the indexes are there.

        However many ask at the same time, MongoDB is asked once: readiness is open to all.
        """
        async with self._turn:
            if monotonic() - self._asked_at > fresh_seconds:
                self._answered = await self._ask_mongo()
                self._asked_at = monotonic()
        return self._answered and self._schema.ready

    async def _ask_mongo(self) -> bool:
        answered = False
        with contextlib.suppress(Exception), deadline(ping_seconds):
            async with asyncio.timeout(ping_seconds + 0.5):
                await self._client.admin.command("ping")
                answered = True
        return answered

    def degraded(self) -> list[str]:
        """What is missing that the service can do without."""
        redis = self._link.available and not self._events.deaf
        keys = self._issuer is None or self._issuer.known
        return [*([] if redis else ["redis"]), *([] if keys else ["issuer"])]
