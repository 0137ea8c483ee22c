"""The Socket.IO server: who may connect, what they may ask."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Collection, Iterable
from contextlib import suppress
from time import time
from typing import Any
from urllib.parse import parse_qs

import structlog
from prometheus_client import Counter
from socketio.exceptions import ConnectionRefusedError as Refusal

from quickpoll.auth.admission import Admission
from quickpoll.auth.bearer import bearer
from quickpoll.auth.caller import Caller
from quickpoll.errors import (
    ExpiredToken,
    Forbidden,
    GuestsNotAllowed,
    InvalidToken,
    MissingToken,
    NotFound,
    QuickPollError,
    invalid,
)
from quickpoll.foundation.asyncapi.messages import sent
from quickpoll.foundation.concurrency.time_limits import ANSWER_SECONDS
from quickpoll.foundation.http.problems import as_error
from quickpoll.polls.entry import PollEntry
from quickpoll.polls.ids import is_id
from quickpoll.realtime.audience import FIREHOSE, Audience, Client, room
from quickpoll.realtime.messages import (
    FAREWELL,
    Done,
    LiveRefusal,
    NotDone,
    NotSubscribed,
    Subscribed,
)
from quickpoll.results.poll_view import PollView, PollViews
from quickpoll.socketio.fanout import FanOutManager
from quickpoll.socketio.protocol import SocketServer
from quickpoll.transparency.checkpoints import Checkpoints

log = structlog.get_logger(__name__)

dropped = Counter("quickpoll_socket_clients_dropped_total", "Clients that did not keep up")

PATH = "/ws/updates"
NAMESPACE = "/"
ERASED = "Your data is being erased, and this connection ends with it."

LONGEST_TIMER = 86_400.0

_EVENTS = "subscribe, unsubscribe, follow and unfollow"


class LiveServer:
    """Takes clients in, answers their requests and lets them go."""

    def __init__(
        self,
        sio: SocketServer,
        fanout: FanOutManager,
        admission: Admission,
        views: PollViews,
        audience: Audience,
        entry: PollEntry,
        checkpoints: Checkpoints,
        leeway: float = 0.0,
    ) -> None:
        self._checkpoints = checkpoints
        self.sio = sio
        self._fanout = fanout
        self._admission = admission
        self._views = views
        self._audience = audience
        self._entry = entry
        self._leeway = leeway
        self.on_subscribed: Callable[[PollView], None] = lambda view: None
        """Told of each poll that a client was shown."""
        self.on_left: list[Callable[[str], None]] = []
        """Told of each connection that has ended."""
        self._timers: dict[str, asyncio.TimerHandle] = {}
        self._tasks: set[asyncio.Task[None]] = set()
        fanout.on_connect = self._connected
        fanout.on_drop = self._dropped
        sio.on("connect", self._connect)
        sio.on("disconnect", self._disconnect)
        sio.on("subscribe", self._subscribe)
        sio.on("unsubscribe", self._unsubscribe)
        sio.on("*", self._unknown)

    async def aclose(self) -> None:
        """Let every client go, and nobody in; each connects elsewhere by itself."""
        self.sio.close_door()
        for timer in self._timers.values():
            timer.cancel()
        self._timers.clear()
        for task in list(self._tasks):
            task.cancel()
        for eio_sid in list(self.sio.eio.sockets):
            await self.sio.hang_up(eio_sid)

    def let_go(self, user_ids: Collection[str]) -> None:
        """End the connections of people who are being erased."""
        for sid in self._audience.connections_of(user_ids):
            self._dismiss_soon(sid, Forbidden(ERASED))

    async def _connect(self, sid: str, environ: dict[str, Any], auth: Any = None) -> None:
        try:
            caller = await self._admission.admit_bare(_token(environ, auth), _address(environ))
            self._audience.enter(sid, caller)
        except Exception as error:
            ours = as_error(error)
            raise Refusal(ours.detail, told(ours)) from None

    def _connected(self, sid: str) -> None:
        """The client knows that it is connected: nothing may be sent to it before that."""
        client = self._audience.get(sid)
        if client is not None:
            if not client.caller.guest:  # they hear of what they subscribe to, and nothing else
                self._to_firehose(client)
            self._expire_later(sid, client.caller)

    async def _disconnect(self, sid: str, reason: str | None = None) -> None:
        self._audience.leave(sid)
        for listener in self.on_left:
            listener(sid)
        timer = self._timers.pop(sid, None)
        if timer is not None:
            timer.cancel()

    def _dropped(self, sid: str, reason: str) -> None:
        dropped.inc()
        log.info("client_dropped", reason=reason)

    async def _subscribe(self, sid: str, *arguments: Any) -> dict[str, Any]:
        try:
            poll_ids = self._asked(sid, arguments)
            async with asyncio.timeout(ANSWER_SECONDS):
                return await self._follow(sid, poll_ids)
        except Exception as error:
            return sent(NotSubscribed, {"error": told(as_error(error)), "unknown": []})

    async def _unsubscribe(self, sid: str, *arguments: Any) -> dict[str, Any]:
        try:
            poll_ids = self._asked(sid, arguments)
            client = self._audience.get(sid)
            if client is not None:
                async with client.turn:
                    self.leave(client, poll_ids)
        except Exception as error:
            return sent(NotDone, {"error": told(as_error(error))})
        return sent(Done, {})

    async def _unknown(self, event: str, sid: str, *arguments: Any) -> dict[str, Any]:
        return sent(NotDone, {"error": told(NotFound(f"Clients send {_EVENTS}, nothing else."))})

    def _asked(self, sid: str, arguments: tuple[Any, ...]) -> list[str]:
        client = self._audience.get(sid)
        if client is not None:
            self._admission.again(client.caller)
        return _poll_ids(arguments)

    async def _follow(self, sid: str, poll_ids: list[str]) -> dict[str, Any]:
        client = self._client(sid)
        async with client.turn:
            client = self._client(sid)  # it may have left while it waited
            judged = await self._entry.judge(client.caller, poll_ids)
            if judged.shut:
                return _shut(judged.unknown)
            # Joined before the counts are read, so that no update falls in between.
            new, first = self._join(client, poll_ids)
            try:
                views = await self._views.many(client.caller, poll_ids)
            except BaseException:
                self.leave(client, new)
                if first and self._audience.get(sid) is client:
                    self._to_firehose(client)
                raise
            found = {view.known.id for view in views}
            unknown = [poll_id for poll_id in poll_ids if poll_id not in found]
            self.leave(client, unknown)
            if not await self._all_admit(client, views):  # any more: somebody has just changed it
                self.leave(client, new)
                return _shut(unknown)
            for view in views:
                self.on_subscribed(view)
            heads = await self._checkpoints.of(view.known for view in views)
        shown = [view._replace(checkpoint=heads.get(view.known.id)) for view in views]
        snapshots = [view.snapshot() for view in shown]
        return sent(Subscribed, {"polls": snapshots, "unknown": unknown})

    async def _all_admit(self, client: Client, views: list[PollView]) -> bool:
        for view in views if client.caller.guest else ():
            if not await self._entry.admits(client.caller, view.known):
                return False
        return True

    def _client(self, sid: str) -> Client:
        client = self._audience.get(sid)
        if client is None:
            raise InvalidToken
        return client

    def _join(self, client: Client, poll_ids: list[str]) -> tuple[set[str], bool]:
        """The polls that are new to the client, and whether it was on the firehose before."""
        new = self._audience.follow(client, poll_ids)
        first = self._audience.leave_firehose(client)
        self._fanout.basic_leave_room(client.sid, NAMESPACE, FIREHOSE)
        for poll_id in new:
            self._fanout.basic_enter_room(client.sid, NAMESPACE, room(poll_id))
        return new, first

    def leave(self, client: Client, poll_ids: Iterable[str]) -> None:
        """Let a client follow these polls no longer."""
        self._audience.unfollow(client, poll_ids)
        for poll_id in poll_ids:
            self._fanout.basic_leave_room(client.sid, NAMESPACE, room(poll_id))

    def _to_firehose(self, client: Client) -> None:
        self._audience.join_firehose(client)
        self._fanout.basic_enter_room(client.sid, NAMESPACE, FIREHOSE)

    def _expire_later(self, sid: str, caller: Caller) -> None:
        seconds = min(caller.expires_at + self._leeway - time(), LONGEST_TIMER)
        loop = asyncio.get_running_loop()
        self._timers[sid] = loop.call_later(seconds, self._expired, sid, caller)

    def _expired(self, sid: str, caller: Caller) -> None:
        if time() < caller.expires_at + self._leeway:
            self._expire_later(sid, caller)
        else:
            self._dismiss_soon(sid, ExpiredToken())

    def _dismiss_soon(self, sid: str, why: QuickPollError) -> None:
        task = asyncio.create_task(self._dismiss(sid, why))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _dismiss(self, sid: str, why: QuickPollError) -> None:
        eio_sid = self._fanout.eio_sid_from_sid(sid, NAMESPACE)
        self._fanout.send(FAREWELL, told(why), sids=[sid])
        await self.sio.disconnect(sid)
        await self.sio.hang_up(eio_sid)


def _token(environ: dict[str, Any], auth: Any) -> str | None:
    """The token of a handshake: ``auth: {token}``, the header, or ``?token=``."""
    given = auth.get("token") if isinstance(auth, dict) else None
    if isinstance(given, str) and given:
        return given.removeprefix("Bearer ").strip()
    with suppress(MissingToken):
        return bearer(environ.get("HTTP_AUTHORIZATION"))
    values = parse_qs(environ.get("QUERY_STRING", "")).get("token", [])
    return values[0] if values else None


def _address(environ: dict[str, Any]) -> str:
    """Where a handshake came from, as the request middleware has put it right."""
    client = environ["asgi.scope"].get("client")
    return str(client[0]) if client else "<local>"


def _poll_ids(arguments: tuple[Any, ...]) -> list[str]:
    """The ids in ``{pollIds: […]}``, each once, in lower case.

    Raises :class:`~quickpoll.errors.InvalidRequest` for what is no id at all.
    """
    said = arguments[0] if arguments else None
    poll_ids = said.get("pollIds") if isinstance(said, dict) else None
    if not isinstance(poll_ids, list) or not all(is_id(one) for one in poll_ids):
        raise invalid("pollIds", "Give a list of ids, each of 24 hexadecimal digits.")
    return list(dict.fromkeys(one.lower() for one in poll_ids))


def _shut(unknown: Iterable[str]) -> dict[str, Any]:
    return sent(NotSubscribed, {"error": told(GuestsNotAllowed()), "unknown": list(unknown)})


def told(error: QuickPollError) -> dict[str, str]:
    """An error as an acknowledgement carries it."""
    return sent(LiveRefusal, {"code": error.code, "detail": error.detail})
