"""The outbox: all parts of this package, put together."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

from bson import ObjectId
from odmantic import AIOEngine

from quickpoll.counting.events import PollEvents
from quickpoll.counting.reading import TallyReader
from quickpoll.polls.store import PollStore
from quickpoll.repair.finality import Finality
from quickpoll.settings.webhooks import WebhookSettings
from quickpoll.webhooks.addresses import Allowance
from quickpoll.webhooks.bodies import fields_of
from quickpoll.webhooks.deliveries import DeliveryStore
from quickpoll.webhooks.dialling import Dialler
from quickpoll.webhooks.events import SESSION
from quickpoll.webhooks.handlers import WebhookHandlers
from quickpoll.webhooks.journal import OutboxJournal
from quickpoll.webhooks.lease import OutboxLease
from quickpoll.webhooks.listeners import Listeners
from quickpoll.webhooks.models import Delivery, Intent, Lane, Stream, Webhook
from quickpoll.webhooks.results import Changed, ResultsTeller
from quickpoll.webhooks.sending import Sender
from quickpoll.webhooks.store import WebhookStore
from quickpoll.webhooks.streams import StreamStore
from quickpoll.webhooks.telling import Teller
from quickpoll.webhooks.walk import Walk

Source = Callable[[Callable[..., Awaitable[None]]], Awaitable[None]]
"""Gives what it has noted to :meth:`.journal.OutboxJournal.record_session`, and forgets it then."""

OUTBOX_MODELS = (Webhook, Intent, Stream, Delivery, Lane)
"""What this package keeps in MongoDB."""


class Outbox:
    """What happens to polls, on its way to other services. Where it is not ``on`` it does nothing,
    and nobody pays for it."""

    def __init__(
        self,
        instance: str,
        engine: AIOEngine,
        polls: PollStore,
        tallies: TallyReader,
        finality: Finality,
        settings: WebhookSettings,
    ) -> None:
        self.on = settings.api_webhooks == "on"
        allowance, changed = Allowance.parse(settings.api_webhook_allow), Changed()
        self.webhooks = WebhookStore(engine)
        self.deliveries = DeliveryStore(engine)
        self.listeners = Listeners(engine)
        self.lease = OutboxLease(instance, engine)
        self.dialler = Dialler(allowance)
        self.journal = OutboxJournal(engine, self.listeners)
        streams = StreamStore(engine, self.deliveries)
        self.teller = Teller(
            self.lease,
            self.listeners,
            polls,
            streams,
            ResultsTeller(streams, self.listeners, tallies, finality, changed),
            Walk(engine, self.listeners, tallies, streams, changed),
            changed,
        )
        self.sender = Sender(
            self.lease, self.listeners, self.webhooks, self.deliveries, self.dialler
        )
        self.teller.on_told = self.sender.wake
        self.handlers = WebhookHandlers(
            self.webhooks, self.deliveries, self.listeners, polls, allowance
        )
        if self.on:
            polls.journal = self.journal

    def start(self) -> None:
        """Start all parts, where webhooks are on."""
        if self.on:
            for part in self._parts():
                part.start()

    async def aclose(self) -> None:
        """End them, and leave the lease to another instance."""
        if self.on:
            for part in reversed(self._parts()):
                await part.aclose()

    def listen(self, events: PollEvents) -> None:
        """Hear the update channel."""
        if self.on:
            events.on_event(self.teller.hear)
            events.on_gap(self.teller.missed)

    async def hearers_of_session(self, session_id: ObjectId, user_id: ObjectId) -> list[ObjectId]:
        """The webhooks that want to hear of a session of that user. Raises a MongoDB error."""
        if not self.on:
            return []
        listeners = await self.listeners.of(session_id, user_id)
        return [one.id for one in listeners if SESSION in one.events]

    def draw_from(self, source: Source) -> None:
        """Whatever this source has noted is told, too, by the instance that tells."""

        async def draw() -> None:
            await source(self.journal.record_session)

        self.teller.sources.append(draw)

    async def of_user(self, user_id: str) -> list[dict[str, Any]]:
        """A user's webhooks as they are answered, without their secrets."""
        return [fields_of(one) for one in await self.webhooks.of_user(user_id)]

    async def forget_user(self, user_id: str) -> None:
        """Forget a user's webhooks, and what was told of their polls to whomever.

        To be called when the polls are gone, or are nobody's; the same again changes nothing.
        """
        for webhook in await self.webhooks.of_user(user_id):
            await self.webhooks.delete(webhook.id)
            await self.deliveries.forget_webhook(webhook.id)
        await self.listeners.count()
        await self.deliveries.forget_owner(ObjectId(user_id))
        await self.journal.forget_owner(ObjectId(user_id))

    def _parts(self) -> list[Listeners | OutboxLease | Teller | Sender]:
        # The lease ends last: what tells and sends ends before somebody else may.
        return [self.listeners, self.lease, self.teller, self.sender]
