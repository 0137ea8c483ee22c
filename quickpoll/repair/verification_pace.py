"""How often quiet polls are counted again in MongoDB: pure, no I/O."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

SHARE = 100
"""Verifications take at most one part in so many of the time, all together: counting large polls
each time they fall quiet would cost those who vote."""

SHARE_AFTER_LOSS = 20
"""Of each poll, while what was sent before Redis lost its marks may still come."""


@dataclass(frozen=True, slots=True)
class _Verified:
    ended: float
    took: float
    rests_until: float


class VerificationPace:
    """After a verification a poll rests, in proportion to what it took and to how many rest."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._verified: dict[str, _Verified] = {}  # {poll id: its last one}, of those that rest

    def wait(self, poll_id: str, *, after_loss: bool) -> float:
        """Seconds until the poll may be verified again; not above 0 where it may be now."""
        last = self._verified.get(poll_id)
        if last is None:
            return 0.0
        own = last.ended + last.took * SHARE_AFTER_LOSS
        until = min(own, last.rests_until) if after_loss else last.rests_until
        return until - self._clock()

    def verified(self, poll_id: str, began: float) -> None:
        """A verification that began at that moment has ended."""
        now = self._clock()
        resting = {i: one for i, one in self._verified.items() if one.rests_until > now}
        share = SHARE * len(resting.keys() | {poll_id})
        took = now - began
        self._verified = {**resting, poll_id: _Verified(now, took, now + took * share)}
