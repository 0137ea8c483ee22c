"""What a campaign plays with: two stores, two instances, and wires that can be cut."""

from __future__ import annotations

import asyncio
import os
import signal
from contextlib import AsyncExitStack
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any, Self
from urllib.parse import urlsplit, urlunsplit

import redis
from pymongo import MongoClient

from quickpoll.localrun.embedded import EmbeddedStores, StoreAddresses
from tests.conftest import environment
from tests.faults.wire import Wire
from tests.instances import Instance

database = "faults"


@dataclass(frozen=True)
class Wires:
    """How one instance reaches the stores."""

    mongo: Wire
    redis: Wire

    @property
    def both(self) -> tuple[Wire, Wire]:
        """One after the other."""
        return self.mongo, self.redis

    def addresses(self, url: str) -> StoreAddresses:
        """Where the stores are, for the instance at this end."""
        parts = urlsplit(url)._replace(netloc=f"127.0.0.1:{self.mongo.port}")
        return StoreAddresses(urlunsplit(parts), "127.0.0.1", self.redis.port)


class World:
    """Two instances on the same stores; each reaches each of them over a wire of its own.

    ``log`` is the file for what the instances log, ``more`` what they are told besides.
    """

    def __init__(self, directory: Path, log: Path | None = None, **more: str) -> None:
        self.log = log
        self._more = {"LOG_LEVEL": "ERROR", "API_REDIS_PREFIX": "", **more}
        self.stores = EmbeddedStores(directory)
        self.instances: list[Instance] = []
        self.wires: list[Wires] = []
        self._stack = AsyncExitStack()

    async def __aenter__(self) -> Self:
        addresses = await asyncio.to_thread(self.stores.start)
        self._stack.callback(self.stores.stop)
        for _ in range(2):
            await self._add_instance(addresses)
        url = urlunsplit(urlsplit(addresses.database_url)._replace(path=f"/{database}"))
        client: MongoClient[dict[str, Any]] = MongoClient(url, timeoutMS=5000)
        self._stack.callback(client.close)
        self.mongo = client[database]
        self.redis = redis.Redis(
            port=addresses.redis_port, decode_responses=True, socket_timeout=2.0
        )
        self._stack.callback(self.redis.close)
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        await self._stack.aclose()

    @property
    def living(self) -> list[Instance]:
        """The instances whose processes run."""
        return [one for one in self.instances if one.process.poll() is None]

    @property
    def all_wires(self) -> list[Wire]:
        """Every wire of every instance."""
        return [wire for wires in self.wires for wire in wires.both]

    def signal(self, instance: Instance, number: signal.Signals) -> None:
        """Send a signal to an instance."""
        os.kill(instance.pid, number)

    async def _add_instance(self, addresses: StoreAddresses) -> None:
        port = urlsplit(addresses.database_url).port
        assert port is not None
        wires = Wires(Wire(port), Wire(addresses.redis_port))
        self.wires.append(wires)
        for wire in wires.both:
            await wire.start()
            self._stack.push_async_callback(wire.aclose)
        reached = wires.addresses(addresses.database_url)
        instance = Instance(environment(reached, database, **self._more))
        instance.log = self.log
        self.instances.append(instance)
        self._stack.callback(instance.close)
        await asyncio.to_thread(instance.start)
