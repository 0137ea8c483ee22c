"""What the creating routes do, apart from any framework."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime
from typing import Any

from bson import ObjectId
from pydantic import ValidationError
from quart_schema import RequestSchemaValidationError

from quickpoll.auth.caller import Caller
from quickpoll.errors import QuickPollError, Unavailable
from quickpoll.foundation.http.answers import Reply, joined, json_reply
from quickpoll.foundation.http.problems import as_error, problem_reply
from quickpoll.idempotency.once import Asked, Made, Once
from quickpoll.polls.bodies import NewPoll
from quickpoll.polls.creation import PollCreation
from quickpoll.polls.models import Poll
from quickpoll.polls.rules import Offers, make_poll, owner_of
from quickpoll.polls.store import KnownPoll

POLL_ADDRESS = "/api/poll/get-poll-by-id/"
OPERATION = "create-poll"

AT_ONCE = 16
"""Polls of one request that are created at the same time."""


class PollHandlers:
    """Create polls."""

    def __init__(self, creation: PollCreation, once: Once, offers: Offers) -> None:
        self._creation = creation
        self._once = once
        self._offers = offers

    async def create(self, caller: Caller, new: NewPoll) -> Reply:
        """Create a poll."""
        return created_reply(await self._creation.store(self._make(new, caller)))

    async def create_once(self, caller: Caller, new: NewPoll, key: str, value: Any) -> Reply:
        """Create a poll under a key; the same body again is answered as it was.

        Raises :class:`~quickpoll.errors.IdempotencyKeyReused`.
        """

        def make() -> Made:
            poll = self._make(new, caller)
            return Made(poll.model_dump_doc(), KnownPoll(poll).encoded(poll.created_at))

        asked = Asked(caller.user_id, OPERATION, key, value)
        outcome = await self._creation.whole(
            self._once.carry_out(asked, make, self._creation.store_once)
        )
        headers = _headers(outcome.made.document["_id"])
        if outcome.replayed:
            headers["Idempotent-Replayed"] = "true"
        return json_reply(outcome.made.answer, 201, headers)

    async def create_many(self, caller: Caller, bodies: list[Any]) -> Reply:
        """Create polls, each on its own; what comes of each is answered in order.

        Raises :class:`~quickpoll.errors.Unavailable` where none can be created at the moment.
        """
        slots = asyncio.Semaphore(AT_ONCE)
        # All are made before the first is stored: so their ids are in order, too.
        made = [self._made_or_refused(body, caller) for body in bodies]

        async def store(one: Poll | QuickPollError) -> KnownPoll | QuickPollError:
            if isinstance(one, QuickPollError):
                return one
            async with slots:
                try:
                    return await self._creation.store(one)
                except Exception as error:
                    return as_error(error)

        results = await asyncio.gather(*map(store, made))
        if all(isinstance(one, Unavailable) for one in results):
            raise Unavailable
        return json_reply(b'{"results":' + joined([_result(one) for one in results]) + b"}")

    def _make(self, new: NewPoll, caller: Caller) -> Poll:
        return make_poll(new, owner_of(new, caller), datetime.now(UTC), self._offers)

    def _made_or_refused(self, body: Any, caller: Caller) -> Poll | QuickPollError:
        try:
            return self._make(NewPoll.model_validate(body), caller)
        except ValidationError as error:
            return as_error(RequestSchemaValidationError(error))
        except QuickPollError as error:
            return error


def created_reply(known: KnownPoll) -> Reply:
    """A new poll as it is answered: with the place where it is."""
    return json_reply(known.encoded(datetime.now(UTC)), 201, _headers(known.id))


def _headers(poll_id: str | ObjectId) -> dict[str, str]:
    return {"Location": f"{POLL_ADDRESS}{poll_id}"}


def _result(one: KnownPoll | QuickPollError) -> bytes:
    if isinstance(one, QuickPollError):
        return b'{"status":%d,"error":%b}' % (one.status, problem_reply(one).body)
    return b'{"status":201,"poll":%b}' % one.encoded(datetime.now(UTC))
