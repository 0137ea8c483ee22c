"""What a vote costs on a verifiable poll, beside a plain one."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Any

from bench.load import Load
from bench.report import Table
from bench.scenarios.voting import columns
from bench.services import PollHandle, Service
from bench.stores import wait_until
from bench.workbench import Measured, Workbench

SETTLE_SECONDS = 60.0
"""That a log may take at the most to have all of a load: far more than it does."""

IDLE_SECONDS = 1.0
"""For which an idle service is watched."""

STEADY_RATES = 1_200, 2_500
"""Votes a second that the service answers for every kind with time to spare. Without a rate each
kind gets as many as the stand-ins take of it: they share the cores with the service, and the one
that keeps the larger documents is the first at its end, so that part of what is measured then is
what a processor loses by going back and forth."""

FIRST_ENTRIES = 1
"""The definition of the poll."""


@dataclass(frozen=True)
class Kind:
    """A kind of poll: the fields that make it so, and whether its close belongs to the cost."""

    label: str
    fields: dict[str, Any] = field(default_factory=dict)
    closed: bool = False


PLAIN = "plain"
KINDS = (
    Kind(PLAIN),
    Kind("verifiable, open", {"verifiable": True}),
    Kind("verifiable, sealed", {"verifiable": True, "results": "after_close"}),
    Kind("verifiable, sealed, closed", {"verifiable": True, "results": "after_close"}, closed=True),
)


def verifiable(bench: Workbench) -> list[Table]:
    """Votes on polls of each kind, in turn, with all that is done for their logs."""
    steady = [_votes(bench, 64, rate) for rate in STEADY_RATES]
    return steady + [_votes(bench, connections) for connections in (64, 256)]


def _votes(bench: Workbench, connections: int, rate: int = 0) -> Table:
    """``rate``: votes a second for all kinds alike; 0: as many as there are answers."""
    pace = f"{rate:,} a second" if rate else "as many as there are answers"
    table = Table(
        f"verifiable-{connections}-{rate}" if rate else f"verifiable-{connections}",
        f"Votes on a plain and on verifiable polls, {connections} connections, {pace}, until the"
        " log has them all",
        columns,
        compared="cpu",
        baseline=PLAIN,
        notes=["The ratio is that of the processor's time: 1.00 is a plain vote."],
    )
    for service in bench.rounds(bench.chosen("quickpoll-logs")):
        for kind in KINDS:
            measured = _vote(bench, service, kind, (connections, rate), idle_share(service))
            table.add(kind.label, measured.sample(), measured.faults)
    return table


def _vote(
    bench: Workbench, service: Service, kind: Kind, pace: tuple[int, int], idle: float
) -> Measured:
    """``idle``: seconds of processor time that the service uses in a second without a vote. That is
    not the votes' cost, and kinds differ in how long they take, above all until the log follows."""
    poll = service.create_poll(**kind.fields)
    followed = _Followed(service, poll, kind)
    measured = bench.vote(service, [poll], *pace, settle=followed.wait)
    seconds = measured.load.seconds + followed.seconds
    apart = idle * seconds / max(1, measured.load.requests) * 1e6
    return replace(measured, cpu=measured.cpu - apart)


def idle_share(service: Service) -> float:
    """Seconds of processor time that the service uses in a second in which nobody asks anything."""
    before = service.cpu()
    time.sleep(IDLE_SECONDS)
    return (service.cpu() - before) / IDLE_SECONDS


class _Followed:
    """Waits until all votes are in the published log, where they are published."""

    def __init__(self, service: Service, poll: PollHandle, kind: Kind) -> None:
        self.seconds = 0.0
        self._service, self._poll, self._kind = service, poll, kind

    def wait(self, load: Load) -> None:
        """After the load."""
        kind = self._kind
        if not kind.fields or (kind.fields.get("results") and not kind.closed):
            return
        began = time.monotonic()
        if kind.closed:
            self._service.close_poll(self._poll)
        entries = FIRST_ENTRIES + load.succeeded + kind.closed
        wait_until(self._has(entries), SETTLE_SECONDS, f"a log of {entries} entries")
        self.seconds = time.monotonic() - began

    def _has(self, entries: int) -> Callable[[], bool]:
        return lambda: self._service.logged(self._poll) >= entries
