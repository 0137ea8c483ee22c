"""A crowd of Socket.IO watchers in one process: raw WebSockets, a few microseconds a message.

``python -m bench.watchers --port N --clients N --tokens FILE --polls FILE …`` connects, subscribes,
prints one line of JSON and then does what its standard input says, a line at a time:

* ``votes RATE SECONDS``: cast votes at that rate, measure until they are on every screen, and
  print one line of JSON
* ``count``: count what arrives until the next line, then print the same line
* end of input: close everything and end

Engine.IO 4 and Socket.IO 5 are spoken by hand, since a full client would cost more than the server.
"""

from __future__ import annotations

import asyncio
import base64
import gc
import json
import os
import sys
import time
from pathlib import Path
from typing import Any

import click
import uvloop

from bench.voter import LOOPBACK, Voter

_continuation, _text, _close, _ping = 0, 1, 8, 9


def frame(payload: bytes, opcode: int = _text) -> bytes:
    """A client's WebSocket frame; masked with zeros, which is a mask like any other."""
    size = len(payload)
    if size < 126:
        head = bytes((0x80 | opcode, 0x80 | size))
    else:
        head = bytes((0x80 | opcode, 0x80 | 126)) + size.to_bytes(2, "big")
    return head + b"\0\0\0\0" + payload


class Audience:
    """What the watchers have seen, all together."""

    def __init__(self, polls: list[str]) -> None:
        self.polls = polls
        self.cast: dict[str, list[float]] = {poll: [] for poll in polls}
        self.delivered = 0
        self.lost = 0
        self.to_screen: list[float] = []
        self.to_receive: list[float] = []
        self._read: dict[bytes, tuple[float, float]] = {}

    def reset(self) -> None:
        """Forget what was measured, not what was cast."""
        self.delivered = 0
        self.to_screen.clear()
        self.to_receive.clear()

    def received(self, payload: bytes) -> None:
        """Note an event: how old its newest vote is, and how old its emission."""
        now = time.time()
        self.delivered += 1
        times = self._read.get(payload)
        if times is None:
            times = self._read[payload] = self._times(payload)
        if times[0]:
            self.to_screen.append(now - times[0])
        if times[1]:
            self.to_receive.append(now - times[1])

    def _times(self, payload: bytes) -> tuple[float, float]:
        """When the newest vote in this update was sent, and when the update was; 0: unknown."""
        event, update = json.loads(payload[2:])
        if event != "vote-update":
            return (0.0, 0.0)
        cast = self.cast.get(update["pollId"], [])
        voters = update["votersCount"]
        return (cast[voters - 1] if 0 < voters <= len(cast) else 0.0, _moment(update.get("at")))


def _moment(at: Any) -> float:
    """Seconds since 1970 of a time in milliseconds or RFC 3339; 0 where it is neither."""
    if isinstance(at, int | float):
        return at / 1000
    if isinstance(at, str):
        from datetime import datetime

        return datetime.fromisoformat(at).timestamp()
    return 0.0


class Watcher(asyncio.Protocol):
    """One client: upgrade, Socket.IO connect, subscribe, then listen."""

    def __init__(self, audience: Audience, token: str, port: int) -> None:
        self.ready: asyncio.Future[float] = asyncio.get_running_loop().create_future()
        self.began = time.perf_counter()
        self._audience, self._token, self._port = audience, token, port
        self._buffer = b""
        self._upgraded = False
        self._transport: Any = None

    def connection_made(self, transport: Any) -> None:
        """Ask for the upgrade."""
        self._transport = transport
        key = base64.b64encode(os.urandom(16)).decode()
        transport.write(
            "GET /ws/updates/?EIO=4&transport=websocket HTTP/1.1\r\n"
            f"Host: {LOOPBACK}:{self._port}\r\n"
            f"Upgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Key: {key}\r\n"
            "Sec-WebSocket-Version: 13\r\n\r\n".encode()
        )

    def connection_lost(self, error: Exception | None) -> None:
        """A connection that ends is one lost, whenever it does."""
        self._audience.lost += 1
        if not self.ready.done():
            self.ready.set_exception(ConnectionError("closed before it was ready"))

    def close(self) -> None:
        """End the connection."""
        if self._transport is not None:
            self._transport.abort()

    def data_received(self, data: bytes) -> None:
        """Cut into frames."""
        buffer = self._buffer + data if self._buffer else data
        if not self._upgraded:
            head, gap, buffer_after = buffer.partition(b"\r\n\r\n")
            if not gap:
                self._buffer = buffer
                return
            if b" 101 " not in head[:20]:
                self._transport.abort()
                return
            self._upgraded, buffer = True, buffer_after
        self._buffer = self._frames(buffer)

    def _frames(self, buffer: bytes) -> bytes:
        position, end = 0, len(buffer)
        while end - position >= 2:
            size, start = buffer[position + 1] & 127, position + 2
            if size == 126:
                size, start = int.from_bytes(buffer[start : start + 2], "big"), start + 2
            elif size == 127:
                size, start = int.from_bytes(buffer[start : start + 8], "big"), start + 8
            if end - start < size:
                break
            self._frame(buffer[position] & 15, buffer[start : start + size])
            position = start + size
        return buffer[position:]

    def _frame(self, opcode: int, payload: bytes) -> None:
        if payload[:2] == b"42":
            self._audience.received(payload)
        elif opcode == _ping:
            self._transport.write(frame(payload, 10))
        elif opcode == _close:
            self._transport.close()
        elif payload[:1] == b"2":
            self._transport.write(frame(b"3"))
        elif payload[:1] == b"0":
            self._transport.write(frame(b"40" + json.dumps({"token": self._token}).encode()))
        elif payload[:2] == b"40":
            body = json.dumps(["subscribe", {"pollIds": self._audience.polls}]).encode()
            self._transport.write(frame(b"420" + body))
        elif payload[:3] == b"430":
            self.ready.set_result(time.perf_counter() - self.began)
        else:
            self._transport.abort()


