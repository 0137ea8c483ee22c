"""Pages: what their first load weighs, and when they are live on a slow phone."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

from bench.first_load import FirstLoad, chromium, first_load, phone, projector
from bench.report import Table
from bench.services import Service
from bench.workbench import Workbench

columns = [
    ("size", "KB over the wire", 1),
    ("requests", "requests", 0),
    ("live", "live after s", 2),
    ("shift", "layout shift", 3),
]
paths = {"a poll": "/polls/{}", "the list": "/polls", "a stage": "/polls/{}/present"}

most_bytes = 110_000
most_seconds = 3.0
most_shift = 0.05


def pages(bench: Workbench) -> list[Table]:
    """First loads at 1.6 Mbit/s with 150 ms and a processor slowed down four times."""
    table = Table(
        "pages",
        "first load, 1.6 Mbit/s, 150 ms, processor slowed down four times",
        columns,
    )
    services = bench.chosen("quickpoll")
    if services:
        asyncio.run(_load_all(bench, services[0], table))
    return [table]


async def _load_all(bench: Workbench, service: Service, table: Table) -> None:
    poll = service.create_poll()
    bench.vote(service, [poll], rate=200, seconds=1.0)
    async with chromium() as browser:
        if browser is None:
            table.notes.append("Not measured: there is no Chromium here.")
            return
        for _ in range(max(bench.extent.rounds, 3)):
            for name, path in paths.items():
                address = f"{service.address}{path.format(poll.id)}#token={bench.book.one()}"
                screen = projector if "stage" in name else phone
                found = await first_load(browser, address, screen=screen)
                table.add(name, _sample(found), _faults(found) if name == "a poll" else ())


def _sample(found: FirstLoad) -> dict[str, float]:
    return {
        "size": found.size / 1000,
        "requests": found.requests,
        "live": found.live,
        "shift": found.shift,
    }


def _faults(found: FirstLoad) -> Sequence[str]:
    wanted = {
        f"{found.size} bytes": found.size < most_bytes,
        f"live after {found.live:.2f} s": found.live < most_seconds,
        f"layout shift {found.shift:.3f}": found.shift < most_shift,
    }
    return [said for said, kept in wanted.items() if not kept]
