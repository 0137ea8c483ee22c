"""Everything that can go wrong, as one tree.

    QuickPollError
    ├── BadRequest            400   MalformedJson
    ├── Unauthenticated       401   MissingToken  InvalidToken  ExpiredToken
    ├── Refused               403   Forbidden  ResultsHidden  GuestsNotAllowed
    │                               ProofRequired
    ├── Missing               404   NotFound  PollNotFound  OptionNotFound
    ├── MethodNotAllowed      405
    ├── Conflict              409   AlreadyVoted  PollClosed  PollHasVotes
    │                               VoteChangeNotAllowed  Locked  SessionChanged
    │                               SessionEnded  GuestsDiffer  TooManyWebhooks
    │                               ReceiptPending
    ├── PayloadTooLarge       413
    ├── UnsupportedMediaType  415
    ├── InvalidRequest        422   TooManySubscriptions (Socket.IO only)
    ├── IdempotencyKeyReused  422
    ├── RateLimited           429
    ├── InternalError         500
    ├── FormatNotOffered      501
    └── ServiceUnavailable    503   Unavailable  Overloaded

A leaf says what happened (``code``, for programs) and what to tell a person (``detail``).
Nobody but :func:`problem` turns one into words on the wire (RFC 9457).
"""

from __future__ import annotations

from quickpoll.errors.callers import (
    ExpiredToken,
    Forbidden,
    GuestsNotAllowed,
    InvalidToken,
    MissingToken,
    ProofRequired,
    RateLimited,
    Refused,
    ResultsHidden,
    Unauthenticated,
)
from quickpoll.errors.problem import TYPE_PREFIX, QuickPollError, leaves, problem
from quickpoll.errors.requests import (
    BadRequest,
    FormatNotOffered,
    IdempotencyKeyReused,
    InvalidRequest,
    MalformedJson,
    MethodNotAllowed,
    PayloadTooLarge,
    TooManySubscriptions,
    UnsupportedMediaType,
    invalid,
)
from quickpoll.errors.service import InternalError, Overloaded, ServiceUnavailable, Unavailable
from quickpoll.errors.state import (
    AlreadyVoted,
    Conflict,
    GuestsDiffer,
    Locked,
    Missing,
    NotFound,
    OptionNotFound,
    PollClosed,
    PollHasVotes,
    PollNotFound,
    ReceiptPending,
    SessionChanged,
    SessionEnded,
    TooManyWebhooks,
    VoteChangeNotAllowed,
)

__all__ = [
    "TYPE_PREFIX",
    "AlreadyVoted",
    "BadRequest",
    "Conflict",
    "ExpiredToken",
    "Forbidden",
    "FormatNotOffered",
    "GuestsDiffer",
    "GuestsNotAllowed",
    "IdempotencyKeyReused",
    "InternalError",
    "InvalidRequest",
    "InvalidToken",
    "Locked",
    "MalformedJson",
    "MethodNotAllowed",
    "Missing",
    "MissingToken",
    "NotFound",
    "OptionNotFound",
    "Overloaded",
    "PayloadTooLarge",
    "PollClosed",
    "PollHasVotes",
    "PollNotFound",
    "ProofRequired",
    "QuickPollError",
    "RateLimited",
    "ReceiptPending",
    "Refused",
    "ResultsHidden",
    "ServiceUnavailable",
    "SessionChanged",
    "SessionEnded",
    "TooManySubscriptions",
    "TooManyWebhooks",
    "Unauthenticated",
    "Unavailable",
    "UnsupportedMediaType",
    "VoteChangeNotAllowed",
    "invalid",
    "leaves",
    "problem",
]
