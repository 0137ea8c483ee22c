"""People: how long what they did stays theirs."""

from __future__ import annotations

from pydantic_settings import BaseSettings

from quickpoll.settings.fields import setting


class PeopleSettings(BaseSettings):
    """A person's data: how long it stays theirs."""

    api_retention_days: int | None = setting(
        None,
        "days after which a closed poll loses the link between people and ballots by itself, its"
        " result staying; none: never",
        "365",
        ge=1,
        le=36_500,
    )
