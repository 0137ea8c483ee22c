"""Opening and closing everything, in one place and one order."""

from __future__ import annotations

import asyncio
import os
import signal
from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack, asynccontextmanager, contextmanager, suppress
from typing import Protocol

import structlog

from quickpoll.composition import Services

log = structlog.get_logger(__name__)

LONGEST_STOP_SECONDS = 9.5
"""A stop that takes longer is ended by force: ten seconds are promised."""

ONE_BREATH_SECONDS = 0.3
"""Within which a second SIGTERM is the same one, come by another way."""


class Part(Protocol):
    """Something that runs while the service does."""

    def start(self) -> None:
        """Begin; nothing is waited for."""

    async def aclose(self) -> None:
        """End, and wait until it has ended."""


@asynccontextmanager
async def serving(services: Services) -> AsyncIterator[None]:
    """Start every part; end them in the reverse order, the writers of votes first."""
    async with _opened(services, all_parts(services)):
        services.events.on_event(services.former.heard)
        services.events.on_event(services.relay.receive)
        services.events.on_gap(services.relay.missed)
        services.sessions.events.on_event(services.session_relay.receive)
        services.events.on_gap(services.session_relay.missed)
        services.outbox.listen(services.events)
        await services.schema.tried()
        with _stopping_gracefully(services):
            log.info("started", instance=services.instance)
            yield
            await services.live.aclose()
    log.info("stopped", instance=services.instance)


@asynccontextmanager
async def connected(services: Services) -> AsyncIterator[None]:
    """Start what an operator's command needs: reading, writing, counting, but no loop of its own.

    Raises a MongoDB error when it does not answer.
    """
    async with _opened(services, _working_parts(services)):
        await services.schema.create()
        yield


@asynccontextmanager
async def _opened(services: Services, parts: list[Part]) -> AsyncIterator[None]:
    async with AsyncExitStack() as stack:
        stack.callback(services.mongo.close)
        stack.push_async_callback(services.redis.aclose)
        services.redis.on_return(services.forget_polls)
        for part in parts:
            part.start()
            stack.push_async_callback(part.aclose)
        await services.redis.start()
        yield


def _working_parts(services: Services) -> list[Part]:
    return [
        services.uncounted,
        services.counters,
        services.path,
        services.rebuilder,
        services.tallies,
        services.marks,
        services.listing,
        services.liking.batcher,
        services.casting.batcher,
    ]


def all_parts(services: Services) -> list[Part]:
    """Every part that runs while the service does, in the order in which they start."""
    return [
        *([services.issuer] if services.issuer is not None else []),
        services.limit_sharing,
        services.loop_lag,
        services.overload,
        services.traces,
        services.schema,
        services.store_watch,
        *_working_parts(services),
        services.personal.departures,
        # They lean on the working parts, so they end before those.
        services.former,
        services.events,
        services.relay.coalescer,
        services.screens,
        services.session_relay,
        services.attendance,
        services.sharing.codes,
        services.idle_reaper,
        services.reconciler,
        services.log_room.rounds,
        services.deletion,
        services.deadlines,
        services.outbox,
        services.people.retention,
        services.people.erasures,
    ]


@contextmanager
def _stopping_gracefully(services: Services) -> Iterator[None]:
    """On SIGTERM let the Socket.IO clients go, which would hold up the server, and stop.

    The server's own reaction is left to the server: it treats SIGINT the same, and SIGINT is
    what it gets. Somebody who asks again ends the process at once; what asks twice in one breath
    (``make``, and a signal to its group) does not.
    """
    loop = asyncio.get_running_loop()
    farewells: set[asyncio.Task[None]] = set()

    def stop() -> None:
        log.info("stopping", instance=services.instance)
        loop.add_signal_handler(signal.SIGTERM, _do_nothing)
        loop.call_later(ONE_BREATH_SECONDS, loop.remove_signal_handler, signal.SIGTERM)
        loop.call_later(LONGEST_STOP_SECONDS, _end_by_force)
        signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGINT})  # whoever may have blocked it
        signal.raise_signal(signal.SIGINT)
        farewells.add(asyncio.create_task(services.live.aclose()))

    # Only the main thread hears signals; elsewhere (tests) whoever runs the loop stops it.
    with suppress(ValueError, RuntimeError, NotImplementedError):
        loop.add_signal_handler(signal.SIGTERM, stop)
    yield


def _do_nothing() -> None:
    """It is stopping already."""


def _end_by_force() -> None:
    log.error("stop_took_too_long", seconds=LONGEST_STOP_SECONDS)
    os._exit(1)
