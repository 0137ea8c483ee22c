"""The issuers whose tokens are good, as the operator names them: the users', and ourselves."""

from __future__ import annotations

from quickpoll.auth.guest_tokens import GuestTokens
from quickpoll.auth.issuer import Issuer
from quickpoll.auth.keys import KeyRing, SharedSecret
from quickpoll.auth.tokens import Tokens
from quickpoll.settings import Settings


def issuer_of(settings: Settings) -> Issuer | None:
    """The issuer that publishes its keys, where there is one."""
    url = settings.jwt_jwks_url
    return Issuer(url, settings.algorithms) if url else None


def tokens_of(settings: Settings, issuer: Issuer | None, guests: GuestTokens | None) -> Tokens:
    """What verifies the tokens of all."""
    secret, algorithms = settings.jwt_secret_key, settings.algorithms
    shared = SharedSecret(secret.get_secret_value(), algorithms) if secret else None
    tokens = Tokens(
        KeyRing(shared, issuer),
        issuer=settings.jwt_issuer,
        audience=settings.jwt_audience,
        user_id_claim=settings.jwt_user_id_claim,
        any_user_id=settings.jwt_user_ids == "any",
        roles_claim=settings.jwt_roles_claim,
        leeway=settings.api_jwt_leeway,
        guests=guests,
    )
    if issuer is not None:
        issuer.on_loss(tokens.forget_all)
    return tokens
