"""What operators see of the service."""

from __future__ import annotations

from importlib.util import find_spec
from typing import Literal

from pydantic import SecretStr, field_validator
from pydantic_settings import BaseSettings

from quickpoll.settings.fields import WebAddress, setting


class OperationSettings(BaseSettings):
    """Logs, metrics and traces: what operators see."""

    log_level: Literal["DEBUG", "INFO", "WARNING", "ERROR"] = setting(
        "INFO", "the least important lines still logged", "INFO"
    )
    api_log_format: Literal["json", "console"] = setting(
        "json", "log lines: json for machines, console for people", "console"
    )
    api_metrics_token: SecretStr | None = setting(
        None, "where set, /metrics asks for it as a bearer token", "a-token"
    )
    api_traces_url: WebAddress | None = setting(
        None,
        "OpenTelemetry collector that traces are sent to (OTLP over HTTP); needs the extra otel",
        "http://localhost:4318",
        "https://collector.example:4318",
    )
    api_traces_share: float = setting(
        0.1,
        "part of the requests that is traced, where a collector is set",
        "0.1",
        ge=0,
        le=1,
        allow_inf_nan=False,
    )

    @field_validator("log_level", mode="before")
    @classmethod
    def _upper_level(cls, value: object) -> object:
        return value.upper() if isinstance(value, str) else value

    @field_validator("api_traces_url")
    @classmethod
    def _can_trace(cls, value: str | None) -> str | None:
        if value is not None and find_spec("opentelemetry") is None:
            raise ValueError("it needs more packages: pip install 'quickpoll[otel]'")
        return value
