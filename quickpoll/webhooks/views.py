"""The routes of webhooks; all of them 404 where the operator has not switched webhooks on."""

from __future__ import annotations

from quart import Blueprint, Response
from quart_schema import validate_request

from quickpoll.auth.web import current_caller
from quickpoll.errors import Forbidden, NotFound, PollNotFound, TooManyWebhooks
from quickpoll.foundation.openapi.document import Answer, documented
from quickpoll.polls.ids import checked_id
from quickpoll.webhooks.bodies import (
    CreatedWebhookBody,
    DeliveryBody,
    NewWebhook,
    ReplayBody,
    ReplayRequest,
    WebhookBody,
    WebhookUpdate,
)
from quickpoll.webhooks.handlers import WebhookHandlers

_OWNERS = (NotFound, Forbidden)


def blueprint(handlers: WebhookHandlers, *, on: bool) -> Blueprint:
    """The routes of this package."""
    views = Blueprint("webhooks", __name__, url_prefix="/api/webhook")

    @views.before_request
    async def there() -> None:
        if not on:
            raise NotFound

    @views.post("/create-webhook")
    @validate_request(NewWebhook)
    @documented(
        Answer(201, "The new webhook, with its secret.", CreatedWebhookBody),
        errors=(NotFound, PollNotFound, Forbidden, TooManyWebhooks),
    )
    async def create_webhook(data: NewWebhook) -> Response:
        """Have another service told of what happens to polls: up to ten webhooks a user.

        An owner's hears of their own polls and sessions, an administrator's of everybody's; one
        with `pollId` of that poll alone. Whatever happens after the answer is told. Where the
        operator has not switched webhooks on (`API_WEBHOOKS`), all of these routes are 404.
        """
        return (await handlers.create(current_caller(), data)).response()

    @views.get("/get-webhooks")
    @documented(Answer(200, "The webhooks.", list[WebhookBody]), errors=(NotFound,))
    async def get_webhooks() -> Response:
        """The caller's own webhooks, the newest first."""
        return (await handlers.of_caller(current_caller())).response()

    @views.patch("/update-webhook/<webhook_id>")
    @validate_request(WebhookUpdate)
    @documented(
        Answer(200, "The webhook as it now is.", WebhookBody), errors=(*_OWNERS, PollNotFound)
    )
    async def update_webhook(webhook_id: str, data: WebhookUpdate) -> Response:
        """Change a webhook; `status: active` enables it again."""
        webhook = checked_id("webhook_id", webhook_id)
        return (await handlers.update(current_caller(), webhook, data)).response()

    @views.delete("/delete-webhook/<webhook_id>")
    @documented(Answer(204, "The webhook and its messages are gone."), errors=_OWNERS)
    async def delete_webhook(webhook_id: str) -> Response:
        """Delete a webhook; nothing is sent to it any more."""
        webhook = checked_id("webhook_id", webhook_id)
        return (await handlers.delete(current_caller(), webhook)).response()

    @views.post("/test-webhook/<webhook_id>")
    @documented(Answer(202, "The message, which is being sent.", DeliveryBody), errors=_OWNERS)
    async def test_webhook(webhook_id: str) -> Response:
        """Send a message of the type `webhook.test`, once, whatever the webhook's status.

        What came of it is in `webhook-deliveries`.
        """
        webhook = checked_id("webhook_id", webhook_id)
        return (await handlers.test(current_caller(), webhook)).response()

    @views.get("/webhook-deliveries/<webhook_id>")
    @documented(Answer(200, "The messages, the newest first.", list[DeliveryBody]), errors=_OWNERS)
    async def webhook_deliveries(webhook_id: str) -> Response:
        """The latest 100 messages to a webhook, with every attempt; they are kept for 30 days."""
        webhook = checked_id("webhook_id", webhook_id)
        return (await handlers.deliveries(current_caller(), webhook)).response()

    @views.post("/replay-webhook/<webhook_id>")
    @validate_request(ReplayRequest)
    @documented(Answer(202, "They are being sent.", ReplayBody), errors=_OWNERS)
    async def replay_webhook(webhook_id: str, data: ReplayRequest) -> Response:
        """Send everything since a moment again: the same ids and bodies, in the same order."""
        webhook = checked_id("webhook_id", webhook_id)
        return (await handlers.replay(current_caller(), webhook, data)).response()

    return views
