"""Variables that look like settings and are none: most often a slip of the pen."""

from __future__ import annotations

from collections.abc import Iterable
from difflib import get_close_matches

import structlog

from quickpoll.settings.service import names

log = structlog.get_logger(__name__)

_OURS = ("API_", "JWT_")


def unknown_variables(given: Iterable[str]) -> list[str]:
    """One line that names them, each with the nearest setting that there is; none where all are
    known. Values are not looked at."""
    known = names()
    unknown = sorted({name.upper() for name in given if name.upper().startswith(_OURS)} - {*known})
    if not unknown:
        return []
    said = "; ".join(f"{name} (the nearest is {_nearest(name, known)})" for name in unknown)
    return [f"No settings of QuickPoll, so without effect: {said}."]


def warn_of_unknown_variables(given: Iterable[str]) -> None:
    """Log that line, once for a start."""
    for line in unknown_variables(given):
        log.warning("unknown_settings", detail=line)


def _nearest(name: str, known: tuple[str, ...]) -> str:
    return get_close_matches(name, known, n=1, cutoff=0.0)[0]
