"""One request and its response: what the ASGI application sees of it."""

import asyncio
from collections.abc import Callable
from http import HTTPStatus
from time import time
from typing import Any
from urllib.parse import unquote

from quickpoll.foundation.http1.head import RequestHead
from quickpoll.foundation.http1.link import Link
from quickpoll.foundation.http1.response import BadResponse, Framing, ResponseHead

# Content of a request waiting for the application, in bytes, before reading pauses.
BODY_HIGH_WATER = 65_536
# From this size on, joining head and body into one write costs more than a second write.
_JOIN_LIMIT = 65_536
_ERROR_HEADERS = [(b"content-length", b"0"), (b"connection", b"close")]

Message = dict[str, Any]


class RequestLink(Link):
    """What an exchange asks of the connection that it belongs to."""

    __slots__ = ()

    def send_continue(self) -> None:
        """Tell the client to go on with the body (100)."""
        raise NotImplementedError

    def content_taken(self) -> None:
        """The application has taken what there was of the body."""
        raise NotImplementedError

    def response_complete(self, exchange: "Exchange") -> None:
        """The response has been written."""
        raise NotImplementedError

    def must_close(self, exchange: "Exchange") -> bool:
        """Whether the connection ends with this response."""
        raise NotImplementedError

    def abandon(self, exchange: "Exchange") -> None:
        """The application has ended without a whole response."""
        raise NotImplementedError


