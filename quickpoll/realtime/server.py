"""The Socket.IO server: who may connect, what they may ask."""

from __future__ import annotations

import asyncio
from time import time
from typing import Any
from urllib.parse import parse_qs

import socketio
import structlog
from engineio.packet import NOOP, Packet
from socketio.exceptions import ConnectionRefusedError as Refusal

from quickpoll.auth.caller import Caller
from quickpoll.auth.gatekeeper import Gatekeeper
from quickpoll.auth.guard import bearer
from quickpoll.errors import InternalError, InvalidToken, QuickPollError, Unavailable, invalid
from quickpoll.foundation.mongo import is_outage
from quickpoll.polls.ids import is_id
from quickpoll.realtime.audience import Audience, Client, firehose, room
from quickpoll.results.view import PollViews

log = structlog.get_logger(__name__)

path = "/ws/updates"
farewell = "session-ended"
"""The event that tells a client why it is about to be disconnected: ``{code, detail}``."""

longest_timer = 86_400.0


class LiveServer:
    """Takes clients in, answers their requests and lets them go."""

    def __init__(
        self,
        sio: socketio.AsyncServer,
        gatekeeper: Gatekeeper,
        views: PollViews,
        audience: Audience,
    ) -> None:
        self.sio = sio
        self._gatekeeper = gatekeeper
        self._views = views
        self._audience = audience
        self._timers: dict[str, asyncio.TimerHandle] = {}
        self._tasks: set[asyncio.Task[None]] = set()
        sio.on("connect", self._connect)
        sio.on("disconnect", self._disconnect)
        sio.on("subscribe", self._subscribe)
        sio.on("unsubscribe", self._unsubscribe)

    async def aclose(self) -> None:
        """Let every client go; each connects elsewhere by itself."""
        for timer in self._timers.values():
            timer.cancel()
        self._timers.clear()
        for task in list(self._tasks):
            task.cancel()
        for eio_sid in list(self.sio.eio.sockets):
            await self._hang_up(eio_sid)

    async def _hang_up(self, eio_sid: str) -> None:
        """End a connection as a network failure would.

        A goodbye in words (Engine.IO's packet CLOSE) is final for some clients, Python's among
        them; after a lost transport every client connects again.
        """
        connection = self.sio.eio.sockets.get(eio_sid)
        if connection is not None:
            reason = self.sio.reason.SERVER_DISCONNECT
            await connection.close(wait=False, abort=True, reason=reason)
            # Ends the WebSocket, or answers the request that waits; the next one finds no session.
            connection.queue.put_nowait(None if connection.upgraded else Packet(NOOP))

    async def _connect(self, sid: str, environ: dict[str, Any], auth: Any = None) -> None:
        try:
            caller = await self._gatekeeper.admit_bare(_token(environ, auth), _address(environ))
            self._audience.enter(sid, caller)
        except QuickPollError as error:
            raise Refusal(error.detail, _told(error)) from None
        self._expire_later(sid, caller)
        self._spawn(self._join_firehose(sid))

    async def _join_firehose(self, sid: str) -> None:
        """Once the client has been told that it is connected: nothing may come before that."""
        while not self.sio.manager.is_connected(sid, "/"):
            client = self._audience.get(sid)
            if client is None:
                return
            await asyncio.sleep(0)
        client = self._audience.get(sid)
        if client is not None and client.on_firehose:
            await self.sio.enter_room(sid, firehose)

    async def _disconnect(self, sid: str, reason: str | None = None) -> None:
        self._audience.leave(sid)
        timer = self._timers.pop(sid, None)
        if timer is not None:
            timer.cancel()

    async def _subscribe(self, sid: str, *arguments: Any) -> dict[str, Any]:
        client = self._audience.get(sid)
        if client is None:
            return {"error": _told(InvalidToken()), "unknown": []}
        try:
            self._gatekeeper.again(client.caller)
            return await self._follow(client, _poll_ids(arguments))
        except Exception as error:
            return {"error": _told(_as_ours(error)), "unknown": []}

    async def _follow(self, client: Client, poll_ids: list[str]) -> dict[str, Any]:
        # Joined before the counts are read, so that no update falls in between.
        new = self._audience.follow(client, poll_ids)
        await self.sio.leave_room(client.sid, firehose)
        for poll_id in new:
            await self.sio.enter_room(client.sid, room(poll_id))
        sights = await self._views.many(client.caller, poll_ids)
        found = {sight.known.id for sight in sights}
        unknown = [poll_id for poll_id in poll_ids if poll_id not in found]
        await self._unfollow(client, unknown)
        return {"polls": [sight.snapshot() for sight in sights], "unknown": unknown}

    async def _unsubscribe(self, sid: str, *arguments: Any) -> dict[str, Any]:
        client = self._audience.get(sid)
        try:
            if client is not None:
                await self._unfollow(client, _poll_ids(arguments))
        except QuickPollError as error:
            return {"error": _told(error)}
        return {}

    async def _unfollow(self, client: Client, poll_ids: list[str]) -> None:
        self._audience.unfollow(client, poll_ids)
        for poll_id in poll_ids:
            await self.sio.leave_room(client.sid, room(poll_id))

    def _expire_later(self, sid: str, caller: Caller) -> None:
        seconds = min(caller.expires_at - time(), longest_timer)
        loop = asyncio.get_running_loop()
        self._timers[sid] = loop.call_later(seconds, self._expired, sid, caller)

    def _expired(self, sid: str, caller: Caller) -> None:
        if time() < caller.expires_at:
            self._expire_later(sid, caller)
        else:
            self._spawn(self._dismiss(sid))

    async def _dismiss(self, sid: str) -> None:
        told = {"code": "expired_token", "detail": "The token has expired; connect with a new one."}
        await self.sio.emit(farewell, told, to=sid)
        await self.sio.disconnect(sid)

    def _spawn(self, work: Any) -> None:
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)


def _token(environ: dict[str, Any], auth: Any) -> str | None:
    """The token of a handshake: ``auth: {token}``, the header, or ``?token=``."""
    if isinstance(auth, dict) and isinstance(auth.get("token"), str):
        return str(auth["token"]).removeprefix("Bearer ").strip()
    header = environ.get("HTTP_AUTHORIZATION")
    if header:
        return bearer(header)
    values = parse_qs(environ.get("QUERY_STRING", "")).get("token", [])
    return values[0] if values else None


def _address(environ: dict[str, Any]) -> str:
    """Where a handshake came from, as the entrance has put it right."""
    client = environ["asgi.scope"].get("client")
    return str(client[0]) if client else "<local>"


def _poll_ids(arguments: tuple[Any, ...]) -> list[str]:
    """The ids in ``{pollIds: […]}``, each once, in lower case.

    Raises :class:`~quickpoll.errors.InvalidRequest` for what is no id at all.
    """
    said = arguments[0] if arguments else None
    poll_ids = said.get("pollIds") if isinstance(said, dict) else None
    if not isinstance(poll_ids, list) or not all(is_id(one) for one in poll_ids):
        raise invalid("pollIds", "must be a list of ids, each 24 hexadecimal digits")
    return list(dict.fromkeys(one.lower() for one in poll_ids))


def _told(error: QuickPollError) -> dict[str, str]:
    return {"code": error.code, "detail": error.detail}


def _as_ours(error: Exception) -> QuickPollError:
    if isinstance(error, QuickPollError):
        return error
    if is_outage(error):
        return Unavailable()
    log.error("socket_request_failed", exc_info=error)
    return InternalError()
