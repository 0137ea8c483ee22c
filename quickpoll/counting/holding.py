"""For how long a write is held off by recounts: the moments are those of the monotonic clock."""

from __future__ import annotations

from time import monotonic

from quickpoll.foundation.concurrency.time_limits import HOLD_SECONDS


def held_from(held_since: float | None) -> float:
    """Since when a write waits that is held off now."""
    return monotonic() if held_since is None else held_since


def may_pass(held_since: float | None) -> bool:
    """Whether it has waited for so long that it passes every barrier."""
    return held_since is not None and monotonic() - held_since >= HOLD_SECONDS
