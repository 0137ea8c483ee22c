"""One client's connection: requests in, one after another, responses out in the same order.

What holds at every moment:

* At most one request is in hand (``_exchange``). What comes after it waits in ``_buffer``, unread.
* The deadline always runs, for whatever is expected next. Event loops read before they look at the
  time: what came before it was over is seen.
* Where the client has ended its side, the request in hand is answered all the same. It is the last
  one: we read no further before it is answered, so what was sent ahead of the end has been read.
"""

import asyncio
from collections.abc import Callable
from http import HTTPStatus

from quickpoll.foundation.http1 import limits
from quickpoll.foundation.http1.body import BodyDecoder, Chunked, FixedLength
from quickpoll.foundation.http1.deadline import Deadline
from quickpoll.foundation.http1.exchange import Exchange, RequestLink
from quickpoll.foundation.http1.head import (
    BadHead,
    HeadParser,
    RequestHead,
    UncommonRequest,
    skip_empty_lines,
)
from quickpoll.foundation.http1.response import error_response, status_line
from quickpoll.foundation.http1.server import Address, Server


class Http1Connection(RequestLink):
    """Takes a transport over from Hypercorn.

    ``hand_back`` is called with bytes that are for Hypercorn's own parser, whose the connection
    then is.
    """

    __slots__ = (
        "_body",
        "_buffer",
        "_deadline",
        "_ended",
        "_exchange",
        "_hand_back",
        "_head_begun",
        "_lingered",
        "_parser",
        "_served",
    )

    def __init__(
        self,
        server: Server,
        transport: asyncio.Transport,
        address: tuple[Address, Address],
        hand_back: Callable[[bytes], None],
    ) -> None:
        super().__init__(server, transport, address)
        self._hand_back = hand_back
        self._parser = HeadParser()
        self._buffer = b""  # an incomplete head, or requests sent before they were due
        self._head_begun = False
        self._body: BodyDecoder | None = None  # of the present request, while it comes in
        self._exchange: Exchange | None = None  # the request whose answer is not complete
        self._served = 0
        self._lingered: int | None = None  # bytes dropped since we closed our side
        self._ended = False  # the client has closed its side
        self._deadline = Deadline(server.loop, self._timed_out)
        self._deadline.within(server.config.keep_alive_timeout)
        server.connections.add(self)

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
        except BadHead as error:
            self._answer_error(error.status)
        seconds = self.server.config.read_timeout
        if seconds is not None:  # of a pause; a head has one as a whole besides
            limit = self._deadline.at_most if self._exchange is None else self._deadline.within
            limit(seconds)

    def eof_received(self) -> bool:
        """The client sends no more. True where it still gets an answer (plain TCP only)."""
        self._ended = True
        exchange = self._exchange
        if exchange is not None and self._body is None and self.scheme == "http":
            self._deadline.within(limits.HALF_CLOSED_SECONDS)
            return True
        if self._head_begun or (exchange is not None and self._body is not None):
            self._answer_error(HTTPStatus.BAD_REQUEST)
        elif exchange is not None:
            exchange.disconnect()
        return False

    def connection_lost(self, exc: Exception | None) -> None:
        """The connection is no more."""
        self.server.connections.discard(self)
        self._deadline.cancel()
        if self._exchange is not None:
            self._exchange.disconnect()
        self.output.ended()
        if not self.closed.done():
            self.closed.set_result(None)

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
        data = skip_empty_lines(data)
        end = data.find(b"\r\n\r\n") + 4
        limit = self.server.config.h11_max_incomplete_size
        if end > limit or (end < 4 and len(data) > limit):
            raise BadHead(431, "Head too long")
        if end < 4:
            self._await_head(data)
            return b""
        try:
            head = self._parser.parse(data[:end])
        except UncommonRequest:
            self._leave(data)
            return b""
        return self._begin(head, data[end:])

    def _await_head(self, data: bytes) -> None:
        if data.count(b"\n") != data.count(b"\r\n"):  # the end would never be found
            raise BadHead(400, "Bare line feed")
        self._buffer = data
        if data.strip() and not self._head_begun:
            self._head_begun = True
            self._deadline.within(limits.HEAD_SECONDS)

    def _begin(self, head: RequestHead, data: bytes) -> bytes:
        exchange = Exchange(self, head)
        self._head_begun = False
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
        self._deadline.cancel()
        self._lingered = 0
        self._hand_back(data)

    # Responses

    def send_continue(self) -> None:
        """Tell the client to send the body that it holds back."""
        if not self.transport.is_closing():
            self.transport.write(
                status_line(HTTPStatus.CONTINUE) + self.server.common_headers() + b"\r\n"
            )

    def must_close(self, exchange: Exchange) -> bool:
        """No further request can follow this one's answer; asked before the answer is sent."""
        if self.stopping or self._served >= self.server.config.keep_alive_max_requests:
            return True
        if self._body is None:
            return self._ended
        remaining = self._body.remaining
        return exchange.awaits_continue or remaining is None or remaining > limits.DRAIN_BYTES

    def response_complete(self, exchange: Exchange) -> None:
        """The answer is written: on to the next request."""
        self._exchange = None
        if exchange.closes or self.stopping or self._ended:
            if self._body is not None or self._buffer:
                self._linger()
            else:
                self.output.close()
            return
        if self._body is not None:
            self._deadline.within(limits.DRAIN_SECONDS)
        else:
            self._expect_next()
        if self._buffer:
            self.server.loop.call_soon(self._go_on)
        else:
            self._resume()

    def _go_on(self) -> None:
        """Read what was sent before its turn, and only then what comes: it may be the end."""
        data, self._buffer = self._buffer, b""
        if not self.transport.is_closing():
            self._resume()
            self.data_received(data)

    def abandon(self, exchange: Exchange) -> None:
        """The answer stays incomplete; only a closed connection can tell the client."""
        if self._exchange is exchange:
            self._exchange = None
            self.output.close()

    def content_taken(self) -> None:
        """The application has read what there was of the body."""
        if self._body is not None:
            self._resume()

    def _answer_error(self, status: int) -> None:
        """Answer a request that cannot be understood, unless an answer is under way; close."""
        exchange, self._exchange = self._exchange, None
        if exchange is None or not exchange.head_sent:
            self.transport.write(error_response(status, self.server.common_headers()))
        if exchange is not None:
            exchange.disconnect()
        self._linger()

    # Ends, and the time until then

    def stop(self) -> None:
        """The server stops: close, once the request in hand is answered.

        One that was sent before the client could know is in hand, too: it may still be on its way.
        """
        self.stopping = True
        if self._lingered is not None:
            self._deadline.at_most(limits.LAST_LINGER_SECONDS)
        elif self._head_begun:
            self._deadline.at_most(limits.LAST_HEAD_SECONDS)
        elif self._exchange is None:
            self._expect_next()

    def _linger(self) -> None:
        """Close our side, and drop what the client still sends until it closes its own."""
        self._lingered = 0
        self._buffer = b""
        if self._ended or not self.transport.can_write_eof():
            self.output.close()
            return
        self.transport.write_eof()
        self._resume()
        seconds = limits.LAST_LINGER_SECONDS if self.stopping else limits.LINGER_SECONDS
        self._deadline.within(seconds)

    def _drop(self, data: bytes) -> None:
        self._lingered = (self._lingered or 0) + len(data)
        if self._lingered > limits.LINGER_BYTES:
            self.transport.abort()

    def _expect_next(self) -> None:
        """Wait for the next request."""
        seconds = self.server.config.keep_alive_timeout
        if self.stopping:
            first = 0.0 if self._served else limits.FIRST_CALL_SECONDS - self.age
            seconds = max(limits.LAST_CALL_SECONDS, first)
        self._deadline.within(seconds)

    def _timed_out(self) -> None:
        config = self.server.config
        reading_body = self._body is not None and self._reading and config.read_timeout is not None
        if self._exchange is not None and not (reading_body or self._ended):
            # It is the application's turn.
            self._deadline.within(config.read_timeout or config.keep_alive_timeout)
        elif self._lingered is not None or self._exchange is not None:
            self.output.close()
        elif self._head_begun:
            self._answer_error(HTTPStatus.REQUEST_TIMEOUT)
        else:
            self.output.close()
