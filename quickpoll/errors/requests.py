"""What is wrong with the request itself, whoever sent it."""

from __future__ import annotations

from quickpoll.errors.problem import QuickPollError


class BadRequest(QuickPollError):
    status = 400


class MalformedJson(BadRequest):
    """A body that is not JSON, or not UTF-8."""

    code = "malformed_json"
    title = "Malformed JSON"
    default_detail = "The body is not valid JSON in UTF-8."


class MethodNotAllowed(QuickPollError):
    """A method that the address does not answer; ``allowed``: those that it does."""

    status = 405
    code = "method_not_allowed"
    title = "Method not allowed"
    default_detail = "This address does not answer that method."

    def __init__(self, allowed: str = "", detail: str | None = None) -> None:
        super().__init__(detail)
        self.allowed = allowed

    @property
    def headers(self) -> dict[str, str]:
        """RFC 9110, section 15.5.6: the methods that would have worked."""
        return {"Allow": self.allowed} if self.allowed else {}


class PayloadTooLarge(QuickPollError):
    """A body beyond the limit, told by its length or met while it is read."""

    status = 413
    code = "payload_too_large"
    title = "Payload too large"
    default_detail = "The body is larger than 64 KiB."


class UnsupportedMediaType(QuickPollError):
    """A body that does not say it is JSON."""

    status = 415
    code = "unsupported_media_type"
    title = "Unsupported media type"
    default_detail = "Send the body as application/json."


class InvalidRequest(QuickPollError):
    """``errors`` names each field that is wrong: ``[{"field": …, "message": …}]``."""

    status = 422
    code = "invalid_request"
    title = "Invalid request"
    default_detail = "Some of what was sent is not valid."

    def __init__(self, errors: list[dict[str, str]], detail: str | None = None) -> None:
        first = errors[0] if errors else None
        said = f"{first['field']}: {first['message']}" if first else None
        super().__init__(detail or said, errors=errors)

    @classmethod
    def example(cls) -> InvalidRequest:
        """With one field that is wrong."""
        return cls([{"field": "question", "message": "This field is missing."}])


def invalid(field: str, message: str) -> InvalidRequest:
    """An :class:`InvalidRequest` about one field."""
    return InvalidRequest([{"field": field, "message": message}])


class FormatNotOffered(QuickPollError):
    """A format of oEmbed that there is none of (oEmbed 1.0, section 2.3.4)."""

    status = 501
    code = "not_implemented"
    title = "Not implemented"
    default_detail = "There is no other format than json."


class IdempotencyKeyReused(QuickPollError):
    """An ``Idempotency-Key`` that its user has sent within a day with another body."""

    status = 422
    code = "idempotency_key_reused"
    title = "Idempotency key reused"
    default_detail = "This key was sent with another body; take a new key for a new request."


class TooManySubscriptions(QuickPollError):
    """A ``subscribe`` of Socket.IO beyond what one client may follow."""

    status = 422
    code = "too_many_subscriptions"
    title = "Too many subscriptions"
    default_detail = "A client may follow at most 100 polls at a time."
