"""Votes: how many, how fast, and beside a request that does nothing."""

from __future__ import annotations

import statistics

from bench.report import Table
from bench.workbench import Measured, Workbench

columns = [
    ("rate", "votes/s", 0),
    ("cpu", "CPU µs a vote", 0),
    ("busy", "core busy %", 0),
    ("p50", "p50 ms", 1),
    ("p99", "p99 ms", 1),
]
offered_share = 0.6
"""Of what the slowest form can take, offered to all when their latencies are compared."""


def votes(bench: Workbench) -> list[Table]:
    """As many votes as each form takes, at 64 and 256 connections."""
    return [_votes(bench, connections) for connections in (64, 256)]


def _votes(bench: Workbench, connections: int) -> Table:
    table = Table(
        f"votes-{connections}",
        f"Votes on one poll, {connections} connections, every voter another user",
        columns,
        compared="rate",
        baseline="FastAPI + uvicorn",
    )
    for service in bench.rounds(bench.chosen("quickpoll", "fastapi", "node", "quart")):
        measured = bench.vote(service, [service.create_poll()], connections)
        table.add(service.form.label, measured.sample(), measured.faults)
    return table


def same_load(bench: Workbench) -> list[Table]:
    """Latencies at the same offered load, below what the slowest takes."""
    services = bench.chosen("quickpoll", "fastapi", "node")
    slowest = min(_capacity(bench, name.key) for name in services)
    rate = round(slowest * offered_share, -1)
    table = Table(
        "latency",
        f"The same load for all: {rate:.0f} votes/s at random moments, 64 connections",
        [*columns, ("late", "late starts", 0)],
        compared="p99",
        baseline="FastAPI + uvicorn",
        smaller_is_better=True,
    )
    for service in bench.rounds(services):
        measured = bench.vote(service, [service.create_poll()], rate=rate)
        table.add(service.form.label, measured.sample(), measured.faults)
    return [table]


def _capacity(bench: Workbench, key: str) -> float:
    service = bench.service(key)
    rates = [
        bench.vote(service, [service.create_poll()], seconds=1.0).load.rate
        for _ in range(1 if bench.extent.quick else 3)
    ]
    return statistics.median(rates)


def parts(bench: Workbench) -> list[Table]:
    """What the lane and the parser bring, each alone and both together."""
    table = Table(
        "parts",
        "Votes without the lane, without the HTTP parser on llhttp, and with both (64 connections)",
        columns,
        compared="rate",
        baseline="neither",
    )
    names = ("quickpoll", "quickpoll-fast-path", "quickpoll-parser", "quickpoll-neither")
    for service in bench.rounds(bench.chosen(*names)):
        measured = bench.vote(service, [service.create_poll()])
        table.add(service.form.label, measured.sample(), measured.faults)
    return [table]


def empty_request(bench: Workbench) -> list[Table]:
    """A vote beside authenticated POSTs that do nothing, in the same process."""
    by_quart, by_lane = "empty POST, a Quart route", "empty POST, in the lane"
    table = Table(
        "empty",
        "A vote, and authenticated POSTs that do nothing, in the same process (64 connections)",
        columns,
        compared="rate",
        baseline=by_quart,
        notes=["Every request of another user, so that each token is verified for the first time."],
    )
    empties = {by_quart: "/api/bench/empty", by_lane: "/api/poll/empty"}
    for service in bench.rounds(bench.chosen("quickpoll-empty")):
        for label, path in empties.items():
            empty: Measured = bench.send(service, "POST", [path], once=True)
            table.add(label, empty.sample(), empty.faults)
        measured = bench.vote(service, [service.create_poll()])
        table.add("vote", measured.sample(), measured.faults)
    return [table]
