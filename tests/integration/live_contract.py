"""What was really sent, held against the AsyncAPI document."""

from __future__ import annotations

from functools import cache
from typing import Any

import orjson
from jsonschema import Draft202012Validator

from quickpoll.factory import live_messages
from quickpoll.realtime.views import written


@cache
def document() -> dict[str, Any]:
    """The document as an instance answers it."""
    found: dict[str, Any] = orjson.loads(written(*live_messages()))
    return found


@cache
def _validator(message: str) -> Draft202012Validator:
    payload = document()["components"]["messages"][message]["payload"]
    return Draft202012Validator({**payload, "components": document()["components"]})


def example(message: str) -> Any:
    """What a message may be."""
    return document()["components"]["messages"][message]["examples"][0]["payload"]


def misfits(payload: Any, *messages: str) -> list[str]:
    """Why a payload is none of these messages; nothing where it is one of them."""
    known = [one for one in messages if one in document()["components"]["messages"]]
    said = [[one.message for one in _validator(name).iter_errors(payload)] for name in known]
    if [] in said:
        return []
    return [f"{payload} is none of {messages}: {said}"]


def misfits_of_answer(payload: Any, request: Any) -> list[str]:
    """Why a payload is no acknowledgement of a request."""
    name = (
        request if f"{request}-refusal" in document()["components"]["messages"] else "unsubscribe"
    )
    return misfits(payload, f"{name}-answer", f"{name}-refusal")
