"""One client's connection: requests in, one after another, responses out in the same order."""

import asyncio
from collections.abc import Callable

from .body import BodyDecoder, Chunked, FixedLength
from .exchange import Exchange
from .head import BadRequestError, HeadParser, RequestHead, UncommonRequestError
from .server import Address, Server

# What is left of a body that was answered early is read and dropped up to this many bytes, and
# for this many seconds, so that the connection serves on; beyond, the answer says that it closes.
DRAIN_BYTES = 1_048_576
DRAIN_SECONDS = 5.0
# Closing while a client still sends makes its kernel drop our answer. So it may finish sending.
LINGER_BYTES = 16 * DRAIN_BYTES
LINGER_SECONDS = 5.0
# What a client sends before it can know that we stop still gets its answer.
LAST_CALL_SECONDS = 0.25
# Whoever has only just connected did so to ask something.
FIRST_CALL_SECONDS = 1.0


class Http1Connection(asyncio.Protocol):
    """Takes a transport over from Hypercorn.

    Arguments:
        server: what all connections of this server share.
        hand_back: called with bytes that are for Hypercorn's own parser; the connection is
            its from then on.
    """

    __slots__ = (
        "_body",
        "_buffer",
        "_deadline",
        "_exchange",
        "_hand_back",
        "_lingered",
        "_parser",
        "_reading",
        "_served",
        "_timer",
        "address",
        "client",
        "closed",
        "scheme",
        "server",
        "stopping",
        "tasks",
        "transport",
        "writable",
    )

    def __init__(
        self,
        server: Server,
        transport: asyncio.Transport,
        address: tuple[Address, Address],
        hand_back: Callable[[bytes], None],
    ) -> None:
        self.server = server
        self.transport = transport
        self.client, self.address = address
        self.scheme = "https" if transport.get_extra_info("ssl_object") else "http"
        self.closed: asyncio.Future[None] = server.loop.create_future()
        self.tasks: set[asyncio.Task[None] | None] = set()
        self.writable = server.always_writable
        self.stopping = False
        self._hand_back = hand_back
        self._parser = HeadParser()
        self._buffer = b""  # an incomplete head, or requests sent before they were due
        self._body: BodyDecoder | None = None  # of the present request, while it comes in
        self._exchange: Exchange | None = None  # the request whose answer is not complete
        self._served = 0
        self._lingered: int | None = None  # bytes dropped since we closed our side
        self._reading = True
        self._deadline = 0.0
        self._timer: asyncio.TimerHandle | None = None
        self._expect_within(server.config.keep_alive_timeout)
        server.connections.add(self)

    # What the transport tells

    def data_received(self, data: bytes) -> None:
        """Bytes came in."""
        if self._lingered is not None:
            self._drop(data)
            return
        if self._buffer:
            data = self._buffer + data
            self._buffer = b""
        try:
            self._consume(data)
        except BadRequestError as error:
            self._answer_error(error.status)
        if self.server.config.read_timeout is not None:
            self._limit_silence(self.server.config.read_timeout)

    def eof_received(self) -> None:
        """The client sends no more: as good as gone, as for Hypercorn itself."""
        if self._exchange is not None:
            self._exchange.disconnect()

    def connection_lost(self, exc: Exception | None) -> None:
        """The connection is no more."""
        self.server.connections.discard(self)
        if self._timer is not None:
            self._timer.cancel()
        if self._exchange is not None:
            self._exchange.disconnect()
        self.writable.set()
        if not self.closed.done():
            self.closed.set_result(None)

    def pause_writing(self) -> None:
        """The client reads more slowly than we write."""
        self.writable = asyncio.Event()

    def resume_writing(self) -> None:
        """What was written is nearly sent."""
        self.writable.set()

    # Requests

    def _consume(self, data: bytes) -> None:
        while data and self._lingered is None:
            if self._body is not None:
                data = self._feed_body(self._body, data)
            elif self._exchange is None:
                data = self._read_head(data)
            else:  # sent before the present one was answered: it waits, unread
                self._buffer = data
                self._pause()
                return

    def _read_head(self, data: bytes) -> bytes:
        """Begin the request that ``data`` begins with; returns what follows its head."""
        if data[0] <= ord(" "):
            raise BadRequestError(400, "No request line")
        end = data.find(b"\r\n\r\n") + 4
        limit = self.server.config.h11_max_incomplete_size
        if end > limit or (end < 4 and len(data) > limit):
            raise BadRequestError(431, "Head too long")
        if end < 4:
            if data.count(b"\n") != data.count(b"\r\n"):  # the end would never be found
                raise BadRequestError(400, "Bare line feed")
            self._buffer = data
            return b""
        try:
            head = self._parser.parse(data[:end])
        except UncommonRequestError:
            self._leave(data)
            return b""
        return self._begin(head, data[end:])

    def _begin(self, head: RequestHead, data: bytes) -> bytes:
        exchange = Exchange(self, head)
        self._served += 1
        self._exchange = exchange
        if head.chunked:
            self._body = Chunked(self.server.config.h11_max_incomplete_size)
        elif head.content_length:
            self._body = FixedLength(head.content_length)
        else:
            exchange.body_complete = True
        if self._body is not None and data:
            data = self._feed_body(self._body, data)
        exchange.task = self.server.loop.create_task(exchange.run())
        self.tasks.add(exchange.task)
        return data

    def _feed_body(self, body: BodyDecoder, data: bytes) -> bytes:
        content, rest = body.feed(data)
        if body.done:
            self._body = None
        if self._exchange is None:  # answered already
            if body.done:
                self._expect_next()
        elif not self._exchange.feed(content, complete=body.done):
            self._pause()
        return rest

    def _leave(self, data: bytes) -> None:
        """Let Hypercorn's own parser serve this connection from ``data`` on."""
        self.server.connections.discard(self)
        if self._timer is not None:
            self._timer.cancel()
        self._lingered = 0
        self._hand_back(data)

    # Responses

    def write(self, parts: list[bytes]) -> None:
        """Send bytes, in one go where they are one."""
        for part in parts:
            self.transport.write(part)

    def send_continue(self) -> None:
        """Tell the client to send the body that it holds back."""
        if not self.transport.is_closing():
            self.transport.write(b"HTTP/1.1 100 \r\n" + self.server.common_headers() + b"\r\n")

    def must_close(self, exchange: Exchange) -> bool:
        """No further request can follow this one's answer; asked before the answer is sent."""
        if self.stopping or self._served >= self.server.config.keep_alive_max_requests:
            return True
        if self._body is None:
            return False
        remaining = self._body.remaining
        return exchange.awaits_continue or remaining is None or remaining > DRAIN_BYTES

    def response_complete(self, exchange: Exchange) -> None:
        """The answer is written: on to the next request."""
        self._exchange = None
        if exchange.closes or self.stopping:
            self._close_gently()
            return
        if self._body is not None:
            self._expect_within(DRAIN_SECONDS)
        else:
            self._expect_next()
        self._resume()
        if self._buffer:
            data, self._buffer = self._buffer, b""
            self.server.loop.call_soon(self.data_received, data)

    def abandon(self, exchange: Exchange) -> None:
        """The answer stays incomplete; only a closed connection can tell the client."""
        if self._exchange is exchange:
            self._exchange = None
            self.transport.close()

    def content_taken(self) -> None:
        """The application has read what there was of the body."""
        if self._body is not None:
            self._resume()

    def _answer_error(self, status: int) -> None:
        """Answer a request that cannot be understood, unless an answer is under way; close."""
        exchange, self._exchange = self._exchange, None
        if exchange is None or not exchange.head_sent:
            self.transport.write(
                b"HTTP/1.1 %d \r\ncontent-length: 0\r\nconnection: close\r\n" % status
                + self.server.common_headers()
                + b"\r\n"
            )
        if exchange is not None:
            exchange.disconnect()
        self._linger()

    # Ends

    def stop(self) -> None:
        """The server stops: close, once the request in hand is answered.

        One that was sent before the client could know is in hand, too: it may still be on its way.
        """
        self.stopping = True
        if self._exchange is None:
            self._expect_next()

    def _close_gently(self) -> None:
        if self._body is not None or self._buffer:
            self._linger()
        else:
            self.transport.close()

    def _linger(self) -> None:
        """Close our side, and drop what the client still sends until it closes its own."""
        self._lingered = 0
        self._buffer = b""
        if self.stopping or not self.transport.can_write_eof():
            self.transport.close()
            return
        self.transport.write_eof()
        self._resume()
        self._expect_within(LINGER_SECONDS)

    def _drop(self, data: bytes) -> None:
        self._lingered = (self._lingered or 0) + len(data)
        if self._lingered > LINGER_BYTES:
            self.transport.abort()

    # Time

    def _expect_next(self) -> None:
        """Wait for the next request."""
        if not self.stopping:
            self._expect_within(self.server.config.keep_alive_timeout)
        else:
            self._expect_within(LAST_CALL_SECONDS if self._served else FIRST_CALL_SECONDS)

    def _expect_within(self, seconds: float) -> None:
        """Close unless the client's next step begins within ``seconds``.

        The timer is not started anew for each request: one that goes off looks whether it is
        time, and sleeps on if not.
        """
        loop = self.server.loop
        self._deadline = loop.time() + seconds
        if self._timer is None or self._timer.when() > self._deadline:
            if self._timer is not None:
                self._timer.cancel()
            self._timer = loop.call_at(self._deadline, self._timed_out)

    def _limit_silence(self, seconds: float) -> None:
        """Each pause within a request has its limit; a head has one as a whole besides."""
        now = self.server.loop.time()
        if self._exchange is not None or now + seconds < self._deadline:
            self._expect_within(seconds)

    def _timed_out(self) -> None:
        self._timer = None
        loop, config = self.server.loop, self.server.config
        reading_body = self._body is not None and self._reading and config.read_timeout is not None
        if self._exchange is not None and not reading_body:  # it is the application's turn
            self._expect_within(config.read_timeout or config.keep_alive_timeout)
        elif loop.time() < self._deadline:
            self._timer = loop.call_at(self._deadline, self._timed_out)
        else:
            self.transport.close()

    def _pause(self) -> None:
        if self._reading:
            self._reading = False
            self.transport.pause_reading()

    def _resume(self) -> None:
        if not self._reading:
            self._reading = True
            self.transport.resume_reading()
