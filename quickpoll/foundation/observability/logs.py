"""Logs: structlog through the standard logging, for machines or for people.

A line is made where something happens and says what (``event``, in snake_case), with whatever
belongs to it; here it gets its time, its level, its logger and the request that it is about. No
secret leaves: whatever looks like a token or a password is blotted out of the finished line, so
that it does not matter which library has put it there.
"""

from __future__ import annotations

import logging
import re
import sys
from typing import Any

import structlog
from structlog.typing import EventDict

from quickpoll.foundation.http.request_middleware import current_request
from quickpoll.foundation.observability import tracing
from quickpoll.foundation.observability.people import without_people
from quickpoll.foundation.observability.trouble_filter import TroubleFilter

_QUIET = ("engineio", "socketio", "pymongo", "asyncio", "hypercorn.access")
"""Libraries that tell at INFO or DEBUG what each client sends: warnings are enough."""

# Every part begins where a word does and has an end, so that no line takes long to look through.
_SECRET = re.compile(
    r"(?<![\w-])(?P<token>eyJ[\w-]{4,}\.[\w-]+\.[\w-]*)"
    r"|\bwhsec_[\w+/=]{8,}"
    r"|(?P<bearer>\b[Bb]earer\s{1,9})[^\s\"',}]+"
    r"|(?P<login>\b[a-z][a-z0-9+]{1,15}://[^\s:/@]{0,128}:)[^\s@]{1,256}(?=@)"
    r"|(?P<named>\b(?i:token|password|secret|authorization)\"?'?\s{0,9}[=:]\s{0,9}\"?'?)"
    r"(?:[Bb]earer\s{1,9})?[^\s\"',&}]+"
    r"|(?P<person>\b(?:userId|user_id)\"?'?\s{0,9}[=:]\s{0,9}(?:ObjectId\()?\"?'?)[0-9a-fA-F]{24}",
    re.ASCII,
)

MOST_OF_A_PATH = 300
"""Characters of a path that a line shows."""


def configure_logs(level: str, form: str) -> None:
    """Log lines of at least ``level`` to standard error, ``form`` being json or console."""
    structlog.configure(
        processors=[
            structlog.stdlib.filter_by_level,
            *_SHARED,
            structlog.stdlib.ProcessorFormatter.wrap_for_formatter,
        ],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.stdlib.BoundLogger,
        cache_logger_on_first_use=True,
    )
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(_formatter(form))
    handler.setLevel(level)
    handler.addFilter(TroubleFilter())
    root = logging.getLogger()
    root.handlers = [handler]
    root.setLevel(level)
    for name in _QUIET:
        logging.getLogger(name).setLevel(max(logging.WARNING, root.level))
    logging.getLogger("hypercorn.error").__class__ = _Propagating


def blotted(line: str) -> str:
    """A line without what looks like a token, a password or the id of a person."""
    return _SECRET.sub(_blot, line)


def _blot(found: re.Match[str]) -> str:
    kept = next((found[name] for name in ("bearer", "login", "named", "person") if found[name]), "")
    return f"{kept}********"


def _name_request(_: Any, __: str, line: EventDict) -> EventDict:
    """Add which request the line is about; never whose."""
    scope = current_request.get()
    # A loop that a request has started goes on after it, and is none of its business any more.
    if scope is not None and "quickpoll.answered" not in scope:
        line.setdefault("request_id", scope["quickpoll.request_id"])
        # Never the query, which may hold a token.
        line.setdefault("path", without_people(scope["path"])[:MOST_OF_A_PATH])
        if (trace_id := tracing.trace_id()) is not None:
            line.setdefault("trace_id", trace_id)
    return line


_SHARED: list[Any] = [
    _name_request,
    structlog.stdlib.add_log_level,
    structlog.stdlib.add_logger_name,
    structlog.stdlib.PositionalArgumentsFormatter(),
    structlog.processors.TimeStamper(fmt="iso", utc=True),
]


class _Formatter(structlog.stdlib.ProcessorFormatter):
    """Blots out secrets at the very end, tracebacks and lines of other libraries included."""

    def format(self, record: logging.LogRecord) -> str:
        """The finished line."""
        return blotted(super().format(record))


class _Propagating(logging.Logger):
    """Hypercorn's own logger, without the handler and the format that it insists on: each of its
    lines would come twice, and once as no JSON."""

    @property
    def handlers(self) -> list[logging.Handler]:
        """One that does nothing; what counts are the root's."""
        return [logging.NullHandler()]

    @handlers.setter
    def handlers(self, _: list[logging.Handler]) -> None:
        """Not taken."""


def _formatter(form: str) -> logging.Formatter:
    last: list[Any] = (
        [structlog.processors.format_exc_info, structlog.processors.JSONRenderer()]
        if form == "json"
        else [structlog.dev.ConsoleRenderer(colors=sys.stderr.isatty())]
    )
    return _Formatter(
        foreign_pre_chain=_SHARED,
        processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, *last],
    )
