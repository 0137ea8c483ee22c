"""Redis: one client, a circuit breaker, and the identity of the server behind it.

Redis holds copies, so a call fails at once rather than waits: no retries, short timeouts, and
after a failure no further call until a probe has heard an answer.
"""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
from collections.abc import Awaitable, Callable, Sequence
from time import perf_counter
from typing import Any

import redis.asyncio as aioredis
from redis.asyncio.connection import AbstractConnection, ConnectionPool
from redis.exceptions import ConnectionError as NoConnection
from redis.exceptions import NoScriptError, RedisError
from redis.maint_notifications import MaintNotificationsConfig

from quickpoll.foundation.concurrency.cancellation import cancel
from quickpoll.foundation.concurrency.time_limits import PROBE_SECONDS, REDIS_SECONDS
from quickpoll.foundation.observability import metrics, tracing
from quickpoll.foundation.stores.failures import Failure
from quickpoll.foundation.stores.redis_address import RedisAddress
from quickpoll.foundation.stores.redis_trouble import RedisTrouble

Listener = Callable[[], Awaitable[None]]


class RedisAway(Exception):
    """Redis does not answer; the caller goes on without it."""


class Script:
    """A Lua script, known by its SHA-1."""

    def __init__(self, source: str) -> None:
        self.source = source
        self.sha = hashlib.sha1(source.encode(), usedforsecurity=False).hexdigest()


Call = tuple[Script, Sequence[str], Sequence[Any]]
"""A script with its keys and arguments."""

_NO_ANSWER = (RedisError, OSError, TimeoutError, AttributeError, RuntimeError)
"""What a call meets that Redis does not answer. The last two: redis-py sends in a task of its own,
and where the connection is closed before that begins, it has no writer, or a closed transport."""


