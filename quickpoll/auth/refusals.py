"""Why tokens are refused: told to the operator, in a metric and at DEBUG, and never to the caller,
whom it would help to find a way in."""

from __future__ import annotations

from enum import StrEnum

import jwt
import structlog
from jwt.exceptions import InvalidSubjectError

from quickpoll.errors import InvalidToken, Unauthenticated
from quickpoll.foundation.observability import metrics

log = structlog.get_logger(__name__)


class Reason(StrEnum):
    """A reason; its value is the label of ``quickpoll_tokens_refused_total``."""

    MISSING = "missing"
    MALFORMED = "malformed"
    WRONG_ALGORITHM = "wrong_algorithm"
    UNKNOWN_KEY = "unknown_key"
    WRONG_SIGNATURE = "wrong_signature"
    EXPIRED = "expired"
    NOT_YET_VALID = "not_yet_valid"
    WRONG_ISSUER = "wrong_issuer"
    WRONG_AUDIENCE = "wrong_audience"
    BAD_USER_ID = "bad_user_id"
    BAD_CLAIM = "bad_claim"


_SENTENCES = {
    Reason.MISSING: "there is no token in the request",
    Reason.MALFORMED: "it is no token in the compact form of RFC 7515, or over 8,192 characters",
    Reason.WRONG_ALGORITHM: "its alg is none of JWT_ALGORITHMS, or there is no key for it",
    Reason.UNKNOWN_KEY: "its kid is none of the keys published at JWT_JWKS_URL",
    Reason.WRONG_SIGNATURE: "it is signed by another key than JWT_SECRET_KEY or the published one",
    Reason.EXPIRED: "its exp has passed (API_JWT_LEEWAY forgives clocks that differ)",
    Reason.NOT_YET_VALID: "its nbf is ahead (API_JWT_LEEWAY forgives clocks that differ)",
    Reason.WRONG_ISSUER: "its iss is not JWT_ISSUER",
    Reason.WRONG_AUDIENCE: "its aud is none of JWT_AUDIENCE",
    Reason.BAD_USER_ID: "its JWT_USER_ID_CLAIM is missing, or no id as JWT_USER_IDS wants them",
    Reason.BAD_CLAIM: "a claim is missing (exp is required) or of the wrong kind",
}
"""For the log; nothing in it comes from the token."""

for _reason in Reason:
    metrics.tokens_refused.labels(_reason)  # a series that is there from the start can grow


def refused(reason: Reason, detail: str | None = None) -> InvalidToken:
    """The error for a token that is refused, with its reason for the operator."""
    error = InvalidToken(detail)
    error.reason = reason
    return error


def note(error: Unauthenticated) -> None:
    """Count a refusal by its reason, and say it at DEBUG."""
    reason = Reason(error.reason or _BY_CODE.get(error.code, Reason.MALFORMED))
    metrics.tokens_refused.labels(reason).inc()
    log.debug("token_refused", reason=reason.value, detail=_SENTENCES[reason])


_BY_CODE = {"missing_token": Reason.MISSING, "expired_token": Reason.EXPIRED}


def reason_of(error: Exception, user_id_claim: str) -> Reason:
    """The reason behind what PyJWT raised."""
    if isinstance(error, jwt.MissingRequiredClaimError):
        of_claim = {
            "aud": Reason.WRONG_AUDIENCE,
            "iss": Reason.WRONG_ISSUER,
            user_id_claim: Reason.BAD_USER_ID,
        }
        return of_claim.get(error.claim, Reason.BAD_CLAIM)
    return next((reason for kind, reason in _BY_KIND if isinstance(error, kind)), Reason.BAD_CLAIM)


_BY_KIND: tuple[tuple[type[Exception], Reason], ...] = (
    (jwt.InvalidSignatureError, Reason.WRONG_SIGNATURE),
    (jwt.InvalidAlgorithmError, Reason.WRONG_ALGORITHM),
    (jwt.ImmatureSignatureError, Reason.NOT_YET_VALID),
    (jwt.InvalidAudienceError, Reason.WRONG_AUDIENCE),
    (jwt.InvalidIssuerError, Reason.WRONG_ISSUER),
    (InvalidSubjectError, Reason.BAD_USER_ID),
)
