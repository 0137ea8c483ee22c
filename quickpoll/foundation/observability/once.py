"""The same trouble is said once a minute, whoever meets it.

A loop that goes on after a failure meets the failure again with every turn, and several loops meet
the same one. Their lines pass here: the first is written, the same again within a minute is only
counted, and the next one that is written says how many there were (``repeated``).
"""

from __future__ import annotations

from collections.abc import Callable, Hashable
from time import monotonic

QUIET_SECONDS = 60.0
MOST_KNOWN = 1000
"""Different troubles that are remembered; beyond it the oldest are forgotten."""


class Once:
    """Decides whether something is to be said: not where it was said within ``seconds``."""

    def __init__(
        self, seconds: float = QUIET_SECONDS, clock: Callable[[], float] = monotonic
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
        while len(self._said) > MOST_KNOWN:
            del self._said[next(iter(self._said))]
        return kept_back

    def forget(self, what: Hashable) -> None:
        """It is over: the next time it is news."""
        self._said.pop(what, None)
