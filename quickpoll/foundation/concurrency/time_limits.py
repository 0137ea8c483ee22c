"""Every time limit that another one depends on, in seconds, each with its reason.

They form a chain: an operation ends before the mark of its batch, a mark before anybody stops to
wait for it, and all of it within the five seconds after which counts must be exact again. The
inequalities are asserted below, at import: who changes one limit and breaks another cannot start.
"""

from __future__ import annotations

from typing import Final

ANSWER_SECONDS: Final = 2.8
"""No request is answered later: a caller hears of an outage within three seconds."""

CHANGE_ANSWER_SECONDS: Final = 4.0
"""A change of a poll may be answered later: a close waits for the batches that may have read the
open poll."""

WAIT_IN_LINE_SECONDS: Final = 2.7
"""How long an item may wait for its batch and its result; then its caller is told 503."""

OPERATION_SECONDS: Final = 2.0
"""An operation of MongoDB's, its retries included: below the three seconds within which a caller
hears of an absent MongoDB, above any pause of a healthy one."""

SETTLE_SECONDS: Final = 0.5
"""To find out (and fix) what became of writes whose answer did not come."""

MARGIN_SECONDS: Final = 0.2
"""Between the last moment of a write and the end of its mark: a busy event loop's delay."""

MARK_SECONDS: Final = 2.7
"""The longest time between the mark of a batch and the end of its writes. Whoever finds an older
mark takes its writer for dead, fences what it may have sent, and goes on."""

REDIS_SECONDS: Final = 0.5
"""How long Redis may take to answer before it counts as away."""

PROBE_SECONDS: Final = 0.2
"""Between two looks whether Redis is back."""

HELD_SECONDS: Final = 0.01
"""Until the next try of a write whose poll is being recounted."""

HOLD_SECONDS: Final = 0.5
"""How long recounts may hold a write off, all together: what passes one makes it begin anew."""

DRAIN_SECONDS: Final = 0.3
"""How long a recount holds writers off to let batches in flight end."""

DRAIN_STEP_SECONDS: Final = 0.005
"""Between two looks at the batches in flight."""

BARRIER_SECONDS: Final = 2.0
"""How long a write barrier stays after its owner has died."""

RECOUNT_WAIT_SECONDS: Final = 1.0
"""How long a reader waits for a recount before it counts in MongoDB itself."""

LOOK_SECONDS: Final = 0.5
"""Between two rounds of the reconciler: short against the five seconds of exactness."""

BUSY_SECONDS: Final = 1.0
"""Until the reconciler's next look at a poll that is being written to."""

LEASE_SECONDS: Final = 2.0
"""How long work stays with an instance that has died."""

SPLIT_SECONDS: Final = 60.0
"""How long a Redis that was replaced may have gone on answering those who could reach it: more
than the settings in ``docs/operations.md`` let it."""

THOROUGH_SECONDS: Final = 60.0
"""For one look at all that is held of a person, which nobody waits for in a request: some stores go
through all of it before they answer the first."""

NOTES_SECONDS: Final = 0.25
"""Between two looks at the notes of polls that are written to without Redis."""

NOTES_STALE_SECONDS: Final = 0.8
"""What an instance knows of the notes is good for so long. A note that is older is known to
every instance that still goes by what Redis says of polls."""

NOTES_WAIT_SECONDS: Final = 1.0
"""How long a reader of counts waits for the notes where this instance could not look; then its
caller is told 503, and two such waits are shorter than a stop may take."""

FINALITY_STEP_SECONDS: Final = 0.02
"""Between two looks at the batches that a close waits for."""

EXACT_SECONDS: Final = 5.0
"""Within which counts equal MongoDB once the stores are back: a promise, no setting."""

FORGETFUL_LOOKS_SECONDS: Final = (10.0, 60.0, 600.0, 3600.0)
"""When a poll whose marks were lost is counted again: a write that nobody can fence any more may
still come along a wire that stalled."""

_INEQUALITIES: Final = {
    "a batch ends before its mark": (
        OPERATION_SECONDS + SETTLE_SECONDS + MARGIN_SECONDS <= MARK_SECONDS
    ),
    "who waits in line hears before the request ends": WAIT_IN_LINE_SECONDS < ANSWER_SECONDS,
    "an operation ends before the request": OPERATION_SECONDS < ANSWER_SECONDS,
    "a close can outwait every batch": (
        NOTES_STALE_SECONDS + MARK_SECONDS + MARGIN_SECONDS < CHANGE_ANSWER_SECONDS
    ),
    "notes are looked at several times before they are stale": (
        3 * NOTES_SECONDS < NOTES_STALE_SECONDS
    ),
    "a dead writer is found in time": (
        MARK_SECONDS + 2 * LOOK_SECONDS + DRAIN_SECONDS < EXACT_SECONDS - MARGIN_SECONDS
    ),
    "a dead reconciler is replaced in time": (
        LEASE_SECONDS + 2 * LOOK_SECONDS + BUSY_SECONDS < EXACT_SECONDS
    ),
    "a barrier outlives a slow answer of Redis": 2 * REDIS_SECONDS < BARRIER_SECONDS,
    "who was held off can still write in time": (
        HOLD_SECONDS + OPERATION_SECONDS < WAIT_IN_LINE_SECONDS
    ),
    "a recount can count while it holds writers off": DRAIN_SECONDS < HOLD_SECONDS,
}


def check_limits(inequalities: dict[str, bool]) -> None:
    """Raises :class:`ValueError` that names what does not hold."""
    broken = [name for name, holds in inequalities.items() if not holds]
    if broken:
        raise ValueError(f"time limits contradict each other: {'; '.join(broken)}")


check_limits(_INEQUALITIES)
