"""What routes about logs read and answer."""

from __future__ import annotations

from typing import Annotated

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field

from quickpoll.foundation.http.wording import fault


def _true_or_false(value: object) -> object:
    if isinstance(value, str) and value.lower() in ("true", "false"):
        return value.lower() == "true"
    if isinstance(value, bool):
        return value
    raise fault("Say true or false.")


class ReceiptQuery(BaseModel):
    """What a receipt is to show."""

    model_config = ConfigDict(extra="ignore")

    opening: Annotated[bool, BeforeValidator(_true_or_false)] = Field(
        True,
        description="Whether it shows the choice. Without, it proves that the ballot is there and"
        " shows nobody what it says.",
        examples=[False],
    )