class Exchange:
    """The application's side of one request: ``receive``, ``send`` and the task that runs it."""

    __slots__ = (
        "_connection",
        "_content",
        "_head",
        "_left",
        "_readable",
        "_response",
        "_scope",
        "_start",
        "_started_at",
        "body_complete",
        "complete",
        "disconnected",
        "end_delivered",
        "head_sent",
        "task",
    )

    def __init__(self, connection: "RequestLink", head: RequestHead) -> None:
        self._connection = connection
        self._head = head
        self._content = b""
        self._readable: asyncio.Event | None = None
        self._start: Message | None = None
        self._response: ResponseHead | None = None
        self._left = 0
        self._started_at = time()
        self._scope = self._make_scope()
        self.body_complete = False
        self.end_delivered = False
        self.head_sent = False
        self.complete = False
        self.disconnected = False
        self.task: asyncio.Task[None] | None = None

    def _make_scope(self) -> Message:
        connection, head = self._connection, self._head
        path, _, query = head.target.partition(b"?")
        text = path.decode("ascii")
        return {
            "type": "http",
            "http_version": head.version,
            "asgi": {"spec_version": "2.1", "version": "3.0"},
            "method": head.method,
            "scheme": connection.scheme,
            "path": unquote(text) if "%" in text else text,
            "raw_path": path,
            "query_string": query,
            "root_path": connection.server.config.root_path,
            "headers": head.headers,
            "client": connection.client,
            "server": connection.address,
            "state": connection.server.state.copy(),
            "extensions": {},
        }

    # What the connection tells

    def feed(self, content: bytes, *, complete: bool) -> bool:
        """Take a part of the body; False where the application has enough to read for now."""
        self.body_complete = complete
        if self.complete:
            return True
        self._content += content
        self._wake()
        return len(self._content) < BODY_HIGH_WATER

    def disconnect(self) -> None:
        """The client went away: nothing more comes, nothing more is sent."""
        self.disconnected = True
        self._wake()

    def _wake(self) -> None:
        if self._readable is not None:
            self._readable.set()

    # The ASGI application

    async def run(self) -> None:
        """Run the application on this request; whatever it does, the client is not left waiting."""
        server = self._connection.server
        try:
            if server.counts_requests:
                await server.context.mark_request()
            if server.serves(self._head):
                await server.call(self._scope, self.receive, self.send)
            else:
                await self._refuse(HTTPStatus.NOT_FOUND)
        except Exception:
            await server.config.log.exception("Error in ASGI Framework")
        finally:
            await self._finish()
            self._connection.tasks.discard(self.task)

    async def receive(self) -> Message:
        """The ASGI ``receive``: the body in parts, then ``http.disconnect`` once it is so."""
        if self._head.expects_continue and not self.head_sent:
            self._head.expects_continue = False
            if not self.body_complete:
                self._connection.send_continue()
        while not (self.complete or self.disconnected):
            if self._content or (self.body_complete and not self.end_delivered):
                content, self._content = self._content, b""
                self.end_delivered = self.body_complete
                self._connection.content_taken()
                return {
                    "type": "http.request",
                    "body": content,
                    "more_body": not self.body_complete,
                }
            if self._readable is None:
                self._readable = asyncio.Event()
            self._readable.clear()
            await self._readable.wait()
        return {"type": "http.disconnect"}

    async def send(self, message: Message) -> None:
        """The ASGI ``send``: the head waits for the first part of the body, for one write.

        Raises:
            BadResponse: the message is out of order, or makes no legal response.
        """
        kind = message["type"]
        if kind == "http.response.body" and self._start is not None and not self.complete:
            await self._send_body(bytes(message.get("body", b"")), message.get("more_body", False))
        elif kind == "http.response.start" and self._start is None:
            self._start = message
        else:
            raise BadResponse(f"Unexpected message {kind}")

    async def _send_body(self, content: bytes, more: bool) -> None:
        if self.disconnected:
            return
        data = self._frame(content, more)
        connection = self._connection
        if not more:
            self.complete = True
        connection.output.write(data)
        if not more:
            if connection.server.logs_access:
                await self._log_access(self._start)
            self._wake()
            connection.response_complete(self)
        elif not connection.output.writable.is_set():
            await connection.output.writable.wait()

    def _frame(self, content: bytes, more: bool) -> list[bytes]:
        """The bytes to write for a part of the body, the head before the first one."""
        response = self._response or self._open_response()
        parts: list[bytes] = []
        if not self.head_sent:
            connection = self._connection
            parts.append(
                response.render(
                    connection.server.common_headers(), server_closes=connection.must_close(self)
                )
            )
        if response.framing is Framing.LENGTH:
            self._left -= len(content)
            if self._left < 0 or (self._left and not more):
                raise BadResponse("The body does not have the length announced")
        if response.framing is Framing.CHUNKED:
            if content:
                parts += (b"%x\r\n" % len(content), content, b"\r\n")
            if not more:
                parts.append(b"0\r\n\r\n")
        elif response.framing is not Framing.NO_BODY:
            parts.append(content)
        self.head_sent = True
        return parts if len(content) > _JOIN_LIMIT else [b"".join(parts)]

    def _open_response(self) -> ResponseHead:
        start = self._start
        if start is None:
            raise BadResponse("No http.response.start")
        response = ResponseHead(
            int(start["status"]),
            start.get("headers", ()),
            method=self._head.method,
            version=self._head.version,
            client_closes=not self._head.keep_alive,
        )
        self._response = response
        self._left = response.length or 0
        return response

    @property
    def closes(self) -> bool:
        """The connection ends with this response."""
        return self._response is None or self._response.close

    @property
    def awaits_continue(self) -> bool:
        """The client holds its body back until it is told to send it."""
        return self._head.expects_continue

    async def _finish(self) -> None:
        """The application has returned: see to it that the response is whole, or seen as broken."""
        if self.complete:
            return
        if self.disconnected or self.head_sent:
            if self._connection.server.logs_access:
                await self._log_access(None)
            self._connection.abandon(self)
        else:
            await self._refuse(HTTPStatus.INTERNAL_SERVER_ERROR)

    async def _refuse(self, status: int) -> None:
        self._start = {"status": status, "headers": _ERROR_HEADERS}
        self._response = None
        await self._send_body(b"", more=False)

    async def _log_access(self, response: Message | None) -> None:
        log: Callable[..., Any] = self._connection.server.config.log.access
        await log(self._scope, response, time() - self._started_at)
