"""How much one write may hold: by how long the last ones took.

A round trip costs the service more than the ballots that it names, so writes should be large; on a
slow store a large one would outlast its time limit, and be begun again for ever. So they begin
small, and grow where the store is quick.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from time import monotonic

QUICK_SECONDS, SLOW_SECONDS = 0.1, 0.4
"""What took less may be twice as large next time; what took longer half as large. Far below the
time limit of an operation, twofold included."""


class Pace:
    """How many parts the next write may have: from 1 to ``most``."""

    def __init__(self, most: int, clock: Callable[[], float] = monotonic) -> None:
        self.parts = 1
        self._most = most
        self._clock = clock

    @contextmanager
    def measured(self) -> Iterator[None]:
        """Around one write. One that failed is followed by the smallest."""
        began = self._clock()
        try:
            yield
        except BaseException:
            self.parts = 1
            raise
        took = self._clock() - began
        if took < QUICK_SECONDS:
            self.parts = min(self._most, self.parts * 2)
        elif took > SLOW_SECONDS:
            self.parts = max(1, self.parts // 2)
