"""The audience of this instance: who is connected, and which polls each one follows."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Collection, Iterable
from dataclasses import dataclass, field

from quickpoll.auth.caller import Caller
from quickpoll.errors import Overloaded, RateLimited, TooManySubscriptions
from quickpoll.realtime.messages import MOST_POLLS

FIREHOSE = "firehose"
"""The room of those who have subscribed to nothing: they get every public poll."""


def room(poll_id: str) -> str:
    """The room of those who follow a poll."""
    return f"poll:{poll_id}"


@dataclass(slots=True)
class Client:
    """One Socket.IO connection."""

    sid: str
    caller: Caller
    polls: set[str] = field(default_factory=set)
    turn: asyncio.Lock = field(default_factory=asyncio.Lock)
    """Held by the request of the client that is being answered: one after the other."""


class Audience:
    """Knows the clients of this instance; bounded in all and for each user."""

    def __init__(self, most_clients: int, most_of_user: int) -> None:
        self._most_clients = most_clients
        self._most_of_user = most_of_user
        self._clients: dict[str, Client] = {}
        self._by_user: Counter[str] = Counter()
        self._followers: dict[str, dict[str, Client]] = {}
        self._on_firehose: dict[str, Client] = {}

    def __len__(self) -> int:
        return len(self._clients)

    @property
    def subscriptions(self) -> int:
        """How many subscriptions there are."""
        return sum(len(followers) for followers in self._followers.values())

    def enter(self, sid: str, caller: Caller) -> Client:
        """Take a client in; it gets nothing yet.

        Raises :class:`~quickpoll.errors.Overloaded` and :class:`~quickpoll.errors.RateLimited`.
        """
        if len(self._clients) >= self._most_clients:
            raise Overloaded("This instance has as many clients as it can serve.")
        if self._by_user[caller.user_id] >= self._most_of_user:
            raise RateLimited(detail="You have too many connections open.")
        client = Client(sid, caller)
        self._clients[sid] = client
        self._by_user[caller.user_id] += 1
        return client

    def join_firehose(self, client: Client) -> None:
        """Let a client have every public poll."""
        self._on_firehose[client.sid] = client

    def leave_firehose(self, client: Client) -> bool:
        """Take a client off the firehose; answers whether it was there."""
        return self._on_firehose.pop(client.sid, None) is not None

    def leave(self, sid: str) -> None:
        """Forget a client."""
        client = self._clients.pop(sid, None)
        if client is None:
            return
        self._on_firehose.pop(sid, None)
        self.unfollow(client, list(client.polls))
        self._by_user[client.caller.user_id] -= 1
        if not self._by_user[client.caller.user_id]:
            del self._by_user[client.caller.user_id]

    def get(self, sid: str) -> Client | None:
        """The client of a connection."""
        return self._clients.get(sid)

    def connections_of(self, user_ids: Collection[str]) -> list[str]:
        """The connections of these users."""
        if not any(user_id in self._by_user for user_id in user_ids):
            return []
        return [one.sid for one in self._clients.values() if one.caller.user_id in user_ids]

    def follow(self, client: Client, poll_ids: Iterable[str]) -> set[str]:
        """Let a client follow polls; answers those that are new to it.

        Raises :class:`~quickpoll.errors.TooManySubscriptions`, and then changes nothing.
        """
        new = set(poll_ids) - client.polls
        if len(client.polls) + len(new) > MOST_POLLS:
            raise TooManySubscriptions
        client.polls |= new
        for poll_id in new:
            self._followers.setdefault(poll_id, {})[client.sid] = client
        return new

    def unfollow(self, client: Client, poll_ids: Iterable[str]) -> None:
        """Let a client follow these polls no longer."""
        for poll_id in poll_ids:
            client.polls.discard(poll_id)
            followers = self._followers.get(poll_id, {})
            followers.pop(client.sid, None)
            if not followers:
                self._followers.pop(poll_id, None)

    def close(self, poll_id: str) -> None:
        """Nobody follows this poll any more: it is gone."""
        for client in self._followers.pop(poll_id, {}).values():
            client.polls.discard(poll_id)

    def followers(self, poll_id: str) -> list[Client]:
        """The clients that follow a poll."""
        return list(self._followers.get(poll_id, {}).values())

    def on_firehose(self) -> list[Client]:
        """The clients that have subscribed to nothing."""
        return list(self._on_firehose.values())

    def followed(self) -> list[str]:
        """The polls that somebody follows."""
        return list(self._followers)

    def reach(self, poll_id: str) -> int:
        """How many clients may want to see this poll."""
        return len(self._followers.get(poll_id, ())) + len(self._on_firehose)
