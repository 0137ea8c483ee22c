"""The one place that turns whatever was raised into a problem document."""

from __future__ import annotations

import orjson
import structlog
from pydantic import ValidationError
from quart_schema import RequestSchemaValidationError
from werkzeug.exceptions import HTTPException
from werkzeug.exceptions import MethodNotAllowed as WrongMethod

from quickpoll import errors
from quickpoll.foundation.answers import Reply
from quickpoll.foundation.mongo import is_outage
from quickpoll.foundation.openapi import problem_media_type

log = structlog.get_logger(__name__)

_by_status = {
    400: errors.MalformedJson,
    404: errors.NotFound,
    413: errors.PayloadTooLarge,
    415: errors.UnsupportedMediaType,
}


def problem_reply(error: errors.QuickPollError) -> Reply:
    """An error as it is answered."""
    # Text from a caller may stand in an error's words: what is no text becomes a question mark.
    body = orjson.dumps(_sound(errors.problem(error)))
    return Reply(error.status, body, error.headers, problem_media_type)


def as_error(raised: Exception) -> errors.QuickPollError:
    """The error that tells a caller of an exception. What nobody foresaw is logged."""
    if isinstance(raised, errors.QuickPollError):
        return raised
    if isinstance(raised, RequestSchemaValidationError):
        return _invalid(raised.validation_error)
    if isinstance(raised, WrongMethod):
        return errors.MethodNotAllowed(", ".join(sorted(raised.valid_methods or ())))
    if isinstance(raised, HTTPException) and raised.code in _by_status:
        return _by_status[raised.code]()
    if isinstance(raised, TimeoutError) or is_outage(raised):
        return errors.Unavailable()
    log.error("unforeseen_error", exc_info=raised)
    return errors.InternalError()


def _invalid(error: Exception) -> errors.QuickPollError:
    if not isinstance(error, ValidationError):
        return errors.invalid("body", "is not what was expected")
    return errors.InvalidRequest([_field_error(one) for one in _details(error)])


_in_our_words = {
    "extra_forbidden": "is not a field of this request",
    "missing": "is missing",
    "model_type": "must be a JSON object",
    "model_attributes_type": "must be a JSON object",
    "string_unicode": "must be text without lone surrogates",
}
"""Said by the kind of error, where pydantic's own words are for programmers."""


def _details(error: ValidationError) -> list[tuple[str, str]]:
    found = error.errors(include_url=False, include_context=False, include_input=False)
    return [
        (".".join(map(str, one["loc"])), _in_our_words.get(one["type"], one["msg"]))
        for one in found
    ]


def _field_error(detail: tuple[str, str]) -> dict[str, str]:
    field, message = detail[0], detail[1].removeprefix("Value error, ")
    if not field:
        # A rule about several fields names the one that it blames.
        field, separator, rest = message.partition(": ")
        field, message = (field, rest) if separator else ("body", message)
    return {"field": field, "message": message}


def _sound(value: object) -> object:
    if isinstance(value, str):
        return value.encode("utf-8", "replace").decode()
    if isinstance(value, dict):
        return {_sound(key): _sound(one) for key, one in value.items()}
    if isinstance(value, list):
        return [_sound(one) for one in value]
    return value
