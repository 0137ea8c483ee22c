"""Webhooks in MongoDB."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any, Final

from bson import ObjectId
from odmantic import AIOEngine
from pymongo.errors import DuplicateKeyError

from quickpoll.errors import NotFound, TooManyWebhooks
from quickpoll.webhooks.models import ACTIVE, DISABLED, Webhook

MOST_OF_A_USER: Final = 10


class WebhookStore:
    """Keeps webhooks."""

    def __init__(self, engine: AIOEngine) -> None:
        self._webhooks = engine.get_collection(Webhook)

    async def insert(self, new: Webhook) -> Webhook:
        """Keep a new webhook in a slot of its user's that is free: the index says which is.

        Raises :class:`~quickpoll.errors.TooManyWebhooks`.
        """
        mine = await self._webhooks.find({"userId": new.user_id}, {"slot": 1}).to_list(None)
        taken = {one["slot"] for one in mine}
        for slot in range(MOST_OF_A_USER):
            if slot in taken:
                continue
            new.slot = slot
            try:
                await self._webhooks.insert_one(new.model_dump_doc())
            except DuplicateKeyError:
                # Somebody else's, or the driver's own first try.
                if await self.find(new.id) is None:
                    continue
            return new
        raise TooManyWebhooks

    async def find(self, webhook_id: ObjectId) -> Webhook | None:
        """A webhook; ``None`` where there is none."""
        found = await self._webhooks.find_one({"_id": webhook_id})
        return Webhook.model_validate_doc(found) if found else None

    async def get(self, webhook_id: str) -> Webhook:
        """A webhook. Raises :class:`~quickpoll.errors.NotFound`."""
        found = await self.find(ObjectId(webhook_id))
        if found is None:
            raise NotFound("There is no such webhook.")
        return found

    async def of_user(self, user_id: str) -> list[Webhook]:
        """A user's webhooks, the newest first."""
        found = self._webhooks.find({"userId": ObjectId(user_id)}).sort("_id", -1)
        return [Webhook.model_validate_doc(one) for one in await found.to_list(None)]

    async def change(self, webhook_id: ObjectId, fields: dict[str, Any]) -> Webhook | None:
        """Set fields of a webhook; answers it as it then is, ``None`` where it has gone."""
        await self._webhooks.update_one({"_id": webhook_id}, {"$set": fields})
        return await self.find(webhook_id)

    async def disable(self, webhook: Webhook) -> bool:
        """Disable a webhook that still is as it was; answers whether it was."""
        as_it_was = {"_id": webhook.id, "url": webhook.url, "since": webhook.since}
        result = await self._webhooks.update_one(
            {**as_it_was, "status": ACTIVE}, {"$set": {"status": DISABLED}}
        )
        return bool(result.matched_count)

    async def delete(self, webhook_id: ObjectId) -> None:
        """Delete a webhook."""
        await self._webhooks.delete_one({"_id": webhook_id})


def moment() -> datetime:
    """Now, to the millisecond, as MongoDB keeps it."""
    now = datetime.now(UTC)
    return now.replace(microsecond=now.microsecond // 1000 * 1000)
