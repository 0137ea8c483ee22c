"""Webhooks as requests and answers carry them."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import AfterValidator, ConfigDict, Field

from quickpoll.foundation.http.wording import fault, faults
from quickpoll.polls.bodies import (
    Body,
    Count,
    Instant,
    InstantInput,
    ObjectIdInput,
    ObjectIdText,
    instant,
)
from quickpoll.webhooks.addresses import MOST_OF_A_URL, RefusedAddress, target_of
from quickpoll.webhooks.models import Delivery, Webhook

EventName = Literal[
    "poll.created",
    "poll.updated",
    "poll.closed",
    "poll.reopened",
    "poll.deleted",
    "poll.results",
    "session.updated",
]
"""Of :data:`~quickpoll.webhooks.events.EVENTS`, which a test holds it to."""

Status = Literal["active", "disabled"]
DeliveryState = Literal["waiting", "delivered", "given_up"]

EXAMPLE_WEBHOOK: dict[str, Any] = {
    "id": "65f1c0ffee0000000000e001",
    "url": "https://hooks.example/quickpoll",
    "events": ["poll.closed", "poll.results"],
    "pollId": None,
    "status": "active",
}

_EXAMPLE_MESSAGE = "msg_65f1c0ffee0000000000a001_7"


def _told_apart(events: list[str]) -> list[str]:
    twice = [place for place, one in enumerate(events) if one in events[:place]]
    if twice:
        raise faults([((place,), "This event is named twice.") for place in twice])
    return events


def _an_address(url: str) -> str:
    try:
        target_of(url)
    except RefusedAddress as refused:
        raise fault(str(refused)) from None
    return url


Url = Annotated[
    str,
    Field(
        strict=True,
        min_length=1,
        max_length=MOST_OF_A_URL,
        description="`https`, and a public address, unless the operator allows it; no log-in, no "
        "fragment, any port.",
        json_schema_extra={"format": "uri"},
    ),
    AfterValidator(_an_address),
]
Events = Annotated[
    list[EventName],
    Field(min_length=1, max_length=7, description="What it wants to hear of, none twice."),
    AfterValidator(_told_apart),
]


class NewWebhook(Body):
    """A webhook to create."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "url": "https://hooks.example/quickpoll",
                    "events": ["poll.closed", "poll.results"],
                }
            ]
        }
    )

    url: Url
    events: Events
    poll_id: ObjectIdInput | None = Field(
        None,
        description="The one poll that it is to hear of. Left out: all of the caller's own, an "
        "administrator's hears of everybody's.",
    )


def _nothing_by_default(schema: dict[str, Any]) -> None:
    """A field that is left out is not changed, whatever stands for it in the model."""
    for field in schema["properties"].values():
        field.pop("default", None)
    schema["examples"] = [{"status": "active"}]


class WebhookUpdate(Body):
    """The fields to change; those left out stay. ``pollId: null`` takes the restriction away."""

    model_config = ConfigDict(json_schema_extra=_nothing_by_default)

    url: Url = ""
    events: Events = Field(default=[])
    poll_id: ObjectIdInput | None = None
    status: Status = Field(
        "active",
        description="`active` enables it again, and what has waited is sent; `disabled` has "
        "it hear of nothing meanwhile.",
    )

    def given(self) -> dict[str, Any]:
        """The fields that the request names."""
        return {name: getattr(self, name) for name in sorted(self.model_fields_set)}


class ReplayRequest(Body):
    """From when on messages are to be sent again."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"since": "2030-01-31T12:00:00Z"}]})

    since: InstantInput


class WebhookBody(Body):
    """Where messages go. It is ``disabled`` when its receiver has answered 410, or its owner said
    so."""

    model_config = ConfigDict(json_schema_extra={"examples": [EXAMPLE_WEBHOOK]})

    id: ObjectIdText
    url: str
    events: list[EventName]
    poll_id: ObjectIdText | None = Field(description="Null: it hears of all that it may.")
    status: Status


class CreatedWebhookBody(WebhookBody):
    """A new webhook, with the secret that its messages are signed with."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {**EXAMPLE_WEBHOOK, "secret": "whsec_c2VjcmV0IHNlY3JldCBzZWNyZXQgc2VjcmV0IDEyMw=="}
            ]
        }
    )

    secret: str = Field(description="Shown this once. `whsec_` and base64, as libraries take it.")


AnsweredStatus = Annotated[int, Field(ge=0, le=999)]


class AttemptBody(Body):
    """One attempt to deliver a message."""

    at: Instant
    status: AnsweredStatus | None = Field(
        description="The status that was answered; null: there was none."
    )
    error: str | None = Field(
        None,
        description="Why there was no answer: `timeout`, `refused_address`, `unknown_host`, "
        "`connection`, `certificate`, `no_http`. Left out where there was one.",
    )


class DeliveryBody(Body):
    """A message to a webhook."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "id": _EXAMPLE_MESSAGE,
                    "type": "poll.closed",
                    "state": "delivered",
                    "attempts": [
                        {"at": "2030-01-31T12:00:00.000Z", "status": None, "error": "timeout"},
                        {"at": "2030-01-31T12:00:15.000Z", "status": 204},
                    ],
                }
            ]
        }
    )

    id: str = Field(description="What its header `webhook-id` says.")
    type: str = Field(description="The event, or `webhook.test`.")
    state: DeliveryState = Field(
        description="`waiting` for its first or next attempt, or for a message before it; "
        "`given_up` after ten attempts (a test: after one)."
    )
    attempts: list[AttemptBody] = Field(
        description="Oldest first; empty where it was not sent yet."
    )


class ReplayBody(Body):
    """What is sent again."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"messages": 12}]})

    messages: Count


def fields_of(webhook: Webhook) -> dict[str, Any]:
    """A webhook as plain values under their wire names; never its secret."""
    return {
        "id": str(webhook.id),
        "url": webhook.url,
        "events": webhook.events,
        "pollId": str(webhook.poll_id) if webhook.poll_id else None,
        "status": webhook.status,
    }


def delivery_fields(delivery: Delivery) -> dict[str, Any]:
    """A delivery as plain values under their wire names."""
    return {
        "id": delivery.message_id,
        "type": delivery.type,
        "state": delivery.state,
        "attempts": [{**one, "at": instant(one["at"])} for one in delivery.attempts],
    }
