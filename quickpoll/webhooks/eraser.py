"""Erasing the webhooks of a person, with all that was kept for them."""

from __future__ import annotations

from datetime import datetime

from bson import ObjectId

from quickpoll.webhooks.deliveries import DeliveryStore
from quickpoll.webhooks.listeners import Listeners
from quickpoll.webhooks.store import WebhookStore


class WebhookEraser:
    """Erases a person's webhooks. Each step finds by itself what is left."""

    def __init__(
        self, webhooks: WebhookStore, deliveries: DeliveryStore, listeners: Listeners
    ) -> None:
        self._webhooks = webhooks
        self._deliveries = deliveries
        self._listeners = listeners

    async def some(self, user_id: str, before: datetime | None = None) -> int:
        """Erase the webhooks (ten at most), of those that were made ``before`` that moment where
        one is given; answers how many were found. Raises a MongoDB error."""
        found = [
            one
            for one in await self._webhooks.of_user(user_id)
            if before is None or one.since < before
        ]
        for webhook in found:
            # What is kept for it goes first: whoever dies in between finds the webhook again.
            await self._deliveries.forget_webhook(ObjectId(webhook.id))
            await self._webhooks.delete(webhook.id)
            await self._deliveries.forget_webhook(ObjectId(webhook.id))
        if found:
            await self._listeners.count()
        return len(found)

    async def left(self, user_id: str) -> int:
        """How many there are."""
        return len(await self._webhooks.of_user(user_id))
