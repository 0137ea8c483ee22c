"""A wire between one instance and one store: held, cut, slow, or late by one message.

Invariants:

- What was taken from a client is delivered in its order, or (after a cut) not at all.
- A client that closes its socket ends nothing: what it has said before still arrives, and only then
  does the store hear that the client has gone. So a write can land long after its time.
- Nothing is lost but by :meth:`Wire.cut`.
"""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine, Iterator
from contextlib import contextmanager, suppress
from threading import Thread
from typing import Any, Literal

from tests.accepting import stop_accepting
from tests.exact.framing import Framing, answered_id, request_id, without_majority
from tests.exact.traps import Caught

Direction = Literal["up", "down"]
"""``up`` is to the store, ``down`` is what it answers."""

both_ways: tuple[Direction, ...] = ("up", "down")

host = "127.0.0.1"


class Flow:
    """One direction of all connections of a wire: whether it flows, and how slowly."""

    def __init__(self) -> None:
        self.open = asyncio.Event()
        self.open.set()
        self.seconds = 0.0
        self.carried: list[bytes] | None = None

    async def close(self) -> None:
        """Nothing flows."""
        self.open.clear()

    async def reopen(self) -> None:
        """Everything flows."""
        self.open.set()


class Wire:
    """Forwards a port of its own to a store on this machine.

    It runs in a thread of its own: an instance that blocks its event loop blocks no wire. What the
    methods do is done when they return.
    """

    def __init__(self, target: int, framing: Framing) -> None:
        self._target = target
        self._framing = framing
        self._loop = asyncio.new_event_loop()
        self._thread = Thread(target=self._loop.run_forever, name="wire", daemon=True)
        self._links: set[Link] = set()
        self._flows: dict[Direction, Flow] = {}
        self._traps: list[Caught] = []
        self._unconfirmed: tuple[bytes, ...] = ()
        self._whole = True
        self.port = 0

    def start(self) -> None:
        """Listen."""
        self._thread.start()
        self._do(self._listen())

    def pause(self, *directions: Direction) -> None:
        """Hold everything (or one direction), and keep the connections."""
        for direction in directions or both_ways:
            self._do(self._flows[direction].close())

    def delay(self, seconds: float, *directions: Direction) -> None:
        """Deliver everything (or one direction) so much later."""
        for direction in directions or both_ways:
            self._flows[direction].seconds = seconds

    def catch(self, *parts: bytes, nth: int = 0, answers: bool = False) -> Caught:
        """Hold the n-th message to the store, from 0, that contains all these bytes."""
        trap = Caught(parts, nth, answers=answers)
        self._traps.append(trap)
        return trap

    @contextmanager
    def unconfirmed(self, *parts: bytes) -> Iterator[None]:
        """MongoDB writes what contains all these bytes, and says that no majority has it yet."""
        self._unconfirmed = parts
        try:
            yield
        finally:
            self._unconfirmed = ()

    def cut(self) -> None:
        """Break all connections, and every new one at once; what was held is lost."""
        self._do(self._cut())

    def mend(self) -> None:
        """Carry everything again, at once; what was held goes first."""
        self._whole = True
        for flow in self._flows.values():
            flow.seconds = 0.0
            self._do(flow.reopen())

    def record(self) -> list[bytes]:
        """Keep each message to the store from now on; answers the list that they go to."""
        carried: list[bytes] = []
        self._flows["up"].carried = carried
        return carried

    def close(self) -> None:
        """Stop listening and forwarding."""
        self._do(self._end())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()

    def take(self, message: bytes) -> Caught | None:
        """The trap for a message to the store, if there is one; and keep it, where asked to."""
        carried = self._flows["up"].carried
        if carried is not None:
            carried.append(message)
        return next((trap for trap in self._traps if trap.takes(message)), None)

    def stays_unconfirmed(self, message: bytes) -> bool:
        """Whether the answer to this message is to say that no majority has it."""
        parts = self._unconfirmed
        return bool(parts) and all(part in message for part in parts)

    def _do(self, step: Coroutine[Any, Any, None]) -> None:
        asyncio.run_coroutine_threadsafe(step, self._loop).result(10)

    async def _listen(self) -> None:
        self._flows = {"up": Flow(), "down": Flow()}
        self._server = await asyncio.start_server(self._join, host, 0)
        self.port = self._server.sockets[0].getsockname()[1]

    async def _cut(self) -> None:
        self._whole = False
        for link in list(self._links):
            link.abort()

    async def _end(self) -> None:
        await stop_accepting(self._server)
        await self._cut()
        # Whoever is being accepted joins in a later task, and that one's links run in more.
        while others := asyncio.all_tasks() - {asyncio.current_task()}:
            await asyncio.wait(others)
        await asyncio.sleep(0)  # sockets are closed one step after their links

    async def _join(self, near: asyncio.StreamReader, back: asyncio.StreamWriter) -> None:
        try:
            far, forth = await asyncio.open_connection(host, self._target)
        except OSError:
            back.transport.abort()
            return
        link = Link(self, self._flows, self._framing)
        if self._whole:
            self._links.add(link)
            carried = link.carry((near, back), (far, forth))
            carried.add_done_callback(lambda _: self._links.discard(link))
        else:
            back.transport.abort()
            forth.transport.abort()


