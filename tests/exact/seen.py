"""What was seen of polls, whoever showed it: equal versions are equal states, and newer ones are
later."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

State = tuple[Any, ...]
shared = ("status", "question", "results", "counts", "votersCount", "votesCount", "closesAt")
"""What is the same for all callers who may see the same."""


class Seen:
    """Everything that was seen of one poll, by version."""

    def __init__(self) -> None:
        self.states: dict[int, dict[str, Any]] = {}
        self.wrong: list[str] = []

    def saw(self, view: dict[str, Any], by: str) -> None:
        """A view of REST, a snapshot or an update; each holds a part of the state."""
        version = view.get("version")
        if version is None:
            return
        known = self.states.setdefault(version, {})
        for name in shared:
            if name not in view:
                continue
            value = view[name]
            if known.setdefault(name, value) != value:
                self.wrong.append(f"{by}: {name} {value} under {version}, was {known[name]}")

    def never_goes_back(self) -> list[str]:
        """Where a newer version has fewer voters; for polls where nobody takes a vote back."""
        voters = [
            (version, state["votersCount"])
            for version, state in sorted(self.states.items())
            if "votersCount" in state
        ]
        return [
            f"{after[1]} voters under {after[0]}, {before[1]} under {before[0]}"
            for before, after in pairwise(voters)
            if after[1] < before[1]
        ]
