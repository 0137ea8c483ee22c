"""What goes over the socket, as each room declares it: events, requests and their answers.

A room says so once, in its ``messages.py``, by models; what it sends goes through :func:`sent`, so
that nothing else than those models is ever on the wire.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from pydantic import BaseModel


@dataclass(frozen=True)
class Event:
    """Something that clients hear: the model of its payload, and when it comes."""

    name: str
    model: type[BaseModel]
    summary: str


@dataclass(frozen=True)
class Request:
    """Something that clients send, and with what it is acknowledged: ``answer`` where it worked,
    ``refusal`` where it did not. ``None``: there is no acknowledgement."""

    name: str
    model: type[BaseModel]
    summary: str
    answer: type[BaseModel] | None = None
    refusal: type[BaseModel] | None = None


def sent(model: type[BaseModel], values: Mapping[str, Any]) -> dict[str, Any]:
    """The payload of an event or an answer, as its model has it: what was not given is absent."""
    return model.model_validate(values).model_dump(mode="json", by_alias=True, exclude_unset=True)
