"""No failure is written to the log twice in a minute, whichever loop meets it."""

from __future__ import annotations

import logging
import sys
from collections.abc import Hashable
from typing import Any

from quickpoll.foundation.http.request_middleware import current_request
from quickpoll.foundation.observability.once import Once
from quickpoll.foundation.stores.failures import of_store


class TroubleFilter(logging.Filter):
    """Keeps back failures that have been said, on their way to the handler.

    What belongs to a request is never kept back: its caller has the request's name, and looks for
    its line. A store that does not serve us is one trouble, however many loops meet it, and its
    traceback says nothing: the line becomes ``mongodb_failed`` or ``redis_failed`` with the reason
    (and ``while``: what it kept from being done).
    """

    def __init__(self, once: Once | None = None) -> None:
        super().__init__()
        self._once = once or Once()

    def filter(self, record: logging.LogRecord) -> bool:
        """Whether the record is written."""
        error = _error_of(record)
        if error is None or _belongs_to_a_request():
            return True
        found = of_store(error)
        trouble: Hashable
        if found is not None:
            store, failure = found
            trouble = (store, failure)
            _shorten(record, f"{store}_failed", failure.detail)
        else:
            trouble = (record.name, _event_of(record), type(error), str(error)[:200])
        kept_back = self._once.say(trouble)
        if kept_back and isinstance(record.msg, dict):
            record.msg["repeated"] = kept_back
        return kept_back is not None


def _belongs_to_a_request() -> bool:
    scope = current_request.get()
    return scope is not None and "quickpoll.answered" not in scope


def _event_of(record: logging.LogRecord) -> str:
    return str(record.msg.get("event") if isinstance(record.msg, dict) else record.msg)


def _error_of(record: logging.LogRecord) -> BaseException | None:
    """The exception of a line, of structlog's (a dict until it is rendered) or anybody's."""
    told: Any = record.msg.get("exc_info") if isinstance(record.msg, dict) else record.exc_info
    if told is True:
        told = sys.exc_info()
    if isinstance(told, tuple):
        told = told[1]
    return told if isinstance(told, BaseException) else None


def _shorten(record: logging.LogRecord, event: str, reason: str) -> None:
    before = _event_of(record)
    if isinstance(record.msg, dict):
        record.msg = {k: v for k, v in record.msg.items() if k != "exc_info"}
        record.msg |= {"event": event, "reason": reason, "while": before}
    else:
        record.msg, record.args = f"{event}: {reason} ({before})", ()
    record.exc_info = None
