"""The logs of verifiable polls: who signs them, and under which name."""

from __future__ import annotations

import re
from base64 import b64decode
from binascii import Error

from pydantic import SecretStr, field_validator
from pydantic_settings import BaseSettings

from quickpoll.settings.fields import setting

KEY_BYTES = 32
_KEY_NAME = re.compile(r"[^\s+\x00-\x20\x7f]{1,200}")


class VerificationSettings(BaseSettings):
    """Verifiable polls: who signs their logs, and under which name."""

    api_log_key: SecretStr | None = setting(
        None,
        "Ed25519 private keys (32 bytes, base64), comma-separated: the first signs the logs of new"
        " verifiable polls, each log stays with the key that it began with; none: no such polls",
        "$(openssl rand -base64 32)",
    )
    api_log_name: str = setting(
        "quickpoll",
        "the public host by which logs are signed, without blanks and +",
        "polls.example.org",
    )

    @field_validator("api_log_key")
    @classmethod
    def _are_keys(cls, value: SecretStr | None) -> SecretStr | None:
        if value is not None:
            keys = [_checked_key(one.strip()) for one in value.get_secret_value().split(",")]
            if len({*keys}) < len(keys):
                raise ValueError("it has the same key twice: name each once, the newest first")
        return value

    @field_validator("api_log_name")
    @classmethod
    def _is_a_name(cls, value: str) -> str:
        if not _KEY_NAME.fullmatch(value):
            raise ValueError("it is no name for a key: a host, without blanks and +")
        return value

    @property
    def log_keys(self) -> tuple[bytes, ...]:
        """The private keys, the one for new logs first."""
        if self.api_log_key is None:
            return ()
        return tuple(b64decode(one) for one in self.api_log_key.get_secret_value().split(","))


def _checked_key(text: str) -> bytes:
    try:
        key = b64decode(text, validate=True)
    except Error:
        raise ValueError("it is not base64") from None
    if len(key) != KEY_BYTES:
        raise ValueError(f"a key has {len(key)} bytes, and not {KEY_BYTES}")
    return key