class RedisLink:
    """The connection to Redis, its breaker and the run of the server that answers.

    ``run_id`` is Redis' own name for one life of its process (``INFO server``): it changes with
    every restart and failover, whatever data the new process has loaded. It is asked on every new
    connection, before any command, and a connection that finds another run, or a replica, is
    refused: the run changes only in a look for Redis, before anybody may use it.
    """

    def __init__(
        self, host: str | RedisAddress, port: int = 6379, password: str | None = None
    ) -> None:
        place = host if isinstance(host, RedisAddress) else _server(host, port, password)
        connection, options = place.connection(REDIS_SECONDS)
        self.run_id = ""
        self.available = False
        self._trouble = RedisTrouble(PROBE_SECONDS)
        self._wanted: list[tuple[Any, ...]] = []
        self._returned: list[Listener] = []
        self._probe: asyncio.Task[None] | None = None
        self._attempted: asyncio.Future[bool] | None = None
        self._admitted: asyncio.Task[Any] | None = None
        self._just_lost = False
        self._looking = False
        self._closing = False
        self._fixed = place.kind == "server"
        self._options: dict[str, Any] = {
            "connection_class": connection,
            "retry": None,
            "decode_responses": True,
            "encoding_errors": "replace",  # what is no text is no state of ours
            # Redis Enterprise alone has them; others refuse the command, on each connection.
            "maint_notifications_config": MaintNotificationsConfig(enabled=False),
            **options,
        }
        pool = ConnectionPool(
            socket_timeout=REDIS_SECONDS,
            max_connections=10_000,
            redis_connect_func=self._greet,
            **self._options,
        )
        self.client: aioredis.Redis = aioredis.Redis.from_pool(pool)

    def on_return(self, listener: Listener) -> None:
        """Call ``listener`` each time Redis has come back (the first time included), before
        anybody else may use it. One that raises :class:`RedisAway` puts the return off."""
        self._returned.append(listener)

    @property
    def failure(self) -> Failure | None:
        """Why Redis does not serve us, or did not until just now."""
        return self._trouble.failure

    def require(self, *command: Any) -> None:
        """Ask this, too, in each look for Redis: a command that changes nothing. Where our user
        may not run it, Redis is as good as none."""
        self._wanted.append(command)

    async def start(self) -> None:
        """Look for Redis once; if it is not there, go on looking in the background."""
        if not await self._try():
            self._look_for_it()

    async def aclose(self) -> None:
        """Stop looking and close the connections."""
        self._closing = True
        self._trouble.close()
        if self._probe is not None:
            await cancel(self._probe)
            self._tell(False)
        await self.client.aclose()

    def subscriber(self) -> aioredis.Redis:
        """A client of its own for pub/sub: its reads wait, so they have no time limit."""
        pool = ConnectionPool(socket_timeout=None, health_check_interval=0, **self._options)
        return aioredis.Redis.from_pool(pool)

    async def call(self, *command: Any) -> Any:
        """Send one command. Raises :class:`RedisAway` when Redis does not answer."""
        return (await self.together([command]))[0]

    async def together(self, commands: Sequence[Sequence[Any]]) -> list[Any]:
        """Send commands in one round trip. Raises :class:`RedisAway`."""
        if not (self.available or self._admitted is asyncio.current_task()):
            raise RedisAway
        pipeline = self.client.pipeline(transaction=False)
        for command in commands:
            pipeline.execute_command(*command)
        began, run_id = perf_counter(), self.run_id
        try:
            with tracing.of_call("redis", db_operation_batch_size=len(commands)):
                answers = list(await pipeline.execute())
        except NoScriptError:
            raise
        except _NO_ANSWER as error:
            # A server that is full, read-only or still loading is as good as none.
            if self.run_id == run_id:
                self._lost(error)
            raise RedisAway from error
        if self.run_id != run_id:  # a server answered that we have left meanwhile
            raise RedisAway
        metrics.redis_times.observe(perf_counter() - began)
        return answers

    async def ask(self, *command: Any) -> Any:
        """Send a command that changes nothing, twice if need be (see :meth:`run`)."""
        return (await self.ask_together([command]))[0]

    async def ask_together(self, commands: Sequence[Sequence[Any]]) -> list[Any]:
        """:meth:`ask` for several commands, in one round trip."""
        answers: list[Any] = await self._twice(lambda: self.together(commands))
        return answers

    async def run(self, script: Script, keys: Sequence[str], *arguments: Any) -> Any:
        """Run a script by its SHA-1, sending its source when the server does not know it.

        A killed connection is no outage: where a new one is there at once, the script runs again,
        so a script must be safe to repeat. Raises :class:`RedisAway`.
        """
        return (await self.run_in_order((script, keys, arguments)))[0]

    async def run_in_order(self, *calls: Call) -> list[Any]:
        """:meth:`run` for several scripts, one after the other, in one round trip."""
        answers: list[Any] = await self._twice(lambda: self._run_in_order(calls))
        return answers

    async def _twice(self, attempt: Callable[[], Awaitable[Any]]) -> Any:
        # Only the first look after a loss is worth waiting for: a dead Redis holds up nobody else.
        hopeful = self.available or self._just_lost
        try:
            return await attempt()
        except RedisAway:
            itself = self._admitted is asyncio.current_task()
            if itself or not (hopeful and await self.recover()):
                raise
            return await attempt()

    async def recover(self) -> bool:
        """Wait for the outcome of the look for Redis that is under way, if any."""
        if self.available:
            return True
        self._look_for_it()
        if self._trouble.lasts:
            return False
        return self._attempted is not None and await asyncio.shield(self._attempted)

    async def _run_in_order(self, calls: Sequence[Call]) -> list[Any]:
        try:
            return await self.together(
                [("EVALSHA", one.sha, len(keys), *keys, *more) for one, keys, more in calls]
            )
        except NoScriptError:
            return await self.together(
                [("EVAL", one.source, len(keys), *keys, *more) for one, keys, more in calls]
            )

    def _lost(self, error: BaseException) -> None:
        self._trouble.met(error)
        if self.available:
            self.available, self._just_lost = False, True
        self._look_for_it()

    def _look_for_it(self) -> None:
        if not self._closing and (self._probe is None or self._probe.done()):
            self._attempted = asyncio.get_running_loop().create_future()
            self._probe = asyncio.create_task(self._look(), name="redis-probe")

    async def _look(self) -> None:
        if self._trouble.lasts:
            await asyncio.sleep(self._trouble.pause)
        while not await self._try():
            await asyncio.sleep(self._trouble.pause)
            self._attempted = asyncio.get_running_loop().create_future()

    async def _try(self) -> bool:
        answered = False
        try:
            answered = await self._answers() and await self._prepared()
        except Exception as error:  # whatever it is, the next look may go better
            self._trouble.unforeseen(error)
        finally:
            self.available, self._just_lost = answered, False
            self._tell(answered)
        if answered:
            self._trouble.over(self.run_id)
        return answered

    def _tell(self, answered: bool) -> None:
        if self._attempted is not None and not self._attempted.done():
            self._attempted.set_result(answered)

    async def _answers(self) -> bool:
        if not self._fixed:  # another server may have taken over, and this one still answer
            await self._disconnect()
        self._looking = True
        client: Any = self.client
        try:
            await client.ping()
            for command in self._wanted:
                await client.execute_command(*command)
        except _NO_ANSWER as error:
            self._trouble.met(error)
            await self._disconnect()
            return False
        finally:
            self._looking = False
        return True

    async def _disconnect(self) -> None:
        # A connection that is in use ends with its call, which has a time limit of its own.
        pool: Any = self.client.connection_pool
        await pool.update_active_connections_for_reconnect()
        with contextlib.suppress(*_NO_ANSWER):
            await pool.disconnect(inuse_connections=False)

    async def _prepared(self) -> bool:
        """Whether all who must speak first have spoken."""
        self._admitted = asyncio.current_task()
        try:
            for listener in self._returned:
                await listener()
        except RedisAway:
            return False
        finally:
            self._admitted = None
        return True

    async def _greet(self, connection: AbstractConnection) -> None:
        await connection.on_connect()
        await connection.send_command("INFO")
        info = _fields(await connection.read_response())
        if info.get("role") == "slave":
            raise NoConnection("it is a replica")
        if self._looking:
            self.run_id = info.get("run_id", "")
        elif info.get("run_id", "") != self.run_id:
            raise NoConnection("it is another server, or has been restarted")


def _server(host: str, port: int, password: str | None) -> RedisAddress:
    return RedisAddress(((host, port),), password=password)


def _fields(info: str | bytes) -> dict[str, str]:
    text = info.decode() if isinstance(info, bytes) else info
    lines = (line.partition(":") for line in text.splitlines())
    return {name: value.strip() for name, _, value in lines}
