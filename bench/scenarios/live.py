"""Live updates: many screens, and what they cost the voters."""

from __future__ import annotations

import time
from typing import Any

from bench.crowd import Crowd, Emitter
from bench.emitter import rate
from bench.report import Table
from bench.services import PollHandle, Service
from bench.workbench import Workbench

screens = ("quickpoll", "fastapi-emit", "node-emit")
updates = 10.0
"""Votes a second for fan-out, and so updates a second: none of them can be coalesced."""


def fan_out(bench: Workbench) -> list[Table]:
    """One poll, ten updates a second, to many clients."""
    table = _fan_out_table(bench, "fanout", f"One poll, {updates:.0f} updates/s")
    for service in bench.rounds(bench.chosen(*screens)):
        _fan_out(bench, table, service, polls=1)
    return [table]


def flood(bench: Workbench) -> list[Table]:
    """Ten polls at ten updates a second each, all to every client: more than most can deliver."""
    table = _fan_out_table(bench, "flood", f"Ten polls, {updates:.0f} updates/s each")
    for service in bench.rounds(bench.chosen(*screens)):
        _fan_out(bench, table, service, polls=10)
    return [table]


def frames(bench: Workbench) -> list[Table]:
    """Fan-out alone, without polls and stores: our client manager beside python-socketio's."""
    clients = bench.extent.clients
    table = Table(
        "frames",
        f"Fan-out alone under Hypercorn: {rate:.0f} events/s to {clients:,} WebSocket clients",
        [
            ("delivered", "messages/s", 0),
            ("per_cpu", "messages per CPU second", 0),
            ("receive_p50", "emit to receipt p50 ms", 1),
            ("receive_p99", "p99 ms", 1),
        ],
        compared="per_cpu",
        baseline="python-socketio",
    )
    forms: dict[str, list[str]] = {"QuickPoll's manager": [], "python-socketio": ["--stock"]}
    for _ in range(bench.extent.rounds):
        for name, options in forms.items():
            with Emitter(options, bench.cores.service, bench.folder / "emitter.log") as emitter:
                table.add(name, *_frames(bench, emitter, clients))
    return [table]


def _frames(bench: Workbench, emitter: Emitter, clients: int) -> tuple[dict[str, float], list[str]]:
    nothing = PollHandle("0" * 24, ("0" * 24,))
    with Crowd(emitter, [nothing], bench.tokens("crowd", clients), clients) as crowd:
        connected = crowd.connected()
        time.sleep(1)
        used = emitter.cpu()
        crowd.start_counting()
        time.sleep(max(4.0, bench.extent.seconds))
        seen = crowd.counted()
        used = emitter.cpu() - used
    sample = {
        "delivered": seen["delivered"] / seen["seconds"],
        "per_cpu": seen["delivered"] / max(used, 0.01),
        "receive_p50": seen["receive_p50"],
        "receive_p99": seen["receive_p99"],
    }
    return sample, _losses(connected, seen)


def _fan_out_table(bench: Workbench, name: str, what: str) -> Table:
    return Table(
        name,
        f"{what}, to {bench.extent.clients:,} WebSocket clients",
        [
            ("delivered", "messages/s", 0),
            ("per_cpu", "messages per CPU second", 0),
            ("screen_p50", "vote to screen p50 ms", 1),
            ("screen_p99", "p99 ms", 1),
            ("receive_p99", "emit to receipt p99 ms", 1),
        ],
        compared="per_cpu",
        baseline="FastAPI + python-socketio",
    )


def _fan_out(bench: Workbench, table: Table, service: Service, polls: int) -> None:
    clients, seconds = bench.extent.clients, max(4.0, bench.extent.seconds)
    rate = updates * polls
    handles = [service.create_poll() for _ in range(polls)]
    tokens = bench.tokens("crowd", clients + int(rate * seconds) + 100)
    with Crowd(service, handles, tokens, clients) as crowd:
        connected = crowd.connected()
        time.sleep(0.5)
        used = service.cpu()
        seen = crowd.votes(rate, seconds)
        used = service.cpu() - used
    sample = {
        "delivered": seen["delivered"] / seen["seconds"],
        "per_cpu": seen["delivered"] / max(used, 0.01),
        **{key: seen[key] for key in ("screen_p50", "screen_p99", "receive_p99")},
    }
    table.add(service.form.label, sample, _losses(connected, seen))


