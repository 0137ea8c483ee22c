"""What is measured, by name, in the order in which it is measured."""

from __future__ import annotations

from collections.abc import Callable

from bench.report import Table
from bench.scenarios import generator, growth, live, pages, reading, verifying, voting
from bench.workbench import Workbench

Scenario = Callable[[Workbench], list[Table]]

scenarios: dict[str, Scenario] = {
    "generator": generator.generator,
    "votes": voting.votes,
    "latency": voting.same_load,
    "empty": voting.empty_request,
    "parts": voting.parts,
    "verifiable": verifying.verifiable,
    "read": reading.one_poll,
    "page": reading.page,
    "spread": growth.spread,
    "stored": growth.stored,
    "frames": live.frames,
    "fanout": live.fan_out,
    "flood": live.flood,
    "watchers": live.watchers,
    "storm": live.storm,
    "memory": live.memory,
    "pages": pages.pages,
}
