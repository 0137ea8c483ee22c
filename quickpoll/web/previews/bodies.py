"""oEmbed 1.0, as it is asked for and answered."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, WithJsonSchema

from quickpoll.results.bodies import Query, whole_number

# One value alone would be the keyword `const`, which generators of clients take for a text.
One = Annotated[Literal["1.0"], WithJsonSchema({"type": "string", "enum": ["1.0"]})]
Rich = Annotated[Literal["rich"], WithJsonSchema({"type": "string", "enum": ["rich"]})]
Format = Annotated[
    Literal["json", "xml"], WithJsonSchema({"type": "string", "enum": ["json"]})
]  # the other format of the standard is known, and not offered
Size = Annotated[int, Field(ge=0, le=1_000_000)]
Pixels = Annotated[int, Field(ge=1, le=1_000_000), whole_number]


class EmbedQuery(Query):
    """What is to be embedded, and how large it may be."""

    url: Annotated[str, Field(max_length=2_000)] = Field(
        description="The address of a poll of this service.",
        examples=["https://polls.example/polls/65f1c0ffee0000000000a001"],
    )
    format: Format = Field("json", description="`json`; there is no other.", examples=["json"])
    maxwidth: Pixels | None = Field(None, description="Pixels.", examples=[400])
    maxheight: Pixels | None = Field(None, description="Pixels.", examples=[300])


class RichEmbed(BaseModel):
    """A poll in a frame."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "version": "1.0",
                    "type": "rich",
                    "provider_name": "QuickPoll",
                    "provider_url": "https://polls.example/polls",
                    "title": "When shall we meet?",
                    "html": '<iframe src="…" title="When shall we meet?"></iframe>',
                    "width": 600,
                    "height": 520,
                    "cache_age": 60,
                }
            ]
        }
    )

    version: One
    type: Rich
    provider_name: str
    provider_url: str
    title: str
    html: str
    width: Size
    height: Size
    cache_age: Size
    thumbnail_url: str | None = Field(
        None, description="The picture, where everybody may see the results, and it is not larger."
    )
    thumbnail_width: Size | None = None
    thumbnail_height: Size | None = None
