"""MongoDB and Redis for one machine, as child processes of this one.

SecantusDB (MongoDB's wire protocol on the WiredTiger engine; GPL-2.0, so a program of its own
that is never imported) and Valkey (Redis' protocol; the real server). Both listen on free ports
of the loopback address and end with this process, however it ends. What MongoDB has acknowledged
survives even that; Redis keeps nothing, since all it holds is a copy.

Embedded stores are asked for, never fallen into: production names its own.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from types import TracebackType

from quickpoll.localrun.child_process import LOOPBACK
from quickpoll.localrun.embedded.mongo import EmbeddedMongo
from quickpoll.localrun.embedded.redis import EmbeddedRedis
from quickpoll.localrun.embedded.server import EmbeddedStoreFailed

__all__ = [
    "EmbeddedMongo",
    "EmbeddedRedis",
    "EmbeddedStoreFailed",
    "EmbeddedStores",
    "StoreAddresses",
]


@dataclass(frozen=True)
class StoreAddresses:
    """Where a pair of started stores answers."""

    database_url: str
    redis_host: str
    redis_port: int


class EmbeddedStores:
    """Both servers, their data and logs in one directory."""

    def __init__(
        self, directory: Path, database: str = "quickpoll", redis_password: str | None = None
    ) -> None:
        self.database = database
        self.mongo = EmbeddedMongo(directory)
        self.redis = EmbeddedRedis(directory, redis_password)

    @property
    def addresses(self) -> StoreAddresses:
        """Where they answer. Raises :class:`RuntimeError` before the first start."""
        return StoreAddresses(self.mongo.url(self.database), LOOPBACK, self.redis.port)

    def start(self) -> StoreAddresses:
        """Start both and wait until both answer.

        Raises :class:`EmbeddedStoreFailed`; then neither is left running.
        """
        try:
            self.mongo.start()
            self.redis.start()
        except BaseException:
            self.stop()
            raise
        return self.addresses

    def stop(self) -> None:
        """Stop both. Again is harmless."""
        self.redis.stop()
        self.mongo.stop()

    def __enter__(self) -> StoreAddresses:
        return self.start()

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.stop()
