"""The gate of a poll: while it is closed, writers wait and those under way have ended."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from secrets import token_hex

from quickpoll.foundation.ending import end
from quickpoll.foundation.redis import RedisAway
from quickpoll.tallies import scripts
from quickpoll.tallies.counters import Counters, write_milliseconds

lease_milliseconds = 2000
"""How long a gate stays closed after its owner has died."""

drain_step_seconds = 0.005

patience_steps = 60
"""Looks at the batches in flight before the gate opens again: one whose writer has died holds
nobody up for longer than this, it is waited for with the gate open."""


class StillWriting(Exception):
    """A batch is in flight for longer than writers can be kept waiting."""


class Gate:
    """Closes one poll's gate at a time; the others are not concerned."""

    def __init__(self, counters: Counters) -> None:
        self._link = counters.link
        self._keys = counters.keys

    @asynccontextmanager
    async def closed(self, poll_id: str) -> AsyncIterator[str]:
        """Hold writers off inside the ``with`` block; yields the token of this closure.

        Entered once no batch is in flight: each has ended, or its deadline has passed.
        Raises :class:`StillWriting` and :class:`~quickpoll.foundation.redis.RedisAway`.
        """
        token = token_hex(8)
        try:
            await self._drain(poll_id, token)
            keeper = asyncio.create_task(self._keep(poll_id, token), name=f"gate-{poll_id}")
            try:
                yield token
            finally:
                await end(keeper)
        finally:
            await self._leave(poll_id, token)

    @asynccontextmanager
    async def closed_if_possible(self, poll_id: str) -> AsyncIterator[None]:
        """The same where that can be had: without Redis every batch reads the poll from MongoDB,
        and a batch whose writer has died is nobody's vote under way."""
        async with AsyncExitStack() as stack:
            with suppress(RedisAway, StillWriting):
                await stack.enter_async_context(self.closed(poll_id))
            yield

    async def _drain(self, poll_id: str, token: str) -> None:
        for _ in range(patience_steps):
            if await self._close(poll_id, token) == 0:
                return
            await asyncio.sleep(drain_step_seconds)
        raise StillWriting

    async def _close(self, poll_id: str, token: str) -> int:
        names = [self._keys.gate(poll_id), self._keys.writes(poll_id), self._keys.state(poll_id)]
        lifetimes = lease_milliseconds, write_milliseconds
        return int(await self._link.run(scripts.close_gate, names, token, *lifetimes))

    async def _keep(self, poll_id: str, token: str) -> None:
        held = 1
        while held:
            await asyncio.sleep(lease_milliseconds / 4000)
            try:
                gate = [self._keys.gate(poll_id)]
                held = await self._link.run(scripts.hold_gate, gate, token, lease_milliseconds)
            except RedisAway:
                return

    async def _leave(self, poll_id: str, token: str) -> None:
        try:
            await self._link.run(scripts.leave_gate, [self._keys.gate(poll_id)], token)
        except RedisAway:
            return  # it opens by itself
