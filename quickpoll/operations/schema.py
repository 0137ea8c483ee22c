"""The indexes, made and changed by the service itself.

Without the unique ones one user could vote twice, so nothing is served before they stand. All
others make queries fast and nothing else: where they are new, or have changed their keys, they are
made while requests are served, and readiness says ``degraded: ["indexes"]`` meanwhile. Every
instance does this at its start. Making what another one has just made, and dropping what another
one has dropped, is no error.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Awaitable, Callable, Iterable
from time import monotonic

import structlog
from odmantic import AIOEngine
from odmantic.model import Model
from pymongo.errors import OperationFailure

from quickpoll.foundation.concurrency.cancellation import cancel
from quickpoll.foundation.observability.once import Once
from quickpoll.foundation.stores.mongo import deadline, is_outage
from quickpoll.foundation.stores.mongo_indexes import (
    Plan,
    Spec,
    in_the_way,
    plan,
    spec_of,
    wanted_of,
)
from quickpoll.foundation.stores.mongo_trouble import MongoTrouble

log = structlog.get_logger(__name__)

RETRY_SECONDS = 0.5
SLOW_RETRY_SECONDS = 10.0
"""Until the next try to make an index that only speeds things up: it may be a long one."""

FIRST_TRY_SECONDS = 3.0
"""How long the first try may hold up the start: an absent MongoDB takes two of them."""

BUILD_SECONDS = 24 * 3600.0
"""How long one index may take. MongoDB is told, too, and would give up a build that takes longer,
again and again: so it is longer than any."""

AT_ONCE_SECONDS = 2.0
"""An index that is made within this time is there before anything is served."""

TOLD_SECONDS = 1.0
"""An index that was made in less time, under its own name, is one of an empty database."""

NO_COLLECTION, NO_INDEX = 26, 27
"""MongoDB's ``NamespaceNotFound`` and ``IndexNotFound``."""

IN_CONFLICT = (85, 86)
"""MongoDB's ``IndexOptionsConflict`` and ``IndexKeySpecsConflict``."""


