"""Drift: trusted counts that turned out wrong, by what each instance says of itself."""

from __future__ import annotations

import httpx

from tests.faults.world import World

metric = "quickpoll_counter_drift_total"


class Drift:
    """What each process has counted so far; a new process begins at nothing."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._seen: dict[int, float] = {}

    def news(self) -> list[str]:
        """What has come since the last call."""
        found = []
        for instance in self._world.living:
            counted = self._read(instance.url)
            more = counted - self._seen.get(instance.pid, 0.0)
            self._seen[instance.pid] = counted
            if more:
                found.append(f"{instance.url}: drift of {more:.0f}")
        return found

    def _read(self, url: str) -> float:
        for line in httpx.get(f"{url}/metrics", timeout=5).text.splitlines():
            if line.startswith(f"{metric} "):
                return float(line.split()[1])
        raise AssertionError(f"{url} has no {metric}")
