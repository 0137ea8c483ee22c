"""One run of the benchmark: its stores, services, tokens and lengths."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Self

import click

from bench.install import PeerUnavailableError
from bench.load import Load, Plan, run_wrk
from bench.machine import Cores
from bench.services import Form, PollHandle, Service, forms
from bench.stores import Stores
from bench.tokens import TokenBook
from bench.verify import deviations

Settle = Callable[[Load], None]
"""Waits until the work that a load has left behind is done."""


def nothing_left(_load: Load) -> None:
    """The load's answers are all there was to do."""


most_votes = 22_000
"""Votes a second for which tokens are made: more than any form takes."""


@dataclass(frozen=True)
class Extent:
    """How much to measure."""

    seconds: float
    rounds: int
    clients: int
    watchers: int
    stored_votes: int
    stored_polls: int
    chosen: frozenset[str] | None = None
    quick: bool = False


@dataclass(frozen=True)
class Measured:
    """A load and what it cost the service. ``cpu`` in microseconds a request."""

    load: Load
    cpu: float
    busy: float
    faults: list[str]

    def sample(self) -> dict[str, float]:
        """As a row of a table."""
        return {
            "rate": self.load.rate,
            "p50": self.load.p50,
            "p99": self.load.p99,
            "cpu": self.cpu,
            "busy": self.busy,
            "failed": self.load.failed,
            "late": self.load.late,
        }


class Workbench:
    """What every scenario works with."""

    def __init__(self, stores: Stores, cores: Cores, extent: Extent, folder: Path) -> None:
        self.stores, self.cores, self.extent, self.folder = stores, cores, extent, folder
        self.book = TokenBook()
        self._services: dict[str, Service] = {}
        self._absent: set[str] = set()
        self._stack = ExitStack()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._stack.close()

    def service(self, name: str, key: str | None = None) -> Service:
        """The running service of that form; started and warmed when first asked for.

        Raises :class:`~bench.install.PeerUnavailableError`.
        """
        key = key or name
        if key not in self._services:
            service = self._start(forms[name], key)
            self._stack.callback(service.stop)
            self._services[key] = service
            self._warm(service)
        return self._services[key]

    def fresh(self, name: str, key: str) -> Service:
        """A service that was just started; the caller stops it."""
        return self._start(forms[name], key)

    def chosen(self, *names: str) -> list[Service]:
        """Those of the forms that are wanted and can run here, running."""
        wanted = [n for n in names if self._wanted(n) and n not in self._absent]
        found = []
        for name in wanted:
            try:
                found.append(self.service(name))
            except PeerUnavailableError as error:
                self._absent.add(name)
                click.echo(f"{forms[name].label} is left out: {error}", err=True)
        return found

    def rounds(self, services: Sequence[Service]) -> Iterator[Service]:
        """Each service in turn, again and again, so that all meet the same moments."""
        for _ in range(self.extent.rounds):
            yield from services

    def vote(
        self,
        service: Service,
        polls: Sequence[PollHandle],
        connections: int = 64,
        rate: float = 0.0,
        seconds: float | None = None,
        settle: Settle = nothing_left,
    ) -> Measured:
        """Votes, each of another user, over the options of ``polls``; checked for exactness."""
        seconds = seconds or self.extent.seconds
        paths = [path for poll in polls for path in poll.vote_paths()]
        wanted = int((rate * 1.2 + 200) * seconds) if rate else int(most_votes * seconds)
        tokens = self.book.write(self.folder / "tokens", wanted)
        plan = Plan("POST", tokens, self._paths(paths), connections, seconds, rate, once=True)
        measured = self.measure(service, plan, settle)
        faults = deviations(service, polls, measured.load.succeeded)
        if not measured.load.drained:
            faults.append("connections broke off; in-flight votes are not accounted for")
        return Measured(measured.load, measured.cpu, measured.busy, measured.faults + faults)

    def send(
        self,
        service: Service,
        method: str,
        paths: Sequence[str],
        *,
        users: int = 5_000,
        once: bool = False,
        connections: int = 64,
    ) -> Measured:
        """Requests without a body to paths, by so many users in turn."""
        seconds = self.extent.seconds
        number = int(most_votes * seconds) if once else users
        tokens = self.book.write(self.folder / "tokens", number)
        plan = Plan(method, tokens, self._paths(paths), connections, seconds, once=once)
        return self.measure(service, plan)

    def measure(self, service: Service, plan: Plan, settle: Settle = nothing_left) -> Measured:
        """Run a load and see what it cost; what is done for it afterwards is waited for by
        ``settle``, and belongs to the cost."""
        before = service.cpu()
        load = run_wrk(service.address, plan)
        settle(load)
        used = service.cpu() - before
        faults = [f"{load.failed} of {load.requests} requests failed"] if load.failed else []
        per_request = used / max(1, load.requests) * 1e6
        return Measured(load, per_request, used / load.seconds * 100, faults)

    def tokens(self, name: str, number: int) -> Path:
        """A file of fresh tokens."""
        return self.book.write(self.folder / f"tokens-{name}", number)

    def _paths(self, paths: Sequence[str]) -> Path:
        file = self.folder / "paths"
        file.write_text("".join(f"{path}\n" for path in paths))
        return file

    def _wanted(self, name: str) -> bool:
        families = self.extent.chosen
        return families is None or name.split("-")[0] in families

    def _start(self, form: Form, key: str) -> Service:
        return Service(form, key, self.stores, self.book, self.cores, self.folder)

    def _warm(self, service: Service) -> None:
        self.vote(service, [service.create_poll()], seconds=1.0)
