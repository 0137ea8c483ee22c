"""Moves this process' time of day by ``CLOCK_AHEAD`` seconds; timeouts and sleeps run as ever.

Python imports a module of this name before any other. A library that is loaded ahead of libc
(libfaketime) would shift C code, too, but breaks the sleeping of Python 3.11 and later.
"""

from __future__ import annotations

import ctypes
import datetime
import gc
import os
import time
from typing import Any

ahead = float(os.environ.get("CLOCK_AHEAD", "0"))
_nanoseconds = int(ahead * 1e9)
_time, _time_ns, _now = time.time, time.time_ns, datetime.datetime.now


def shifted_time() -> float:
    """``time.time``."""
    return _time() + ahead


def shifted_time_ns() -> int:
    """``time.time_ns``."""
    return _time_ns() + _nanoseconds


def shifted_now(cls: type[datetime.datetime], tz: datetime.tzinfo | None = None) -> Any:
    """``datetime.now``."""
    return _now(tz) + datetime.timedelta(seconds=ahead)


if ahead:
    time.time, time.time_ns = shifted_time, shifted_time_ns
    # The class stays the one that C code knows; only what its names stand for is changed.
    names = gc.get_referents(datetime.datetime.__dict__)[0]
    names["now"] = classmethod(shifted_now)
    ctypes.pythonapi.PyType_Modified(ctypes.py_object(datetime.datetime))
