"""Who takes part in a play of the counting protocol, and how many blows there may be."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

OWNER = "0e" * 12
polls = {"p": "5f" * 12, "q": "6f" * 12}
options = {name: f"{name}0" * 12 for name in "abc"}
users = {name: f"{name[1]}e" * 12 for name in ("u1", "u2", "u3", "u4")}
ids = {one: name for of in (polls, options, users) for name, one in of.items()}

FEW_STEPS = frozenset({"vote.insert_many", "vote.bulk_write", "vote.count_documents"})


@dataclass(frozen=True)
class Scenario:
    """Who takes part, and how many blows there may be."""

    actors: Mapping[str, str]
    """What each does: words like ``vote u1 a``, one after the other where ``;`` stands between
    them, together where ``+`` does."""
    steps: frozenset[str] = FEW_STEPS
    """Operations of MongoDB that wait for a turn."""
    mortal: tuple[str, ...] = ("one", "recount")
    crashes: int = 0
    flushes: int = 0
    restarts: int = 0
    naps: int = 0
    dozes: int = 0
    """Times in which everybody sleeps: past the deadline of a mark, or until a recount waits no
    longer for the batches in flight."""
    sends: int = 0
    """Writes whose answer is not heard, and which land at any time, or never."""
    breaks: int = 0
    """Connections that break between a script and its answer: the script runs again."""
    cuts: int = 0
    """Instances that lose Redis for a while."""
    cut: tuple[str, ...] = ("one",)
    """Those who may."""
    late: bool = False
    """A write that was sent in time is answered late."""
    recounts: bool = False
    """A batch that finds its counts missing has them recounted at once, not by somebody later."""
    changeable: bool = False
    voted_on: bool = True