def _losses(connected: dict[str, Any], seen: dict[str, Any]) -> list[str]:
    found = {
        "clients could not connect": connected["failed"],
        "connections were lost": seen["lost"],
        "votes failed": seen["failed_votes"],
    }
    return [f"{number} {what}" for what, number in found.items() if number]


def watchers(bench: Workbench) -> list[Table]:
    """Votes at an offered rate with nobody watching, and with many watching the same poll."""
    rate, audience = 2_000.0, bench.extent.watchers
    table = Table(
        "watchers",
        f"{rate:,.0f} votes/s offered on one poll, 64 connections, watched by nobody or many",
        [
            ("rate", "votes/s", 0),
            ("p50", "p50 ms", 1),
            ("p99", "p99 ms", 1),
            ("busy", "core busy %", 0),
            ("delivered", "messages/s", 0),
        ],
        compared="rate",
        baseline=f"FastAPI + python-socketio, {audience} watchers",
    )
    for service in bench.rounds(bench.chosen(*screens)):
        for number in (0, audience):
            _watched(bench, table, service, number, rate)
    return [table]


def _watched(bench: Workbench, table: Table, service: Service, number: int, rate: float) -> None:
    poll = service.create_poll()
    seconds = bench.extent.seconds
    with Crowd(service, [poll], bench.tokens("crowd", number + 1), number, 1.0) as crowd:
        connected = crowd.connected()
        time.sleep(0.5)
        crowd.start_counting()
        measured = bench.vote(service, [poll], rate=rate, seconds=seconds)
        seen = crowd.counted()
    sample = {**measured.sample(), "delivered": seen["delivered"] / seen["seconds"]}
    faults = [*measured.faults, *_losses(connected, seen)]
    table.add(f"{service.form.label}, {number} watchers", sample, faults)


def storm(bench: Workbench) -> list[Table]:
    """A thousand clients connect within a second while people vote."""
    clients = bench.extent.clients
    table = Table(
        "storm",
        f"{clients:,} clients connect and subscribe within a second, during 200 votes/s",
        [
            ("seconds", "all connected after s", 2),
            ("p50", "connect p50 ms", 0),
            ("p99", "connect p99 ms", 0),
            ("refused", "refused", 0),
            ("vote_p99", "vote p99 ms", 0),
            ("failed", "failed votes", 0),
        ],
        compared="seconds",
        baseline="FastAPI + python-socketio",
        smaller_is_better=True,
    )
    names = screens[:1] if bench.extent.quick else screens
    for service in bench.rounds(bench.chosen(*names)):
        poll = service.create_poll()
        tokens = bench.tokens("crowd", clients)
        with Crowd(service, [poll], tokens, clients, within=1.0) as crowd:
            measured = bench.vote(service, [poll], rate=200, seconds=4.0)
            connected = crowd.connected()
        sample = {
            "seconds": connected["seconds"],
            "p50": connected["p50"],
            "p99": connected["p99"],
            "refused": connected["failed"],
            "vote_p99": measured.load.p99,
            "failed": measured.load.failed,
        }
        table.add(service.form.label, sample, measured.faults)
    return [table]


def memory(bench: Workbench) -> list[Table]:
    """What an idle client costs, in a service that was just started."""
    clients = bench.extent.clients
    table = Table(
        "memory",
        f"Memory of {clients:,} idle WebSocket clients, each subscribed to one poll",
        [("before", "MB before", 0), ("after", "MB after", 0), ("each", "kB a client", 1)],
        compared="each",
        baseline="FastAPI + python-socketio",
        smaller_is_better=True,
    )
    for service in bench.chosen(*screens):
        fresh = bench.fresh(service.form.name, f"{service.key}-memory")
        try:
            table.add(service.form.label, _memory(bench, fresh, clients))
        finally:
            fresh.stop()
    return [table]


def _memory(bench: Workbench, service: Service, clients: int) -> dict[str, float]:
    poll = service.create_poll()
    with Crowd(service, [poll], bench.tokens("first", 1), 1) as crowd:
        crowd.connected()  # what is loaded with the first client is not the clients' cost
    before = service.memory()
    with Crowd(service, [poll], bench.tokens("crowd", clients), clients) as crowd:
        connected = crowd.connected()["connected"]
        time.sleep(1)
        after = service.memory()
    each = (after - before) / max(1, connected) / 1024
    return {"before": before / 1024**2, "after": after / 1024**2, "each": each}
