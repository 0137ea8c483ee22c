"""What a campaign plays with: two stores, two instances, and wires that can be cut."""

from __future__ import annotations

import asyncio
import os
import signal
from contextlib import AsyncExitStack
from pathlib import Path
from types import TracebackType
from typing import Any, Self
from urllib.parse import urlsplit, urlunsplit

import redis
from pymongo import MongoClient

from quickpoll.foundation.embedded import EmbeddedStores, StoreAddresses
from tests.conftest import Instance, environment
from tests.faults.wire import Wire

database = "faults"


class World:
    """Two instances on the same stores; the second one reaches Redis over a wire."""

    def __init__(self, directory: Path) -> None:
        self.stores = EmbeddedStores(directory)
        self.instances: list[Instance] = []
        self._stack = AsyncExitStack()

    async def __aenter__(self) -> Self:
        addresses = await asyncio.to_thread(self.stores.start)
        self._stack.callback(self.stores.stop)
        self.wire = Wire(addresses.redis_port)
        await self.wire.start()
        self._stack.push_async_callback(self.wire.aclose)
        apart = StoreAddresses(addresses.database_url, "127.0.0.1", self.wire.port)
        for one in (addresses, apart):
            instance = Instance(environment(one, database, LOG_LEVEL="ERROR", API_REDIS_PREFIX=""))
            self.instances.append(instance)
            self._stack.callback(instance.close)
            await asyncio.to_thread(instance.start)
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

    def signal(self, instance: Instance, number: signal.Signals) -> None:
        """Send a signal to an instance."""
        os.kill(instance.pid, number)
