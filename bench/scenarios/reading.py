"""Reads: one poll, and a page of fifty."""

from __future__ import annotations

from bench.report import Table
from bench.services import Service
from bench.workbench import Workbench

columns = [
    ("rate", "requests/s", 0),
    ("cpu", "CPU µs a request", 0),
    ("busy", "core busy %", 0),
    ("p50", "p50 ms", 1),
    ("p99", "p99 ms", 1),
]
readers = ("quickpoll", "fastapi", "node")
page_size = 50


def one_poll(bench: Workbench) -> list[Table]:
    """``get-poll-by-id`` of one poll by many users."""
    table = Table(
        "read",
        "get-poll-by-id, 64 connections, 5,000 users in turn",
        columns,
        compared="rate",
        baseline="FastAPI + uvicorn",
    )
    services = bench.chosen(*readers)
    paths = {
        service.key: f"/api/poll/get-poll-by-id/{_voted(bench, service)}" for service in services
    }
    for service in bench.rounds(services):
        measured = bench.send(service, "GET", [paths[service.key]])
        table.add(service.form.label, measured.sample(), measured.faults)
    return [table]


def page(bench: Workbench) -> list[Table]:
    """A page of fifty polls by many users."""
    table = Table(
        "page",
        f"get-all-polls, a page of {page_size}, 64 connections, 5,000 users in turn",
        columns,
        compared="rate",
        baseline="FastAPI + uvicorn",
    )
    services = bench.chosen(*readers)
    for service in services:
        for _ in range(page_size + 10):
            service.create_poll()
    for service in bench.rounds(services):
        measured = bench.send(service, "GET", [f"/api/poll/get-all-polls?limit={page_size}"])
        table.add(service.form.label, measured.sample(), measured.faults)
    return [table]


def _voted(bench: Workbench, service: Service) -> str:
    """A poll that some have voted on."""
    poll = service.create_poll()
    bench.vote(service, [poll], rate=200, seconds=1.0)
    return poll.id
