"""The settings: read once from the environment and ``.env``, typed, frozen.

Each field is the environment variable of the same name in capitals. Its description and example
make the table in the README, which a test holds against this file.
"""

from __future__ import annotations

import os
import re
import sys
from importlib.util import find_spec
from pathlib import Path
from typing import Annotated, Any, Literal
from urllib.parse import urlsplit

from dotenv import dotenv_values
from pydantic import Field, SecretStr, ValidationError, field_validator, model_validator
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict

from quickpoll.foundation.redis_place import RedisPlace
from quickpoll.foundation.run_record import RunDirectory
from quickpoll.foundation.store_addresses import database_named_in, without_password

run_folder = Path(".quickpoll")
"""Where ``make run`` keeps its data, and says how its stores are reached."""

CommaSeparated = Annotated[tuple[str, ...], NoDecode]


def _setting(default: Any, description: str, example: str, **rules: Any) -> Any:
    return Field(default, description=description, examples=[example], **rules)


class SettingsError(Exception):
    """A setting is missing or bad; the message is one line for the operator."""


class Settings(BaseSettings):
    """What an operator can set. See the descriptions of the fields."""

    model_config = SettingsConfigDict(
        env_file=".env",
        env_file_encoding="utf-8",
        env_ignore_empty=True,
        extra="ignore",
        frozen=True,
        hide_input_in_errors=True,
    )

    api_database_url: SecretStr = Field(
        description="MongoDB connection string, with the database's name in its path",
        examples=["mongodb://localhost:27017/quickpoll"],
    )
    api_redis_host: str = _setting("localhost", "Redis host", "localhost")
    api_redis_port: int = _setting(6379, "Redis port", "6379", ge=1, le=65535)
    api_redis_password: SecretStr | None = _setting(None, "Redis password", "a-password")
    api_redis_url: SecretStr | None = _setting(
        None,
        "Redis by URL, in place of host, port and password; with +sentinel or +cluster after "
        "redis, or rediss for TLS",
        "redis+sentinel://sentinel1:26379,sentinel2:26379/mymaster",
    )
    api_redis_sentinel_password: SecretStr | None = _setting(
        None, "password of the Sentinels themselves, where they ask for one", "a-password"
    )
    api_redis_ca_file: Path | None = _setting(
        None, "rediss: the authorities that Redis' certificate is checked by", "/run/redis-ca.pem"
    )
    api_redis_cert_file: Path | None = _setting(
        None, "rediss: our own certificate, where Redis asks for one", "/run/redis-client.pem"
    )
    api_redis_key_file: Path | None = _setting(
        None, "rediss: the key that goes with our certificate", "/run/redis-client.key"
    )
    api_redis_prefix: str = _setting(
        "",
        "put before every Redis key and channel, where services share one Redis; in a Cluster "
        "it holds the hash tag, {quickpoll}: where none is set",
        "{quickpoll}:",
    )
    jwt_secret_key: SecretStr | None = _setting(
        None,
        "HS256 secret, 32 bytes or more; required unless JWT_JWKS_URL is set",
        "$(openssl rand -hex 32)",
    )
    jwt_algorithms: CommaSeparated = _setting(
        ("HS256",),
        "signature algorithms accepted, comma-separated; HS… go with JWT_SECRET_KEY, all others"
        " with JWT_JWKS_URL (unset, with a JWKS URL: RS256, ES256 and EdDSA too)",
        "RS256",
    )
    jwt_jwks_url: str | None = _setting(
        None, "where the issuer publishes its public keys", "https://id.example/jwks.json"
    )
    jwt_issuer: str | None = _setting(None, "required value of the claim iss", "https://id.example")
    jwt_audience: CommaSeparated = _setting(
        (), "accepted values of the claim aud, comma-separated", "quickpoll"
    )
    jwt_user_id_claim: str = _setting(
        "sub", "the claim that holds the user's id (24 hexadecimal digits)", "sub"
    )
    api_jwt_leeway: int = _setting(
        0, "seconds by which the issuer's clock may differ from ours", "5", ge=0, le=300
    )
    cors_origins: CommaSeparated = _setting(
        ("*",),
        "origins whose pages may call the service, comma-separated; * is any",
        "https://www.example",
    )
    api_frame_ancestors: CommaSeparated = _setting(
        (),
        "origins that may show the live pages in a frame, comma-separated",
        "https://www.example",
    )
    api_rate_limits: Literal["on", "off"] = _setting("on", "rate limits: on or off", "on")
    api_rate_limit_user: int = _setting(
        600, "requests that a user may make in 10 seconds", "600", ge=1
    )
    api_rate_limit_address: int = _setting(
        1000,
        "requests that an address may make in 10 seconds without a valid token",
        "1000",
        ge=1,
    )
    api_trusted_proxies: int = _setting(
        0,
        "how many proxies stand in front, each adding to X-Forwarded-For",
        "1",
        ge=0,
        le=10,
    )
    api_vote_queue: int = _setting(
        10_000,
        "votes (and likes) that may wait in one instance; beyond it: 503 overloaded",
        "10000",
        ge=1,
    )
    api_vote_batch: int = _setting(
        512, "most votes written to MongoDB in one batch", "512", ge=1, le=10_000
    )
    api_socket_clients: int = _setting(
        20_000, "most Socket.IO clients of one instance", "20000", ge=1
    )
    api_socket_clients_per_user: int = _setting(
        2_000, "most Socket.IO clients of one user on one instance", "50", ge=1
    )
    api_metrics_token: SecretStr | None = _setting(
        None, "where set, /metrics asks for it as a bearer token", "a-token"
    )
    api_traces_url: str | None = _setting(
        None,
        "OpenTelemetry collector that traces are sent to (OTLP over HTTP); needs the extra otel",
        "http://localhost:4318",
    )
    api_traces_share: float = _setting(
        0.1, "part of the requests that is traced, where a collector is set", "0.1", ge=0, le=1
    )
    api_log_format: Literal["json", "console"] = _setting(
        "json", "log lines: json for machines, console for people", "console"
    )
    log_level: Literal["DEBUG", "INFO", "WARNING", "ERROR"] = _setting(
        "INFO", "the least important lines still logged", "INFO"
    )

    @field_validator(
        "jwt_algorithms", "jwt_audience", "cors_origins", "api_frame_ancestors", mode="before"
    )
    @classmethod
    def _split_list(cls, value: object) -> object:
        if not isinstance(value, str):
            return value
        return tuple(part.strip() for part in value.split(",") if part.strip())

    @field_validator("log_level", mode="before")
    @classmethod
    def _upper_level(cls, value: object) -> object:
        return value.upper() if isinstance(value, str) else value

    @field_validator("api_database_url")
    @classmethod
    def _names_a_database(cls, value: SecretStr) -> SecretStr:
        database_named_in(value.get_secret_value())
        return value

    @field_validator("api_redis_url")
    @classmethod
    def _names_a_redis(cls, value: SecretStr | None) -> SecretStr | None:
        if value is not None:
            RedisPlace.parse(value.get_secret_value())
        return value

    @field_validator("jwt_secret_key")
    @classmethod
    def _long_enough(cls, value: SecretStr | None) -> SecretStr | None:
        if value is not None and len(value.get_secret_value().encode()) < 32:
            raise ValueError("it is shorter than 32 bytes")
        return value

    @field_validator("jwt_algorithms")
    @classmethod
    def _known_algorithms(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        known = {f"{kind}{bits}" for kind in ("HS", "RS", "ES", "PS") for bits in (256, 384, 512)}
        unknown = [name for name in value if name not in known | {"EdDSA"}]
        if unknown or not value:
            raise ValueError(f"no known signature algorithm: {', '.join(unknown) or '(none)'}")
        return value

    @field_validator("jwt_jwks_url")
    @classmethod
    def _web_address(cls, value: str | None) -> str | None:
        if value is not None and urlsplit(value).scheme not in ("http", "https"):
            raise ValueError("it is not a web address")
        if value is not None and "@" in urlsplit(value).netloc:
            raise ValueError("it holds credentials, and public keys need none")
        return value

    @field_validator("api_traces_url")
    @classmethod
    def _can_trace(cls, value: str | None) -> str | None:
        if value is not None and urlsplit(value).scheme not in ("http", "https"):
            raise ValueError("it is not a web address")
        if value is not None and find_spec("opentelemetry") is None:
            raise ValueError("it needs more packages: pip install 'quickpoll[otel]'")
        return value

    @model_validator(mode="after")
    def _some_key(self) -> Settings:
        if self.jwt_secret_key is None and self.jwt_jwks_url is None:
            raise ValueError("JWT_SECRET_KEY: it is missing")
        return self

    @model_validator(mode="after")
    def _algorithms_with_keys(self) -> Settings:
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

    @model_validator(mode="after")
    def _one_slot(self) -> Settings:
        prefix = self.api_redis_prefix
        if self._in_cluster and prefix and not re.search(r"\{[^}]+\}", prefix):
            raise ValueError("API_REDIS_PREFIX: it has no {hash tag} to keep keys in one slot")
        return self

    @property
    def algorithms(self) -> tuple[str, ...]:
        """The signature algorithms accepted. An issuer's keys are of no use to HS256, the default,
        so with a JWKS URL alone the usual ones for public keys are accepted too."""
        if "jwt_algorithms" in self.model_fields_set or self.jwt_jwks_url is None:
            return self.jwt_algorithms
        return (*self.jwt_algorithms, "RS256", "ES256", "EdDSA")

    @property
    def redis_place(self) -> RedisPlace:
        """Where Redis is, and how to get in."""
        named = {"ca": self.api_redis_ca_file, "cert": self.api_redis_cert_file}
        files = {**named, "key": self.api_redis_key_file}
        more: dict[str, Any] = {
            "password": _revealed(self.api_redis_password),
            "sentinel_password": _revealed(self.api_redis_sentinel_password),
            "files": {name: str(file) for name, file in files.items() if file},
            "slot_of": self.redis_prefix,
        }
        if self.api_redis_url is None:
            return RedisPlace(((self.api_redis_host, self.api_redis_port),), **more)
        return RedisPlace.parse(self.api_redis_url.get_secret_value(), **more)

    @property
    def redis_prefix(self) -> str:
        """What every key and channel begins with; in a Cluster it keeps them in one slot."""
        return self.api_redis_prefix or ("{quickpoll}:" if self._in_cluster else "")

    @property
    def _in_cluster(self) -> bool:
        url = self.api_redis_url
        return url is not None and RedisPlace.parse(url.get_secret_value()).kind == "cluster"

    @property
    def database_name(self) -> str:
        """The database that the connection string names."""
        return database_named_in(self.api_database_url.get_secret_value())


def _revealed(secret: SecretStr | None) -> str | None:
    return None if secret is None else secret.get_secret_value()


def load_settings(*, running: bool = False) -> Settings:
    """Read the settings from the environment and ``.env``.

    ``running`` lets an operator's command find the stores and the secret of a running
    ``make run`` in this folder, where no store is configured.

    Raises :class:`SettingsError` with one line that names the variable, what is wrong and an
    example.
    """
    try:
        settings = Settings(**(_of_running_service() if running else {}))
    except ValidationError as error:
        raise SettingsError(_one_line(error)) from None
    except UnicodeDecodeError:
        raise SettingsError(_not_text) from None
    _check_files(settings)
    return settings


_not_text = "QuickPoll cannot start: .env: it is not UTF-8, and has to be."


def given_variables() -> dict[str, str | None]:
    """What the environment and ``.env`` hold, settings or not.

    Raises :class:`SettingsError` where the file is no text.
    """
    try:
        return {**dotenv_values(".env"), **os.environ}
    except UnicodeDecodeError:
        raise SettingsError(_not_text) from None


def settings_or_exit(*, running: bool = False) -> Settings:
    """:func:`load_settings`, or one line on standard error and exit status 2."""
    try:
        return load_settings(running=running)
    except SettingsError as error:
        sys.stderr.write(f"{error}\n")
        raise SystemExit(2) from None


def _of_running_service() -> dict[str, Any]:
    directory, given = RunDirectory(run_folder), given_variables()
    if given.get("API_DATABASE_URL") or (run := directory.read()) is None:
        return {}
    found: dict[str, Any] = {
        "api_database_url": run.database_url,
        "api_redis_url": None,  # it would win over host and port
        "api_redis_host": run.redis_host,
        "api_redis_port": run.redis_port,
    }
    if not given.get("JWT_SECRET_KEY"):
        found["jwt_secret_key"] = directory.secret()
    return found


def _check_files(settings: Settings) -> None:
    for name in ("api_redis_ca_file", "api_redis_cert_file", "api_redis_key_file"):
        file = getattr(settings, name)
        if file is not None and not os.access(file, os.R_OK):
            raise SettingsError(_refusal(name, f"{file} is not there, or cannot be read"))


def _one_line(error: ValidationError) -> str:
    first = error.errors(include_url=False, include_input=False)[0]
    said = "it is missing" if first["type"] == "missing" else first["msg"]
    said = said.removeprefix("Value error, ")
    if first["loc"]:
        variable = str(first["loc"][0]).upper()
    else:  # a rule about several settings names the one that it blames
        variable, _, said = said.partition(": ")
    return _refusal(variable, said)


def _refusal(variable: str, said: str) -> str:
    name = variable.upper()
    example = (Settings.model_fields[name.lower()].examples or [""])[0]
    return f"QuickPoll cannot start: {name}: {said}. Example: {name}={example}"


def masked(settings: Settings) -> dict[str, str]:
    """Every setting by its variable's name, secrets and passwords masked."""
    return {name.upper(): _shown(getattr(settings, name)) for name in Settings.model_fields}


def _shown(value: object) -> str:
    if value is None or value == ():
        return ""
    if isinstance(value, SecretStr):
        return without_password(value.get_secret_value())
    return ",".join(value) if isinstance(value, tuple) else str(value)
