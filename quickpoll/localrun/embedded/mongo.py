"""MongoDB for one machine: SecantusDB."""

from __future__ import annotations

import sys
import time
from contextlib import suppress
from pathlib import Path
from typing import Any

from pymongo import MongoClient
from pymongo.errors import PyMongoError

from quickpoll.localrun.child_process import LOOPBACK, ChildProcess
from quickpoll.localrun.embedded.server import (
    ANSWER_SECONDS,
    EmbeddedServer,
    accepts,
    missing,
)


class EmbeddedMongo(EmbeddedServer):
    """SecantusDB, its data in ``directory``/mongo, each commit on disk before it is answered."""

    name = "mongo"
    stop_seconds = 4.0
    asked_at_most = 4

    def url(self, database: str) -> str:
        """The connection string for ``database``."""
        return f"mongodb://{LOOPBACK}:{self.port}/{database}?directConnection=true"

    def _command(self, port: int) -> list[str]:
        server = Path(sys.executable).with_name("secantusd-py")
        if not server.is_file():
            raise missing("SecantusDB")
        # An empty configuration of our own, or it would take one that lies in somebody's home.
        configuration = self._directory / "secantusd.toml"
        configuration.touch()
        return [
            *(sys.executable, "-I", str(server)),
            *("--config", str(configuration)),
            *("--host", LOOPBACK, "--port", str(port)),
            *("--storage-path", str(self._directory / "mongo")),
            *("--log-level", "WARNING", "--sync-on-commit"),
        ]

    def _answers(self, port: int, pid: int) -> bool:
        client: MongoClient[dict[str, Any]] = MongoClient(
            LOOPBACK,
            port,
            directConnection=True,
            serverSelectionTimeoutMS=int(ANSWER_SECONDS * 1000),
            socketTimeoutMS=int(ANSWER_SECONDS * 1000),
        )
        with client, suppress(PyMongoError):
            client.admin.command("hello")
            return bool(client.admin.command("serverStatus")["pid"] == pid)
        return False

    def _ask_to_stop(self, child: ChildProcess) -> None:
        # Its accept() returns from a closed socket only when somebody connects, or after two
        # seconds: so somebody connects. Its main thread now and then misses a signal that arrives
        # while another thread runs: where the port is still open a while after that connection,
        # nothing has begun, and asking again is safe (asking twice in mid-stop is not).
        for _ in range(self.asked_at_most):
            super()._ask_to_stop(child)
            time.sleep(0.05)
            accepts(self.port)
            if child.wait(0.25) is not None or not accepts(self.port):
                return
