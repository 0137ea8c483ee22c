"""The stores that a run uses: a MongoDB, and one Redis for each service."""

from __future__ import annotations

import sys
import time
from contextlib import ExitStack
from pathlib import Path
from typing import Any, Self
from urllib.parse import urlsplit, urlunsplit

from pymongo import MongoClient

from quickpoll.localrun.child_process import LOOPBACK, ChildProcess, free_port
from quickpoll.localrun.embedded import EmbeddedMongo, EmbeddedRedis

memory, embedded = "memory", "embedded"
durable = "w=majority&journal=true"
_root = Path(__file__).resolve().parent.parent


class Stores:
    """Starts what is needed in ``directory`` and stops it in the end.

    ``kind`` is ``memory`` (the measuring stand-in), ``embedded`` (SecantusDB), or the connection
    string of a MongoDB that runs already. Each service has a database of its own there.
    """

    def __init__(self, kind: str, directory: Path) -> None:
        self.kind = kind
        self._directory = directory
        self._redis: dict[str, EmbeddedRedis] = {}
        self._used: set[str] = set()
        self._mongo_pid: int | None = None
        self._stack = ExitStack()
        self._base = ""

    def __enter__(self) -> Self:
        try:
            self._base = self._start_mongo()
            self.client: MongoClient[dict[str, Any]] = MongoClient(self._base)
            self._stack.callback(self.client.close)
            self._stack.callback(self._drop_all)
        except BaseException:
            self._stack.close()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        self._stack.close()

    def database(self, service: str) -> str:
        """The name of a service's database."""
        return f"quickpoll_bench_{service}".replace("-", "_")

    def database_url(self, service: str) -> str:
        """The connection string of a service's database."""
        self._used.add(self.database(service))
        parts = urlsplit(self._base)
        query = "&".join(filter(None, [parts.query, durable]))
        return urlunsplit(parts._replace(path=f"/{self.database(service)}", query=query))

    def redis_port(self, service: str) -> int:
        """The port of a service's Redis, started when first asked for."""
        if service not in self._redis:
            server = EmbeddedRedis(self._directory / f"redis-{service}")
            server.start()
            self._stack.callback(server.stop)
            self._redis[service] = server
        return self._redis[service].port

    def pids(self, service: str) -> dict[str, int]:
        """The processes of the stores that were started here, by name."""
        mongo = {} if self._mongo_pid is None else {"mongo": self._mongo_pid}
        return {**mongo, "redis": self._redis[service].pid}

    def _start_mongo(self) -> str:
        if self.kind == embedded:
            server = EmbeddedMongo(self._directory / "mongo")
            server.start()
            self._stack.callback(server.stop)
            self._mongo_pid = server.pid
            return server.url("")
        return self._start_memory() if self.kind == memory else self.kind

    def _start_memory(self) -> str:
        port = free_port()
        command = [sys.executable, "-m", "bench.memory_mongo", "--port", str(port)]
        child = ChildProcess(command, self._directory / "memory-mongo.log", _root)
        self._stack.callback(child.kill)
        self._mongo_pid = child.pid
        url = f"mongodb://{LOOPBACK}:{port}/?directConnection=true"
        with MongoClient[dict[str, Any]](url, serverSelectionTimeoutMS=10_000) as client:
            client.admin.command("ping")
        return url

    def _drop_all(self) -> None:
        for name in self._used:
            self.client.drop_database(name)


def wait_until(condition: Any, seconds: float, what: str) -> None:
    """Ask until it holds. Raises :class:`TimeoutError` after so many seconds."""
    deadline = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > deadline:
            raise TimeoutError(f"{what} did not happen within {seconds} s")
        time.sleep(0.05)
