"""What is wrong with who asks: no token, no right, too often."""

from __future__ import annotations

from typing import ClassVar

from quickpoll.errors.problem import QuickPollError


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
    """A request below ``/api/``, or a connection, without a token."""

    code = "missing_token"
    title = "Token missing"
    challenge = "Bearer"
    default_detail = "Send a token: Authorization: Bearer <token>."


class InvalidToken(Unauthenticated):
    """A token that is not verified, or does not say who its holder is."""

    code = "invalid_token"
    title = "Token invalid"
    default_detail = "The token is not one that this service accepts."


class ExpiredToken(Unauthenticated):
    """A token that was good, and whose ``exp`` has passed."""

    code = "expired_token"
    title = "Token expired"
    default_detail = "The token has expired; ask its issuer for a new one."


class Refused(QuickPollError):
    status = 403


class Forbidden(Refused):
    """What owners or administrators alone may do, asked for by somebody else."""

    code = "forbidden"
    title = "Forbidden"
    default_detail = "You may not see or change this."


class ResultsHidden(Refused):
    """Results that the poll does not show to this caller, or not yet."""

    code = "results_hidden"
    title = "Results hidden"
    default_detail = "You may not see the results of this poll yet."


class GuestsNotAllowed(Refused):
    """What takes an account, or a poll or session that does not admit this guest."""

    code = "guests_not_allowed"
    title = "Guests not allowed"
    default_detail = "Guests may not do this; it takes an account, or an invitation."


class ProofRequired(Refused):
    """``challenge`` is what has to be solved: a proof of work in ALTCHA's form."""

    code = "proof_required"
    title = "Proof of work required"
    default_detail = "Many have come from your address; solve the challenge and send it as proof."

    @classmethod
    def example(cls) -> ProofRequired:
        """With a challenge, as far as most widgets read it."""
        made = {"algorithm": "SHA-256", "challenge": "9d1c…", "maxnumber": 100_000}
        return cls(challenge={**made, "salt": "4f0a…?expires=1895400000&", "signature": "77be…"})


class RateLimited(QuickPollError):
    """A caller, or an address, beyond its limit; ``retry_after`` says for how many seconds."""

    status = 429
    code = "rate_limited"
    title = "Too many requests"
    default_detail = "Too many requests; wait a moment and try again."

    def __init__(self, retry_after: int = 1, detail: str | None = None) -> None:
        super().__init__(detail)
        self.retry_after = retry_after
