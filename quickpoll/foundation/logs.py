"""Logs: structlog through the standard logging, for machines or for people."""

from __future__ import annotations

import logging
import sys
from typing import Any

import structlog
from structlog.typing import EventDict

from quickpoll.foundation.entrance import current_request


def _name_request(_: Any, __: str, line: EventDict) -> EventDict:
    """Add which request the line is about, and whose."""
    scope = current_request.get()
    if scope is not None:
        line.setdefault("request_id", scope["quickpoll.request_id"])
        if "quickpoll.user_id" in scope:
            line.setdefault("user_id", scope["quickpoll.user_id"])
        # Never the query, which may hold a token.
        line.setdefault("path", scope["path"])
    return line


_shared: list[Any] = [
    _name_request,
    structlog.stdlib.add_log_level,
    structlog.stdlib.add_logger_name,
    structlog.processors.TimeStamper(fmt="iso", utc=True),
]


def configure_logs(level: str, form: str) -> None:
    """Log lines of at least ``level`` to standard error, ``form`` being json or console."""
    structlog.configure(
        processors=[
            structlog.stdlib.filter_by_level,
            *_shared,
            structlog.stdlib.ProcessorFormatter.wrap_for_formatter,
        ],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.stdlib.BoundLogger,
        cache_logger_on_first_use=True,
    )
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(_formatter(form))
    root = logging.getLogger()
    root.handlers = [handler]
    root.setLevel(level)
    for noisy in ("engineio", "socketio", "pymongo", "asyncio", "hypercorn.access"):
        logging.getLogger(noisy).setLevel(max(logging.WARNING, root.level))


def _formatter(form: str) -> logging.Formatter:
    last: list[Any] = (
        [structlog.processors.format_exc_info, structlog.processors.JSONRenderer()]
        if form == "json"
        else [structlog.dev.ConsoleRenderer(colors=sys.stderr.isatty())]
    )
    return structlog.stdlib.ProcessorFormatter(
        foreign_pre_chain=_shared,
        processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, *last],
    )