def percentile(values: list[float], share: float) -> float:
    """The value below which that share lies, in milliseconds; 0 where there is none."""
    if not values:
        return 0.0
    return sorted(values)[min(len(values) - 1, int(len(values) * share))] * 1000


def _say(**what: Any) -> None:
    sys.stdout.write(json.dumps(what) + "\n")
    sys.stdout.flush()


def _measured(audience: Audience, voter: Voter, seconds: float) -> dict[str, Any]:
    return {
        "delivered": audience.delivered,
        "seconds": seconds,
        "lost": audience.lost,
        "votes": len(voter.took),
        "failed_votes": voter.failed,
        "left_out": voter.left_out,
        "vote_p50": percentile(voter.took, 0.5),
        "vote_p99": percentile(voter.took, 0.99),
        "screen_p50": percentile(audience.to_screen, 0.5),
        "screen_p99": percentile(audience.to_screen, 0.99),
        "receive_p50": percentile(audience.to_receive, 0.5),
        "receive_p99": percentile(audience.to_receive, 0.99),
    }


async def _connect(
    audience: Audience, port: int, tokens: list[str], within: float
) -> tuple[list[Watcher], list[float], int]:
    """Connect one client a token, spread evenly over ``within`` seconds."""
    loop = asyncio.get_running_loop()
    watchers: list[Watcher] = []

    async def one(number: int, token: str) -> float:
        await asyncio.sleep(within * number / len(tokens))
        watcher = Watcher(audience, token, port)
        watchers.append(watcher)
        await loop.create_connection(lambda: watcher, LOOPBACK, port)
        return await asyncio.wait_for(watcher.ready, 30)

    outcomes = await asyncio.gather(
        *(one(number, token) for number, token in enumerate(tokens)), return_exceptions=True
    )
    times = [outcome for outcome in outcomes if isinstance(outcome, float)]
    return watchers, times, len(outcomes) - len(times)


async def _run(port: int, tokens: list[str], votes: list[str], clients: int, within: float) -> None:
    paths = [(path.split("/")[4], path) for path in votes]  # …/vote-on-poll/{poll}/{option}
    audience = Audience(list(dict.fromkeys(poll for poll, _ in paths)))
    began = time.perf_counter()
    watchers, times, failed = await _connect(audience, port, tokens[:clients], within)
    gc.freeze()
    _say(
        connected=len(times),
        failed=failed,
        seconds=time.perf_counter() - began,
        p50=percentile(times, 0.5),
        p99=percentile(times, 0.99),
        longest=percentile(times, 1.0),
    )
    voter = Voter(port, paths, tokens[clients:])
    loop = asyncio.get_running_loop()
    while words := (await loop.run_in_executor(None, sys.stdin.readline)).split():
        audience.reset()
        started = time.perf_counter()
        if words[0] == "votes":
            await voter.run(audience.cast, float(words[1]), float(words[2]))
            await asyncio.sleep(0.5)  # what is on its way
        else:
            await loop.run_in_executor(None, sys.stdin.readline)
        _say(**_measured(audience, voter, time.perf_counter() - started))
    for watcher in watchers:
        watcher.close()


@click.command()
@click.option("--port", type=int, required=True)
@click.option("--clients", type=int, required=True)
@click.option("--tokens", type=click.Path(path_type=Path), required=True)
@click.option("--polls", type=click.Path(path_type=Path), required=True, help="Vote paths.")
@click.option("--within", type=float, default=2.0, help="Seconds over which to connect.")
def main(port: int, clients: int, tokens: Path, polls: Path, within: float) -> None:
    """Watch polls with many clients and measure how long updates take."""
    votes = polls.read_text().split()
    uvloop.run(_run(port, tokens.read_text().split(), votes, clients, within))


if __name__ == "__main__":
    main()
