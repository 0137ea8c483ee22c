"""What is wrong with the service."""

from __future__ import annotations

from quickpoll.errors.problem import QuickPollError


class InternalError(QuickPollError):
    """A fault of ours: the cause is in the log, never in the answer."""


class ServiceUnavailable(QuickPollError):
    status = 503
    retry_after = 1


class Unavailable(ServiceUnavailable):
    """A store, or the issuer of tokens, that is away; or what did not come about in time."""

    code = "unavailable"
    title = "Temporarily unavailable"
    default_detail = "The service cannot reach what it needs at the moment; try again shortly."


class Overloaded(ServiceUnavailable):
    """More requests in hand than are answered in good time, or a queue that is full."""

    code = "overloaded"
    title = "Overloaded"
    default_detail = "More requests are waiting than can be served; try again in a moment."