class Link:
    """One connection of a wire."""

    def __init__(self, wire: Wire, flows: dict[Direction, Flow], framing: Framing) -> None:
        self._wire = wire
        self._flows = flows
        self._framing = framing
        self._answers = asyncio.Event()
        self._answers.set()
        self._delivered: list[Caught] = []
        self._rewritten: set[int] = set()
        self._writers: list[asyncio.StreamWriter] = []
        self._tasks: list[asyncio.Task[None]] = []

    def carry(self, near: Stream, far: Stream) -> asyncio.Task[None]:
        """Carry both directions; answers the task that does so until both have ended."""
        self._writers = [near[1], far[1]]
        up: Line = asyncio.Queue()
        down: Line = asyncio.Queue()
        steps = (
            self._read(near[0], up),
            self._deliver_up(up, far[1]),
            self._read(far[0], down),
            self._deliver_down(down, near[1]),
        )
        self._tasks = [asyncio.create_task(one) for one in steps]
        return asyncio.create_task(self._finish())

    async def _finish(self) -> None:
        await self.ended()
        for writer in self._writers:
            writer.close()

    def abort(self) -> None:
        """End it now, on both sides."""
        for writer in self._writers:
            writer.transport.abort()
        for task in self._tasks:
            task.cancel()

    async def ended(self) -> None:
        """Wait until nothing of it runs."""
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def _read(self, reader: asyncio.StreamReader, line: Line) -> None:
        loop = asyncio.get_running_loop()
        with suppress(OSError):
            while data := await reader.read(65536):
                line.put_nowait((loop.time(), data))
        line.put_nowait(None)

    async def _deliver_up(self, line: Line, writer: asyncio.StreamWriter) -> None:
        buffer = bytearray()
        with suppress(OSError):
            while (piece := await line.get()) is not None:
                buffer += piece[1]
                for message in self._framing(buffer):
                    await self._send(message, piece[0], writer)
        await self._flows["up"].open.wait()
        with suppress(OSError):
            writer.write_eof()  # the answer may still come

    async def _send(self, message: bytes, came: float, writer: asyncio.StreamWriter) -> None:
        trap = self._wire.take(message)
        if trap is not None and trap.answers:
            self._answers.clear()
            self._tasks.append(asyncio.create_task(self._answer_later(trap)))
        elif trap is not None:
            await trap.released()
        await _flowing(self._flows["up"], came)
        if trap is not None:
            self._delivered.append(trap)
        if self._wire.stays_unconfirmed(message):
            self._rewritten.add(request_id(message))
        writer.write(message)
        await writer.drain()

    async def _answer_later(self, trap: Caught) -> None:
        await trap.released()
        self._answers.set()

    async def _deliver_down(self, line: Line, writer: asyncio.StreamWriter) -> None:
        buffer = bytearray()
        while (piece := await line.get()) is not None:
            for trap in self._delivered:
                trap.answered()
            await self._answers.wait()
            await _flowing(self._flows["down"], piece[0])
            with suppress(OSError):
                writer.write(self._rewrite(buffer, piece[1]))
                await writer.drain()
        await self._flows["down"].open.wait()
        writer.close()

    def _rewrite(self, buffer: bytearray, data: bytes) -> bytes:
        """What the client is told: the same, or that no majority has the write yet."""
        if not self._rewritten:
            return data
        buffer += data
        told = b""
        for message in self._framing(buffer):
            if answered_id(message) in self._rewritten:
                self._rewritten.discard(answered_id(message))
                told += without_majority(message)
            else:
                told += message
        return told


Stream = tuple[asyncio.StreamReader, asyncio.StreamWriter]

Line = asyncio.Queue[tuple[float, bytes] | None]
"""What has come, each with its time; ``None`` is the end."""


async def _flowing(flow: Flow, came: float) -> None:
    await flow.open.wait()
    if flow.seconds:
        await asyncio.sleep(came + flow.seconds - asyncio.get_running_loop().time())
