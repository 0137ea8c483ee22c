"""What the routes of webhooks do, apart from any framework."""

from __future__ import annotations

from typing import Any

from bson import ObjectId

from quickpoll.auth.caller import Caller
from quickpoll.errors import Forbidden, NotFound, invalid
from quickpoll.foundation.http.answers import Reply, json_reply, nothing
from quickpoll.polls.store import PollStore
from quickpoll.webhooks.addresses import Allowance, RefusedAddress, judge_target, target_of
from quickpoll.webhooks.bodies import (
    NewWebhook,
    ReplayRequest,
    WebhookUpdate,
    delivery_fields,
    fields_of,
)
from quickpoll.webhooks.deliveries import DeliveryStore
from quickpoll.webhooks.listeners import Listeners
from quickpoll.webhooks.models import ACTIVE, Webhook
from quickpoll.webhooks.signing import new_secret
from quickpoll.webhooks.store import WebhookStore, moment

FIRST_SLOT = 0


class WebhookHandlers:
    """Owners manage their own webhooks, administrators any."""

    def __init__(
        self,
        webhooks: WebhookStore,
        deliveries: DeliveryStore,
        listeners: Listeners,
        polls: PollStore,
        allowed: Allowance,
    ) -> None:
        self._webhooks = webhooks
        self._deliveries = deliveries
        self._listeners = listeners
        self._polls = polls
        self._allowed = allowed

    async def create(self, caller: Caller, new: NewWebhook) -> Reply:
        """Create a webhook; from the answer on it hears of what happens.

        Raises :class:`~quickpoll.errors.InvalidRequest`, :class:`~quickpoll.errors.PollNotFound`,
        :class:`~quickpoll.errors.Forbidden` and :class:`~quickpoll.errors.TooManyWebhooks`.
        """
        self._check_url(new.url)
        webhook = Webhook(
            id=ObjectId(),
            user_id=ObjectId(caller.user_id),
            slot=FIRST_SLOT,
            url=new.url,
            events=list(new.events),
            poll_id=ObjectId(new.poll_id) if new.poll_id else None,
            admin=caller.admin,
            secret=new_secret(),
            since=moment(),
        )
        await self._check_poll(webhook)
        kept = await self._webhooks.insert(webhook)
        await self._listeners.changed()
        return json_reply({**fields_of(kept), "secret": kept.secret}, 201)

    async def of_caller(self, caller: Caller) -> Reply:
        """The caller's own webhooks, an administrator's too: others' are found by their ids."""
        found = await self._webhooks.of_user(caller.user_id)
        return json_reply([fields_of(one) for one in found])

    async def update(self, caller: Caller, webhook_id: str, asked: WebhookUpdate) -> Reply:
        """Change a webhook. Raises the errors of :meth:`create`, and
        :class:`~quickpoll.errors.NotFound`."""
        webhook = await self._own(caller, webhook_id)
        given = asked.given()
        if "url" in given:
            self._check_url(asked.url)
        changed = _stored(webhook, given)
        if caller.user_id == str(webhook.user_id):
            changed["admin"] = caller.admin
        await self._check_poll(webhook.model_copy(update=_attributes(changed)))
        kept = await self._webhooks.change(webhook.id, changed)
        if kept is None:
            raise NotFound(NO_SUCH_WEBHOOK)
        await self._listeners.changed()
        if kept.status == ACTIVE:
            await self._deliveries.wake(kept.id)
        return json_reply(fields_of(kept))

    async def delete(self, caller: Caller, webhook_id: str) -> Reply:
        """Delete a webhook with all its messages."""
        webhook = await self._own(caller, webhook_id)
        await self._webhooks.delete(webhook.id)
        await self._listeners.count()
        await self._deliveries.forget_webhook(webhook.id)
        return nothing(204)

    async def test(self, caller: Caller, webhook_id: str) -> Reply:
        """Send a test message, whatever the webhook's status."""
        webhook = await self._own(caller, webhook_id)
        return json_reply(delivery_fields(await self._deliveries.put_test(webhook.id)), 202)

    async def deliveries(self, caller: Caller, webhook_id: str) -> Reply:
        """The latest messages, the newest first."""
        webhook = await self._own(caller, webhook_id)
        found = await self._deliveries.newest(webhook.id)
        return json_reply([delivery_fields(one) for one in found])

    async def replay(self, caller: Caller, webhook_id: str, asked: ReplayRequest) -> Reply:
        """Send again what has happened since then."""
        webhook = await self._own(caller, webhook_id)
        return json_reply({"messages": await self._deliveries.replay(webhook.id, asked.since)}, 202)

    async def _own(self, caller: Caller, webhook_id: str) -> Webhook:
        webhook = await self._webhooks.get(webhook_id)
        if not caller.admin and caller.user_id != str(webhook.user_id):
            raise Forbidden("Only the owner of this webhook or an administrator may do this.")
        return webhook

    def _check_url(self, url: str) -> None:
        try:
            judge_target(target_of(url), self._allowed)
        except RefusedAddress as refused:
            raise invalid("url", str(refused)) from None

    async def _check_poll(self, webhook: Webhook) -> None:
        """A webhook hears of no poll whose results its owner might not see."""
        if webhook.poll_id is None:
            return
        poll = (await self._polls.fresh(str(webhook.poll_id))).poll
        if not webhook.admin and poll.user_id != webhook.user_id:
            raise Forbidden("This poll is somebody else's; only administrators may hear of it.")


NO_SUCH_WEBHOOK = "There is no such webhook."


def _stored(webhook: Webhook, given: dict[str, Any]) -> dict[str, Any]:
    """The fields of a webhook that are to be set, as MongoDB names them."""
    names = {"url": "url", "events": "events", "status": "status"}
    changed = {names[name]: value for name, value in given.items() if name in names}
    if "poll_id" in given:
        changed["pollId"] = ObjectId(given["poll_id"]) if given["poll_id"] else None
    if changed.get("status") == ACTIVE and webhook.status != ACTIVE:
        changed["since"] = moment()
    return changed


def _attributes(changed: dict[str, Any]) -> dict[str, Any]:
    return {"poll_id" if name == "pollId" else name: value for name, value in changed.items()}
