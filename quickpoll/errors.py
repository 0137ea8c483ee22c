"""Everything that can go wrong, as one tree.

    QuickPollError
    ├── BadRequest            400   MalformedJson
    ├── Unauthenticated       401   MissingToken  InvalidToken  ExpiredToken
    ├── Refused               403   Forbidden  ResultsHidden
    ├── Missing               404   NotFound  PollNotFound  OptionNotFound
    ├── MethodNotAllowed      405
    ├── Conflict              409   AlreadyVoted  PollClosed  PollHasVotes
    │                               VoteChangeNotAllowed  Locked
    ├── PayloadTooLarge       413
    ├── UnsupportedMediaType  415
    ├── InvalidRequest        422   TooManySubscriptions (Socket.IO only)
    ├── IdempotencyKeyReused  422
    ├── RateLimited           429
    ├── InternalError         500
    └── ServiceUnavailable    503   Unavailable  Overloaded

A leaf says what happened (``code``, for programs) and what to tell a person (``detail``).
Nobody but :func:`problem` turns one into words on the wire (RFC 9457).
"""

from __future__ import annotations

from typing import Any, ClassVar

TYPE_PREFIX = "urn:quickpoll:problem:"


class QuickPollError(Exception):
    """What a caller is told when something did not work.

    ``detail`` is written for a person; ``extra`` are further members of the problem document.
    """

    status: ClassVar[int] = 500
    code: ClassVar[str] = "internal_error"
    title: ClassVar[str] = "Internal error"
    default_detail: ClassVar[str] = "Something went wrong on our side."
    retry_after: int | None = None

    def __init__(self, detail: str | None = None, **extra: Any) -> None:
        super().__init__(detail or self.default_detail)
        self.detail = detail or self.default_detail
        self.extra = extra

    @classmethod
    def example(cls) -> QuickPollError:
        """One such error, for the documentation."""
        return cls()

    @property
    def headers(self) -> dict[str, str]:
        """The HTTP headers that go with this answer."""
        return {} if self.retry_after is None else {"Retry-After": str(self.retry_after)}


class BadRequest(QuickPollError):
    status = 400


class MalformedJson(BadRequest):
    code = "malformed_json"
    title = "Malformed JSON"
    default_detail = "The body is not valid JSON in UTF-8."


class Unauthenticated(QuickPollError):
    status = 401
    challenge: ClassVar[str] = 'Bearer error="invalid_token"'
    reason: str | None = None
    """Why, for the operator (``auth.refusals``); never a part of the answer."""

    @property
    def headers(self) -> dict[str, str]:
        """RFC 6750, section 3: the challenge that goes with every 401. Where no token came, it
        names no error (section 3.1)."""
        return {"WWW-Authenticate": self.challenge}


class MissingToken(Unauthenticated):
    code = "missing_token"
    title = "Token missing"
    challenge = "Bearer"
    default_detail = "Send a token: Authorization: Bearer <token>."


class InvalidToken(Unauthenticated):
    code = "invalid_token"
    title = "Token invalid"
    default_detail = "The token is not one that this service accepts."


class ExpiredToken(Unauthenticated):
    code = "expired_token"
    title = "Token expired"
    default_detail = "The token has expired; ask its issuer for a new one."


class Refused(QuickPollError):
    status = 403


class Forbidden(Refused):
    code = "forbidden"
    title = "Forbidden"
    default_detail = "You may not see or change this."


class ResultsHidden(Refused):
    code = "results_hidden"
    title = "Results hidden"
    default_detail = "You may not see the results of this poll yet."


class Missing(QuickPollError):
    status = 404


class NotFound(Missing):
    code = "not_found"
    title = "Not found"
    default_detail = "There is nothing here."


class PollNotFound(Missing):
    code = "poll_not_found"
    title = "Poll not found"
    default_detail = "There is no such poll."


class OptionNotFound(Missing):
    code = "option_not_found"
    title = "Option not found"
    default_detail = "This poll has no such option."


class MethodNotAllowed(QuickPollError):
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


class Conflict(QuickPollError):
    status = 409


class AlreadyVoted(Conflict):
    code = "already_voted"
    title = "Already voted"
    default_detail = "You have voted on this poll already, and a vote on it cannot be changed."

    @classmethod
    def example(cls) -> AlreadyVoted:
        """With the ballot as it stands."""
        return cls(optionIds=["65f1c0ffee0000000000b001"])


class PollClosed(Conflict):
    code = "poll_closed"
    title = "Poll closed"
    default_detail = "This poll is closed: votes are neither taken nor changed."


class PollHasVotes(Conflict):
    code = "poll_has_votes"
    title = "Poll has votes"
    default_detail = "Somebody has voted: question and options can no longer be changed."


class VoteChangeNotAllowed(Conflict):
    code = "vote_change_not_allowed"
    title = "Vote change not allowed"
    default_detail = "A vote on this poll cannot be changed or taken back."


class Locked(Conflict):
    code = "locked"
    title = "Setting locked"
    default_detail = (
        "Somebody has voted, and voters rely on this setting: it can no longer be changed so."
    )


class PayloadTooLarge(QuickPollError):
    status = 413
    code = "payload_too_large"
    title = "Payload too large"
    default_detail = "The body is larger than 64 KiB."


class UnsupportedMediaType(QuickPollError):
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


class IdempotencyKeyReused(QuickPollError):
    status = 422
    code = "idempotency_key_reused"
    title = "Idempotency key reused"
    default_detail = "This key was sent with another body; take a new key for a new request."


class TooManySubscriptions(QuickPollError):
    status = 422
    code = "too_many_subscriptions"
    title = "Too many subscriptions"
    default_detail = "A client may follow at most 100 polls at a time."


class RateLimited(QuickPollError):
    status = 429
    code = "rate_limited"
    title = "Too many requests"
    default_detail = "Too many requests; wait a moment and try again."

    def __init__(self, retry_after: int = 1, detail: str | None = None) -> None:
        super().__init__(detail)
        self.retry_after = retry_after


class InternalError(QuickPollError):
    """A fault of ours: the cause is in the log, never in the answer."""


class ServiceUnavailable(QuickPollError):
    status = 503
    retry_after = 1


class Unavailable(ServiceUnavailable):
    code = "unavailable"
    title = "Temporarily unavailable"
    default_detail = "The service cannot reach what it needs at the moment; try again shortly."


class Overloaded(ServiceUnavailable):
    code = "overloaded"
    title = "Overloaded"
    default_detail = "More requests are waiting than can be served; try again in a moment."


def problem(error: QuickPollError) -> dict[str, Any]:
    """The problem document of an error: RFC 9457, with ``code`` for programs."""
    return {
        "type": TYPE_PREFIX + error.code,
        "title": error.title,
        "status": error.status,
        "detail": error.detail,
        "code": error.code,
        **error.extra,
    }


def leaves(root: type[QuickPollError] = QuickPollError) -> list[type[QuickPollError]]:
    """Every error that can be told to a caller, in the order of the tree."""
    below = [leaf for child in root.__subclasses__() for leaf in leaves(child)]
    return below or [root]
