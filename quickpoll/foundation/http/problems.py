"""The one place that turns whatever was raised into a problem document."""

from __future__ import annotations

import orjson
import structlog
from pydantic import ValidationError
from quart_schema import RequestSchemaValidationError
from werkzeug.exceptions import HTTPException
from werkzeug.exceptions import MethodNotAllowed as WrongMethod

from quickpoll import errors
from quickpoll.foundation.http.answers import Reply
from quickpoll.foundation.http.wording import NOT_AS_EXPECTED, field_errors
from quickpoll.foundation.openapi.document import PROBLEM_MEDIA_TYPE
from quickpoll.foundation.stores.mongo import is_outage
from quickpoll.foundation.stores.redis import RedisAway

log = structlog.get_logger(__name__)

_BY_STATUS = {
    400: errors.MalformedJson,
    404: errors.NotFound,
    413: errors.PayloadTooLarge,
    415: errors.UnsupportedMediaType,
}


def problem_reply(error: errors.QuickPollError) -> Reply:
    """An error as it is answered."""
    # Text from a caller may stand in an error's words: what is no text becomes a question mark.
    body = orjson.dumps(_sound(errors.problem(error)))
    return Reply(error.status, body, error.headers, PROBLEM_MEDIA_TYPE)


def as_error(raised: Exception) -> errors.QuickPollError:
    """The error that tells a caller of an exception. What nobody foresaw is logged."""
    if isinstance(raised, errors.QuickPollError):
        return raised
    if isinstance(raised, RequestSchemaValidationError):
        return _invalid(raised.validation_error)
    if isinstance(raised, WrongMethod):
        return errors.MethodNotAllowed(", ".join(sorted(raised.valid_methods or ())))
    if isinstance(raised, HTTPException) and raised.code in _BY_STATUS:
        return _BY_STATUS[raised.code]()
    if isinstance(raised, TimeoutError | RedisAway) or is_outage(raised):
        return errors.Unavailable()
    log.error("unforeseen_error", exc_info=raised)
    return errors.InternalError()


def _invalid(error: Exception) -> errors.QuickPollError:
    if not isinstance(error, ValidationError):
        return errors.invalid("body", NOT_AS_EXPECTED)
    return errors.InvalidRequest(field_errors(error))


def _sound(value: object) -> object:
    if isinstance(value, str):
        return value.encode("utf-8", "replace").decode()
    if isinstance(value, dict):
        return {_sound(key): _sound(one) for key, one in value.items()}
    if isinstance(value, list):
        return [_sound(one) for one in value]
    return value
