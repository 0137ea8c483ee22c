"""A short campaign; `make faults` runs a long one."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.faults.campaign import campaign, table

harms = ("FLUSHALL", "kill -9 instance", "SIGSTOP MongoDB", "CLIENT KILL", "kill -9 all")


@pytest.mark.timeout(180)
async def test_counts_are_exact_after_every_harm(tmp_path: Path) -> None:
    async with campaign(tmp_path, seed=20, owners=0) as going:
        for name in harms:
            await going.harm(name, scale=0.6)

    rows = going.rows.values()
    assert all(row.good for row in rows), "\n".join(
        [table(rows), *(line for row in rows for line in row.wrong)]
    )
    assert sum(row.acknowledged for row in rows) > 100
