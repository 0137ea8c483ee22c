"""What a caller may do about a like, and what several acts in a row amount to: pure, no I/O."""

from __future__ import annotations

from collections.abc import Iterable
from enum import Enum


class Act(Enum):
    """What a caller wants: to like, not to like, or the other than now. ``KEEP`` is what an even
    number of toggles amounts to."""

    SET = "set"
    UNSET = "unset"
    TOGGLE = "toggle"
    KEEP = "keep"

    def on(self, liked: bool) -> bool:
        """Whether the caller likes the poll after the act."""
        match self:
            case Act.SET:
                return True
            case Act.UNSET:
                return False
            case Act.TOGGLE:
                return not liked
            case Act.KEEP:
                return liked


def outcomes(acts: Iterable[Act], liked: bool) -> list[bool]:
    """Whether the caller likes the poll after each of the acts, one after another."""
    found = []
    for act in acts:
        liked = act.on(liked)
        found.append(liked)
    return found


def together(acts: list[Act]) -> Act:
    """The one act that several in a row amount to."""
    after_no, after_yes = outcomes(acts, False)[-1], outcomes(acts, True)[-1]
    if after_no == after_yes:
        return Act.SET if after_no else Act.UNSET
    return Act.TOGGLE if after_no else Act.KEEP
