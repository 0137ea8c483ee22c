"""Clocks that are apart: a process is started whose time of day is ahead or behind."""

from __future__ import annotations

import os
from pathlib import Path

_first = Path(__file__).with_name("shifted")


def shifted_clock(seconds: float) -> dict[str, str]:
    """The variables under which a process of Python has a clock so many seconds ahead."""
    path = [str(_first), *filter(None, [os.environ.get("PYTHONPATH")])]
    return {"CLOCK_AHEAD": f"{seconds}", "PYTHONPATH": os.pathsep.join(path)}
