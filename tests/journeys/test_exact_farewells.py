"""Half of the voters are erased in mid-storm; longer: ``python -m tests.faults.erasing``."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.faults.campaign import table
from tests.faults.farewells import farewell, farewells

harms = ("FLUSHALL", "kill -9 instance", "kill -9 Redis", "SIGSTOP MongoDB")


@pytest.mark.timeout(180)
async def test_whoever_leaves_in_mid_storm_leaves_nothing_and_takes_nothing_of_others(
    tmp_path: Path,
) -> None:
    async with farewells(tmp_path) as world:
        row = await farewell(world, 19, harms, scale=0.5, voters=16)
    assert row.good, "\n".join([table([row]), *row.wrong])
    assert row.acknowledged > 100
    assert (tmp_path / "log").read_text().count("person_erased") >= 8
