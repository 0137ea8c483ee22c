"""Tokens that this service accepts, signed with its own secret: for development and tests."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import jwt

from quickpoll.auth.claims import nested
from quickpoll.settings import TokenSettings


def sign_token(
    settings: TokenSettings, user_id: str, life: timedelta, roles: tuple[str, ...] = ()
) -> str | None:
    """A token for a user; ``None`` where only an issuer elsewhere can sign."""
    algorithm = next((one for one in settings.jwt_algorithms if one.startswith("HS")), None)
    if settings.jwt_secret_key is None or algorithm is None:
        return None
    now = datetime.now(UTC)
    claims: dict[str, Any] = nested(settings.jwt_roles_claim, list(roles)) if roles else {}
    claims |= {settings.jwt_user_id_claim: user_id, "iat": now, "exp": now + life}
    if settings.jwt_issuer:
        claims["iss"] = settings.jwt_issuer
    if settings.jwt_audience:
        claims["aud"] = settings.jwt_audience[0]
    return jwt.encode(claims, settings.jwt_secret_key.get_secret_value(), algorithm)
