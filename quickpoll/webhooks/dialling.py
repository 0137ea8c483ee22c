"""One attempt: resolve, judge, dial the very address that was judged, send, hear the status.

Invariants:

- What is dialled is an address that the judge has seen a moment ago; the name goes into the TLS
  handshake (SNI, certificate) and the header ``Host``, and is not resolved again.
- No redirect is followed, no proxy of the environment is used, certificates are always verified.
- All of it ends within :data:`ANSWER_SECONDS`, and of the answer no more is read than a little.
"""

from __future__ import annotations

import asyncio
import socket
import ssl
from collections.abc import Awaitable, Callable, Mapping
from contextlib import suppress
from ipaddress import ip_address
from typing import Final

import httptools

from quickpoll import __version__
from quickpoll.foundation.concurrency.daemon_thread import run_in_daemon_thread
from quickpoll.webhooks.addresses import (
    Address,
    Allowance,
    RefusedAddress,
    Target,
    judge_addresses,
    target_of,
)

ANSWER_SECONDS: Final = 10.0
RESOLVE_SECONDS: Final = 5.0
FAREWELL_SECONDS: Final = 1.0
"""How long the rest of an answer is waited for, whose status is known."""

MOST_OF_AN_ANSWER: Final = 64 * 1024
MOST_ADDRESSES: Final = 3
"""Addresses of a name that are tried, one after the other."""

Resolve = Callable[[str, int], Awaitable[list[Address]]]


class AttemptFailed(Exception):
    """There was no answer; the message is one word of :data:`FAILURES`."""


FAILURES: Final = (
    "timeout",
    "refused_address",
    "unknown_host",
    "connection",
    "certificate",
    "no_http",
)
"""Why there was no answer."""


async def resolve(host: str, port: int) -> list[Address]:
    """The addresses of a name, each once. Raises ``OSError``.

    In a thread of its own: a name server that hangs delays nobody else.
    """

    def ask() -> list[Address]:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
        return list(dict.fromkeys(ip_address(str(one[4][0]).partition("%")[0]) for one in found))

    return await run_in_daemon_thread("webhook-name", ask, RESOLVE_SECONDS)


class Dialler:
    """Posts messages. ``names`` resolves; another one is handed in by tests."""

    def __init__(self, allowed: Allowance, names: Resolve = resolve) -> None:
        self._allowed = allowed
        self.names = names
        self._tls: ssl.SSLContext | None = None

    async def post(self, url: str, headers: Mapping[str, str], body: bytes) -> int:
        """Send a message; answers the status. Raises :class:`AttemptFailed`."""
        try:
            async with asyncio.timeout(ANSWER_SECONDS):
                return await self._post(url, headers, body)
        except RefusedAddress:
            raise AttemptFailed("refused_address") from None
        except TimeoutError:
            raise AttemptFailed("timeout") from None
        except ssl.SSLCertVerificationError:
            raise AttemptFailed("certificate") from None
        except (httptools.HttpParserError, httptools.HttpParserUpgrade, EOFError):
            raise AttemptFailed("no_http") from None
        except (OSError, ssl.SSLError):
            raise AttemptFailed("connection") from None

    async def _post(self, url: str, headers: Mapping[str, str], body: bytes) -> int:
        target = target_of(url)
        addresses = await self._judged(target)
        reader, writer = await self._connect(target, addresses[:MOST_ADDRESSES])
        try:
            writer.write(_head(target, headers, len(body)) + body)
            await writer.drain()
            return await _status(reader)
        finally:
            writer.transport.abort()

    async def _judged(self, target: Target) -> list[Address]:
        if target.literal is not None:
            addresses = [target.literal]
        else:
            try:
                addresses = await self.names(target.host, target.port)
            except socket.gaierror:
                raise AttemptFailed("unknown_host") from None
        judge_addresses(target, addresses, self._allowed)
        return addresses

    async def _connect(
        self, target: Target, addresses: list[Address]
    ) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        tls = self._context() if target.secure else None
        name = target.host if target.secure else None
        for place, address in enumerate(addresses, 1):
            try:
                return await asyncio.open_connection(
                    str(address), target.port, ssl=tls, server_hostname=name
                )
            except ssl.SSLError:
                raise
            except OSError:
                if place == len(addresses):
                    raise
        raise OSError("no address")

    def _context(self) -> ssl.SSLContext:
        if self._tls is None:
            self._tls = ssl.create_default_context()
        return self._tls


def _head(target: Target, headers: Mapping[str, str], length: int) -> bytes:
    fields = {
        "Host": target.authority,
        "User-Agent": f"QuickPoll/{__version__}",
        "Accept": "*/*",
        "Content-Type": "application/json",
        "Content-Length": str(length),
        "Connection": "close",
        **headers,
    }
    lines = [
        f"POST {target.path} HTTP/1.1",
        *(f"{name}: {value}" for name, value in fields.items()),
    ]
    return ("\r\n".join(lines) + "\r\n\r\n").encode("ascii")


class _Answer:
    """What the parser says of an answer; those that only announce one (1xx) are passed over."""

    def __init__(self) -> None:
        self.parser = httptools.HttpResponseParser(self)
        self.status = 0
        self.complete = False

    def on_headers_complete(self) -> None:
        """A head has come."""
        status = self.parser.get_status_code()
        self.status = self.status or (status if status >= 200 else 0)

    def on_message_complete(self) -> None:
        """An answer has ended."""
        self.complete = bool(self.status)


async def _status(reader: asyncio.StreamReader) -> int:
    answer = _Answer()
    await _read(reader, answer, lambda: bool(answer.status))
    if not answer.status:
        raise EOFError
    # Whoever is cut off in the middle of an answer may take that for a failure of theirs.
    with suppress(TimeoutError, OSError, httptools.HttpParserError):
        async with asyncio.timeout(FAREWELL_SECONDS):
            await _read(reader, answer, lambda: answer.complete)
    return answer.status


async def _read(reader: asyncio.StreamReader, answer: _Answer, done: Callable[[], bool]) -> None:
    read = 0
    while not done() and read < MOST_OF_AN_ANSWER and (part := await reader.read(16_384)):
        read += len(part)
        answer.parser.feed_data(part)
