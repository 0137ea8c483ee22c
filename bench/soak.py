"""A soak: a steady trickle of votes on the embedded store for a quarter of an hour, with watchers.

What is looked for is cost that grows with what is stored: latencies, processor time and memory,
minute by minute, and whether the last third is like the first.

SecantusDB keeps the answers of its last 10,000 writes, for drivers that ask again, and looks
through all of them with each write. It is given so many before the first minute, so that no minute
is cheaper than the others for coming early.
"""

from __future__ import annotations

import statistics
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from time import monotonic
from typing import Any

from bench.crowd import Crowd
from bench.machine import Cores, cpu_seconds, resident_bytes
from bench.services import PollHandle, Service, forms
from bench.stores import Stores, embedded
from bench.tokens import TokenBook
from bench.verify import deviations

polls = 10
service_key = "soak"
answers_kept = 10_000


@dataclass(frozen=True)
class Length:
    """How much: votes a second, watchers, and so many minutes of so many seconds each."""

    minutes: int = 15
    rate: float = 50.0
    watchers: int = 200
    seconds: float = 60.0


@dataclass(frozen=True)
class Minute:
    """One minute: milliseconds, per cent of a core, and megabytes, by process."""

    seen: dict[str, Any]
    busy: dict[str, float]
    resident: dict[str, float]

    def line(self, number: int) -> str:
        """As a line of the report."""
        seen = self.seen
        figures = [f"{seen['votes']:7}", *(f"{seen[k]:7.1f}" for k in ("vote_p50", "vote_p99"))]
        figures += [f"{seen['screen_p99']:8.1f}"]
        figures += [f"{self.busy[name]:10.1f}" for name in self.busy]
        figures += [f"{self.resident[name]:10.0f}" for name in self.resident]
        return f"{number:3} {' '.join(figures)}"


@dataclass(frozen=True)
class Trend:
    """The first third beside the last, by medians of the minutes."""

    name: str
    first: float
    last: float
    slack: float

    @property
    def flat(self) -> bool:
        """Whether the last third is at most half as much again, and a little."""
        return self.last <= 1.5 * self.first + self.slack

    def line(self) -> str:
        """As a line of the report."""
        verdict = "flat" if self.flat else "NOT FLAT"
        return f"{self.name:16} {self.first:8.1f} -> {self.last:8.1f}  {verdict}"


def soak(length: Length, cores: Cores, tell: Callable[[str], None]) -> list[str]:
    """Run it; answers what is wrong: what is not flat, what failed, what is not exact."""
    with (
        tempfile.TemporaryDirectory(prefix="quickpoll-soak-") as folder,
        Stores(embedded, Path(folder)) as stores,
    ):
        _age(stores)
        book = TokenBook()
        service = Service(forms["quickpoll"], service_key, stores, book, cores, Path(folder))
        try:
            return _soak(length, service, book, Path(folder), tell)
        finally:
            service.stop()


def _age(stores: Stores) -> None:
    """Write as often as the store remembers."""
    scratch = stores.client["quickpoll_bench_age"]["write"]
    for number in range(answers_kept):
        scratch.insert_one({"_id": number})
    stores.client.drop_database(scratch.database.name)


def _soak(
    length: Length, service: Service, book: TokenBook, folder: Path, tell: Callable[[str], None]
) -> list[str]:
    handles = [service.create_poll() for _ in range(polls)]
    wanted = length.watchers + int(length.minutes * length.seconds * length.rate) + 100
    tokens = book.write(folder / "tokens", wanted)
    pids = {"service": service.pid, **service.stores.pids(service.key)}
    with Crowd(service, handles, tokens, length.watchers) as crowd:
        connected = crowd.connected()
        tell(heading(pids))
        minutes = []
        for number in range(1, length.minutes + 1):
            minutes.append(_minute(crowd, length, pids))
            tell(minutes[-1].line(number))
    trends = trends_of(minutes)
    for trend in trends:
        tell(trend.line())
    wrong = [f"{trend.name} is not flat" for trend in trends if not trend.flat]
    return wrong + _losses(connected, minutes) + _deviations(service, handles, minutes)


def _minute(crowd: Crowd, length: Length, pids: dict[str, int]) -> Minute:
    used = {name: cpu_seconds(pid) for name, pid in pids.items()}
    began = monotonic()
    seen = crowd.votes(length.rate, length.seconds)
    seconds = monotonic() - began
    return Minute(
        seen,
        {n: (cpu_seconds(pid) - used[n]) / seconds * 100 for n, pid in pids.items()},
        {n: resident_bytes(pid) / 1024**2 for n, pid in pids.items()},
    )


def heading(names: Sequence[str] | dict[str, int]) -> str:
    """What stands over the lines of the minutes."""
    figures = [f"{'votes':>7} {'p50 ms':>7} {'p99 ms':>7} {'screen99':>8}"]
    figures += [f"{name + ' %':>10}" for name in names]
    figures += [f"{name + ' MB':>10}" for name in names]
    return f"min {' '.join(figures)}"


def trends_of(minutes: Sequence[Minute]) -> list[Trend]:
    """What must not grow: latencies, and processor time. Memory is shown and not judged, since
    what is stored is cached."""
    third = max(1, len(minutes) // 3)

    def trend(name: str, of: Callable[[Minute], float], slack: float) -> Trend:
        first, last = minutes[:third], minutes[-third:]
        return Trend(
            name, statistics.median(map(of, first)), statistics.median(map(of, last)), slack
        )

    latencies = [trend("p50 ms", lambda m: m.seen["vote_p50"], 5.0)]
    latencies += [trend("p99 ms", lambda m: m.seen["vote_p99"], 40.0)]
    return latencies + [
        trend(f"{name} %", lambda m, name=name: m.busy[name], 3.0)  # type: ignore[misc]
        for name in minutes[0].busy
    ]


def _losses(connected: dict[str, Any], minutes: Sequence[Minute]) -> list[str]:
    found = {
        "watchers could not connect": connected["failed"],
        "watchers were lost": minutes[-1].seen["lost"],
        "votes failed": sum(minute.seen["failed_votes"] for minute in minutes),
        "votes found every connection waiting": sum(m.seen["left_out"] for m in minutes),
    }
    return [f"{number} {what}" for what, number in found.items() if number]


def _deviations(
    service: Service, handles: Sequence[PollHandle], minutes: Sequence[Minute]
) -> list[str]:
    failed = sum(minute.seen["failed_votes"] for minute in minutes)
    answered = sum(minute.seen["votes"] for minute in minutes)
    return deviations(service, handles, answered - failed, failed)