class Schema:
    """The indexes of all collections.

    ``ready``: those that keep promises are there. ``unfinished``: names of those that only speed
    things up and are not there yet. ``problem``: what keeps a promise from being kept, for the
    operator, with the command that mends it.
    """

    def __init__(
        self,
        engine: AIOEngine,
        models: tuple[type[Model], ...],
        trouble: MongoTrouble | None = None,
    ) -> None:
        self._engine = engine
        self._wanted = {model.__collection__: wanted_of(model) for model in models}
        self._trouble = trouble or MongoTrouble()
        self._once = Once()
        self._loop: asyncio.Task[None] | None = None
        self._tried = asyncio.Event()
        self.ready = False
        self.unfinished: tuple[str, ...] = ()
        self.problem: str | None = None

    async def create(self) -> None:
        """Make and change what has to be, and wait for it.

        Raises :class:`pymongo.errors.PyMongoError` where one cannot be made.
        """
        await self._make_needed()
        await self._make_the_rest()
        self.ready = True

    def start(self) -> None:
        """Make them as soon as MongoDB is there."""
        self._loop = asyncio.create_task(self._make_sometime(), name="schema")

    async def tried(self, seconds: float = FIRST_TRY_SECONDS) -> None:
        """Wait for the first try to end, well or not.

        An instance that accepts connections before it could answer fails requests that another
        one would have served.
        """
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await self._tried.wait()

    async def aclose(self) -> None:
        """Give up making them."""
        if self._loop is not None:
            await cancel(self._loop)

    async def _make_sometime(self) -> None:
        while not await self._succeeds(self._make_needed):
            self._tried.set()
            await asyncio.sleep(RETRY_SECONDS)
        rest = asyncio.create_task(self._succeeds(self._make_the_rest), name="schema-rest")
        try:
            await asyncio.wait([rest], timeout=AT_ONCE_SECONDS)
            self.ready = True
            self._tried.set()
            while not await rest:
                await asyncio.sleep(SLOW_RETRY_SECONDS)
                rest = asyncio.create_task(self._succeeds(self._make_the_rest), name="schema-rest")
        finally:
            await cancel(rest)

    async def _succeeds(self, step: Callable[[], Awaitable[None]]) -> bool:
        try:
            await step()
        except Exception as error:
            self._tell(error)
            return False
        return True

    async def _make_needed(self) -> None:
        await self._engine.database.command("ping")  # within the usual time limit
        for collection, wanted in self._wanted.items():
            steps = plan(wanted, await self._there(collection))
            await self._make(collection, (one for one in steps.make if one.unique), steps.drop)
        self.problem = None
        self._trouble.over()

    async def _make_the_rest(self) -> None:
        """Also drops what is no longer wanted: of each collection when all of its own stand."""
        plans = {name: plan(one, await self._there(name)) for name, one in self._wanted.items()}
        self.unfinished = tuple(one.name for steps in plans.values() for one in steps.make)
        failed: OperationFailure | None = None
        for collection, steps in plans.items():
            try:
                await self._make(collection, steps.make, steps.drop)
                await self._drop(collection, steps.drop)
            except OperationFailure as error:  # what goes wrong with one keeps no other from it
                failed = error
            self._mention(collection, steps)
        if failed is not None:
            raise failed
        self.unfinished = ()

    async def _there(self, collection: str) -> list[Spec]:
        try:
            found = await self._engine.database[collection].list_indexes().to_list(None)
        except OperationFailure as error:
            if error.code != NO_COLLECTION:
                raise
            found = []
        return [spec_of(one) for one in found]

    async def _make(self, collection: str, new: Iterable[Spec], old: Iterable[Spec]) -> None:
        for spec in new:
            began = monotonic()
            try:
                await self._make_one(collection, spec, old)
            except OperationFailure as error:
                if not is_outage(error):
                    self._blame(collection, spec, error)
                raise
            seconds = round(monotonic() - began, 1)
            say = log.info if spec.name != spec.family or seconds >= TOLD_SECONDS else log.debug
            say("index_made", collection=collection, index=spec.name, seconds=seconds)

    async def _make_one(self, collection: str, spec: Spec, old: Iterable[Spec]) -> None:
        indexes = self._engine.database[collection]
        with deadline(BUILD_SECONDS):
            try:
                await indexes.create_index(list(spec.keys), name=spec.name, **spec.options)
            except OperationFailure as error:
                hindering = in_the_way(spec, old) if error.code in IN_CONFLICT else ()
                if not hindering:
                    raise
                await self._drop(collection, hindering)
                await indexes.create_index(list(spec.keys), name=spec.name, **spec.options)

    async def _drop(self, collection: str, old: Iterable[Spec]) -> None:
        for spec in old:
            try:
                await self._engine.database[collection].drop_index(spec.name)
            except OperationFailure as error:
                if error.code not in (NO_COLLECTION, NO_INDEX):
                    raise
            else:
                log.info("index_dropped", collection=collection, index=spec.name)

    def _mention(self, collection: str, steps: Plan) -> None:
        for spec in steps.left:
            command = f'db.{collection}.dropIndex("{spec.name}")'
            detail = "it is unique and no longer asked for; nobody but you can say that it may go"
            said = {"collection": collection, "index": spec.name, "command": command}
            log.warning("index_left", detail=detail, **said)

    def _blame(self, collection: str, spec: Spec, error: OperationFailure) -> None:
        command = spec.command(collection)
        reason = _reason(error)
        if spec.unique:
            where = f"The index {spec.name} of {collection}"
            self.problem = f"{where} cannot be made: {reason}. Then run: {command}"
        if self._once.say((collection, spec.name)) is not None:
            said = {"collection": collection, "index": spec.name, "command": command}
            log.error("index_not_made", reason=reason, **said)

    def _tell(self, error: Exception) -> None:
        if is_outage(error):
            self._trouble.met(error)
        elif not isinstance(error, OperationFailure):
            log.error("indexes_not_made", exc_info=error)


def _reason(error: OperationFailure) -> str:
    """What the operator is told; never the documents that MongoDB's own words quote."""
    if error.code == 11000:
        return "documents are alike that must not be; find them and keep one of each"
    if error.code in IN_CONFLICT:
        return "one with the same keys or name is there; drop that one"
    return f"MongoDB answers {(error.details or {}).get('codeName', error.code)}"
