"""Which tokens are good, and what they say of their holder."""

from __future__ import annotations

from typing import Literal, Self
from urllib.parse import urlsplit

from pydantic import SecretStr, field_validator, model_validator
from pydantic_settings import BaseSettings

from quickpoll.settings.fields import CommaSeparated, WebAddress, long_enough, setting

_SIGNATURES = {f"{kind}{bits}" for kind in ("HS", "RS", "ES", "PS") for bits in (256, 384, 512)}
_KNOWN_ALGORITHMS = {*_SIGNATURES, "EdDSA"}


class TokenSettings(BaseSettings):
    """Tokens: which are good, and whom they name."""

    jwt_secret_key: SecretStr | None = setting(
        None,
        "HS256 secret, 32 bytes or more; required unless JWT_JWKS_URL is set",
        "$(openssl rand -hex 32)",
    )
    jwt_algorithms: CommaSeparated = setting(
        ("HS256",),
        "signature algorithms accepted, comma-separated; HS… go with JWT_SECRET_KEY, all others"
        " with JWT_JWKS_URL (unset, with a JWKS URL: RS256, ES256 and EdDSA too)",
        "RS256",
        "HS256",
    )
    jwt_jwks_url: WebAddress | None = setting(
        None, "where the issuer publishes its public keys", "https://id.example/jwks.json"
    )
    jwt_issuer: str | None = setting(None, "required value of the claim iss", "https://id.example")
    jwt_audience: CommaSeparated = setting(
        (), "accepted values of the claim aud, comma-separated", "quickpoll"
    )
    jwt_user_id_claim: str = setting("sub", "the claim that holds the user's id", "sub")
    jwt_user_ids: Literal["objectid", "any"] = setting(
        "objectid",
        "objectid: ids are 24 hexadecimal digits; any: other texts of 1 to 255 characters are"
        " mapped to such ids",
        "any",
    )
    jwt_roles_claim: str = setting(
        "roles",
        "the claim that holds the list of roles, admin among them for administrators; dots lead"
        " into objects",
        "realm_access.roles",
    )
    api_jwt_leeway: int = setting(
        0, "seconds by which the issuer's clock may differ from ours", "5", ge=0, le=300
    )

    @field_validator("jwt_secret_key")
    @classmethod
    def _long_enough(cls, value: SecretStr | None) -> SecretStr | None:
        return long_enough(value)

    @field_validator("jwt_algorithms")
    @classmethod
    def _are_known(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        unknown = [name for name in value if name not in _KNOWN_ALGORITHMS]
        if unknown or not value:
            raise ValueError(f"no known signature algorithm: {', '.join(unknown) or '(none)'}")
        return value

    @field_validator("jwt_jwks_url")
    @classmethod
    def _holds_no_credentials(cls, value: str | None) -> str | None:
        if value is not None and "@" in urlsplit(value).netloc:
            raise ValueError("it holds credentials, and public keys need none")
        return value

    @model_validator(mode="after")
    def _some_key(self) -> Self:
        if self.jwt_secret_key is None and self.jwt_jwks_url is None:
            raise ValueError("JWT_SECRET_KEY: it is missing")
        return self

    @model_validator(mode="after")
    def _algorithms_with_keys(self) -> Self:
        usable = [
            name
            for name in self.algorithms
            if (self.jwt_secret_key if name.startswith("HS") else self.jwt_jwks_url) is not None
        ]
        if not usable:
            name = self.algorithms[0]
            needed = "JWT_SECRET_KEY" if name.startswith("HS") else "JWT_JWKS_URL"
            raise ValueError(f"JWT_ALGORITHMS: {name} needs {needed}, which is not set")
        return self

    @property
    def algorithms(self) -> tuple[str, ...]:
        """The signature algorithms accepted. An issuer's keys are of no use to HS256, the default,
        so with a JWKS URL alone the usual ones for public keys are accepted too."""
        if "jwt_algorithms" in self.model_fields_set or self.jwt_jwks_url is None:
            return self.jwt_algorithms
        return (*self.jwt_algorithms, "RS256", "ES256", "EdDSA")
