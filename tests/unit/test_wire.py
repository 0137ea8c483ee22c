"""The wires of `make faults`: what goes into a stalled one comes out, however late."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import suppress
from dataclasses import dataclass, field

import pytest

from tests.accepting import stop_accepting
from tests.faults.wire import Wire

Speak = Callable[[bytes], Awaitable[tuple[asyncio.StreamReader, asyncio.StreamWriter]]]


@dataclass
class Store:
    """Keeps what it hears, and answers each piece with its length."""

    heard: asyncio.Queue[bytes] = field(default_factory=asyncio.Queue)

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """One connection."""
        while data := await reader.read(100):
            self.heard.put_nowait(data)
            writer.write(f"{len(data)}\n".encode())
        self.heard.put_nowait(b"")
        writer.close()


@pytest.fixture
def store() -> Store:
    """What the wire leads to."""
    return Store()


@pytest.fixture
async def wire(store: Store) -> AsyncIterator[Wire]:
    """A wire to the store."""
    server = await asyncio.start_server(store.serve, "127.0.0.1", 0)
    wire = Wire(server.sockets[0].getsockname()[1])
    await wire.start()
    async with asyncio.timeout(20):
        yield wire
    await wire.aclose()
    await stop_accepting(server)
    await server.wait_closed()


@pytest.fixture
async def speak(wire: Wire) -> AsyncIterator[Speak]:
    """Says a word over a new connection, which is closed with the test."""
    writers = []

    async def speak(word: bytes) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        reader, writer = await asyncio.open_connection("127.0.0.1", wire.port)
        writers.append(writer)
        writer.write(word)
        await writer.drain()
        return reader, writer

    yield speak
    wire.cut()
    for writer in writers:
        writer.close()
        with suppress(OSError):
            await writer.wait_closed()


async def test_both_ways(speak: Speak, store: Store) -> None:
    reader, writer = await speak(b"hello")
    assert await store.heard.get() == b"hello"
    assert await reader.readline() == b"5\n"
    writer.close()
    assert await store.heard.get() == b""


async def test_what_its_sender_has_given_up_arrives_late(
    speak: Speak, wire: Wire, store: Store
) -> None:
    wire.silence()
    _, writer = await speak(b"late")
    writer.close()
    await writer.wait_closed()
    await speak(b"another")
    assert store.heard.empty()
    wire.mend()
    assert {await store.heard.get() for _ in range(3)} >= {b"late", b""}


async def test_a_store_that_hears_and_is_not_heard(speak: Speak, wire: Wire, store: Store) -> None:
    wire.silence(forth=False)
    reader, _ = await speak(b"hello")
    assert await store.heard.get() == b"hello"
    answer = asyncio.create_task(reader.readline())
    await asyncio.sleep(0)
    assert not answer.done()
    wire.mend()
    assert await answer == b"5\n"


async def test_each_piece_is_held_up(speak: Speak, wire: Wire, store: Store) -> None:
    asked: list[float] = []

    def delay() -> float:
        asked.append(0.0)
        return 0.0

    wire.slow_down(delay)
    reader, writer = await speak(b"one")
    await reader.readline()
    writer.write(b"two")
    await reader.readline()
    assert len(asked) == 2


async def ended(reader: asyncio.StreamReader) -> bool:
    """Whether the connection is broken off, one way or the other."""
    try:
        return await reader.read() == b""
    except ConnectionResetError:
        return True


async def test_a_cut_breaks_what_is_open_and_what_is_new(speak: Speak, wire: Wire) -> None:
    reader, _ = await speak(b"hello")
    assert await reader.readline() == b"5\n"
    wire.cut()
    assert await ended(reader)
    refused, _ = await speak(b"")
    assert await ended(refused)
    wire.mend()
    reader, _ = await speak(b"again")
    assert await reader.readline() == b"5\n"
