"""The same trouble is said once a minute, whoever meets it.

A loop that goes on after a failure meets the failure again with every turn, and several loops meet
the same one. Their lines pass here: the first is written, the same again within a minute is only
counted, and the next one that is written says how many there were (``repeated``).
"""

from __future__ import annotations

import logging
import sys
from collections.abc import Callable, Hashable
from time import monotonic
from typing import Any

from quickpoll.foundation.entrance import current_request
from quickpoll.foundation.store_failures import of_store

quiet_seconds = 60.0
most_known = 1000
"""Different troubles that are remembered; beyond it the oldest are forgotten."""


class Once:
    """Decides whether something is to be said: not where it was said within ``seconds``."""

    def __init__(
        self, seconds: float = quiet_seconds, clock: Callable[[], float] = monotonic
    ) -> None:
        self._seconds = seconds
        self._clock = clock
        self._said: dict[Hashable, tuple[float, int]] = {}

    def say(self, what: Hashable) -> int | None:
        """How often it was kept back since it was last said; ``None`` where it is kept back."""
        now = self._clock()
        last, kept_back = self._said.get(what, (float("-inf"), 0))
        if now - last < self._seconds:
            self._said[what] = (last, kept_back + 1)
            return None
        self._said.pop(what, None)
        self._said[what] = (now, 0)
        while len(self._said) > most_known:
            del self._said[next(iter(self._said))]
        return kept_back

    def forget(self, what: Hashable) -> None:
        """It is over: the next time it is news."""
        self._said.pop(what, None)


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
