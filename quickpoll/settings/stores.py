"""Where MongoDB and Redis are, and how to get in."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any, Self

from pydantic import SecretStr, field_validator, model_validator
from pydantic_settings import BaseSettings

from quickpoll.foundation.stores.addresses import database_named_in
from quickpoll.foundation.stores.redis_address import RedisAddress
from quickpoll.settings.fields import revealed, setting


class StoreSettings(BaseSettings):
    """Stores: where MongoDB and Redis are, and how to get in."""

    api_database_url: SecretStr = setting(
        ...,
        "MongoDB connection string, with the database's name in its path",
        "mongodb://localhost:27017/quickpoll",
    )
    api_redis_host: str = setting("localhost", "Redis host", "localhost")
    api_redis_port: int = setting(6379, "Redis port", "6379", ge=1, le=65535)
    api_redis_password: SecretStr | None = setting(None, "Redis password", "a-password")
    api_redis_url: SecretStr | None = setting(
        None,
        "Redis by URL, in place of host, port and password; with +sentinel or +cluster after "
        "redis, or rediss for TLS",
        "redis+sentinel://sentinel1:26379,sentinel2:26379/mymaster",
        "redis://localhost:6379",
    )
    api_redis_sentinel_password: SecretStr | None = setting(
        None, "password of the Sentinels themselves, where they ask for one", "a-password"
    )
    api_redis_ca_file: Path | None = setting(
        None,
        "rediss: the authorities that Redis' certificate is checked by",
        "/run/redis-ca.pem",
        "/etc/ssl/certs/ca-certificates.crt",
    )
    api_redis_cert_file: Path | None = setting(
        None,
        "rediss: our own certificate, where Redis asks for one",
        "/run/redis-client.pem",
        "/etc/quickpoll/redis-client.pem",
    )
    api_redis_key_file: Path | None = setting(
        None,
        "rediss: the key that goes with our certificate",
        "/run/redis-client.key",
        "/etc/quickpoll/redis-client.key",
    )
    api_redis_prefix: str = setting(
        "",
        "put before every Redis key and channel, where services share one Redis; in a Cluster "
        "it holds the hash tag, {quickpoll}: where none is set",
        "{quickpoll}:",
    )

    @field_validator("api_database_url")
    @classmethod
    def _names_a_database(cls, value: SecretStr) -> SecretStr:
        database_named_in(value.get_secret_value())
        return value

    @field_validator("api_redis_url")
    @classmethod
    def _names_a_redis(cls, value: SecretStr | None) -> SecretStr | None:
        if value is not None:
            RedisAddress.parse(value.get_secret_value())
        return value

    @model_validator(mode="after")
    def _one_slot(self) -> Self:
        prefix = self.api_redis_prefix
        if self._in_cluster and prefix and not re.search(r"\{[^}]+\}", prefix):
            raise ValueError("API_REDIS_PREFIX: it has no {hash tag} to keep keys in one slot")
        return self

    @property
    def redis_address(self) -> RedisAddress:
        """Where Redis is, and how to get in."""
        named = {"ca": self.api_redis_ca_file, "cert": self.api_redis_cert_file}
        files = {**named, "key": self.api_redis_key_file}
        more: dict[str, Any] = {
            "password": revealed(self.api_redis_password),
            "sentinel_password": revealed(self.api_redis_sentinel_password),
            "files": {name: str(file) for name, file in files.items() if file},
            "slot_of": self.redis_prefix,
        }
        if self.api_redis_url is None:
            return RedisAddress(((self.api_redis_host, self.api_redis_port),), **more)
        return RedisAddress.parse(self.api_redis_url.get_secret_value(), **more)

    @property
    def redis_prefix(self) -> str:
        """What every key and channel begins with; in a Cluster it keeps them in one slot."""
        return self.api_redis_prefix or ("{quickpoll}:" if self._in_cluster else "")

    @property
    def _in_cluster(self) -> bool:
        url = self.api_redis_url
        return url is not None and RedisAddress.parse(url.get_secret_value()).kind == "cluster"

    @property
    def database_name(self) -> str:
        """The database that the connection string names."""
        return database_named_in(self.api_database_url.get_secret_value())
