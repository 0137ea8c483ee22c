"""Where Redis is: one server, the master that Sentinels name, or the node of a Cluster.

Whichever it is, the service talks to one server at a time: all that it keeps in a Cluster carries
one hash tag and so lives in one slot, on the node that serves it. A step that concerns several
keys stays one script everywhere; after a failover only the address has to be found anew.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from functools import partial
from typing import Any, Literal, Self
from urllib.parse import unquote, urlsplit

from redis.asyncio import Redis
from redis.asyncio.connection import Connection, SSLConnection
from redis.asyncio.sentinel import Sentinel
from redis.crc import key_slot
from redis.exceptions import ConnectionError as NoConnection
from redis.exceptions import RedisError

Address = tuple[str, int]
Finder = Callable[[], Awaitable[Address]]
Kind = Literal["server", "sentinel", "cluster"]

KINDS: dict[str, tuple[Kind, int]] = {
    "": ("server", 6379),
    "+sentinel": ("sentinel", 26379),
    "+cluster": ("cluster", 6379),
}
"""By what follows ``redis`` or ``rediss`` in the scheme: the kind and its usual port."""

TLS_OPTIONS = {"ca": "ssl_ca_certs", "cert": "ssl_certfile", "key": "ssl_keyfile"}


@dataclass(frozen=True)
class RedisAddress:
    """How to reach Redis and get in.

    ``master`` is the name that Sentinels know it by; ``slot_of`` is in a Cluster what all keys
    begin with, hash tag included; ``files`` are for TLS: ``ca``, ``cert`` and ``key``.
    """

    addresses: tuple[Address, ...]
    kind: Kind = "server"
    tls: bool = False
    user: str | None = None
    password: str | None = field(default=None, repr=False)
    database: int = 0
    master: str = ""
    sentinel_password: str | None = field(default=None, repr=False)
    slot_of: str = ""
    files: Mapping[str, str] = field(default_factory=dict)

    @classmethod
    def parse(cls, url: str, **more: Any) -> Self:
        """The place that a URL names::

            redis://user:password@host:6379/0
            redis+sentinel://host1:26379,host2:26379/mymaster/0
            redis+cluster://host1:6379,host2:6379

        ``rediss`` in place of ``redis`` is the same over TLS. Raises ``ValueError``.
        """
        scheme, _, rest = url.partition("://")
        name, plus, flavour = scheme.partition("+")
        if name not in ("redis", "rediss") or plus + flavour not in KINDS:
            raise ValueError("it begins with none of redis, rediss, redis+sentinel, redis+cluster")
        kind, port = KINDS[plus + flavour]
        entry, _, where = rest.rpartition("@")
        hosts, *path = where.partition("?")[0].rstrip("/").split("/")
        user, _, password = entry.partition(":")
        given = {"user": unquote(user), "password": unquote(password)}
        named = {**more, **{name: value for name, value in given.items() if value}}
        addresses = tuple(_address(one, port) for one in hosts.split(","))
        if kind == "server" and len(addresses) > 1:
            raise ValueError("it names several servers that are neither Sentinels nor a Cluster")
        return cls(addresses, kind, name == "rediss", **_path(kind, path), **named)

    def connection(self, seconds: float) -> tuple[type[Connection], dict[str, Any]]:
        """The class of a connection and its arguments; ``seconds`` bound each step to it."""
        options = {**self._entry(), "db": self.database, "socket_connect_timeout": seconds}
        if self.kind == "server":
            host, port = self.addresses[0]
            plain = SSLConnection if self.tls else Connection
            return plain, {"host": host, "port": port, **options}
        ask = self._ask_sentinel if self.kind == "sentinel" else self._ask_node
        known = list(self.addresses)
        found = FoundSSLConnection if self.tls else FoundConnection
        return found, {"find": lambda: _first(known, partial(ask, seconds)), **options}

    def _entry(self) -> dict[str, Any]:
        return {"username": self.user, "password": self.password, **self._tls()}

    def _tls(self) -> dict[str, Any]:
        return {TLS_OPTIONS[one]: file for one, file in self.files.items()} if self.tls else {}

    def _asking(self, seconds: float) -> dict[str, Any]:
        return {
            "socket_timeout": seconds,
            "socket_connect_timeout": seconds,
            "retry": None,
            "decode_responses": True,
            "ssl": self.tls,
            **self._tls(),
        }

    async def _ask_sentinel(self, seconds: float, address: Address) -> Address:
        """Where the master is, by one of the Sentinels."""
        options = {**self._asking(seconds), "password": self.sentinel_password}
        sentinel = Sentinel([address], sentinel_kwargs=options)  # type: ignore[no-untyped-call]
        try:
            host, port = await sentinel.discover_master(self.master)
            return str(host), int(port)
        finally:
            await sentinel.sentinels[0].aclose()

    async def _ask_node(self, seconds: float, address: Address) -> Address:
        """Which node serves our slot, by one of the nodes."""
        options = {**self._asking(seconds), **self._entry()}
        client: Any = Redis(host=address[0], port=address[1], **options)
        try:
            ranges = await client.execute_command("CLUSTER", "SLOTS")
            return _serving(key_slot(self.slot_of.encode()), ranges, address)
        finally:
            await client.aclose()


class FoundConnection(Connection):
    """A connection whose address is asked for each time it is opened."""

    def __init__(self, *, find: Finder, **options: Any) -> None:
        super().__init__(**options)
        self._find = find

    async def _connect(self) -> None:
        self.host, self.port = await self._find()
        await super()._connect()  # type: ignore[no-untyped-call]


class FoundSSLConnection(SSLConnection):
    """The same over TLS."""

    def __init__(self, *, find: Finder, **options: Any) -> None:
        super().__init__(**options)
        self._find = find

    async def _connect(self) -> None:
        self.host, self.port = await self._find()
        await super()._connect()  # type: ignore[no-untyped-call]


def _address(text: str, port: int) -> Address:
    try:
        parts = urlsplit(f"//{text}")
        host, named = parts.hostname, parts.port
    except ValueError:
        host, named = None, None
    if not host or named == 0:
        raise ValueError("it names no server")
    return host, named or port


def _path(kind: Kind, path: list[str]) -> dict[str, Any]:
    """What the path of a URL says: the master's name where Sentinels are asked, the database."""
    named: dict[str, Any] = {}
    if kind == "sentinel":
        if not path:
            raise ValueError("it does not name the master that the Sentinels know")
        named["master"], *path = path
    if kind == "cluster" and path:
        raise ValueError("it names a database, and a Cluster has none")
    if path:
        if len(path) > 1 or not path[0].isdecimal():
            raise ValueError("it names a database that is not a number")
        named["database"] = int(path[0])
    return named


def _serving(slot: int, ranges: list[Any], asked: Address) -> Address:
    """The master of a slot, by an answer to ``CLUSTER SLOTS``."""
    for first, last, master, *_ in ranges:
        if first <= slot <= last:
            return str(master[0] or asked[0]), int(master[1])
    raise NoConnection(f"no node serves slot {slot}")


async def _first(known: list[Address], ask: Callable[[Address], Awaitable[Address]]) -> Address:
    """The first answer, of whoever answered last time before the others."""
    for address in list(known):
        try:
            answer = await ask(address)
        except (RedisError, OSError, TimeoutError):
            continue
        known.remove(address)
        known.insert(0, address)
        return answer
    raise NoConnection("nobody knows where Redis is")
