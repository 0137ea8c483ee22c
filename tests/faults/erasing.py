"""``python -m tests.faults.erasing --minutes 10 --seed 7``: half of the voters are erased in
mid-storm, over and over, each time with other people and under another mixture of harms.

Ends with status 1 where anything was lost, doubled, strange, adrift, not exact within 5 s, or left.
"""

from __future__ import annotations

import random
import tempfile
from collections.abc import Iterable, Sequence
from pathlib import Path
from time import monotonic

import click
import uvloop

from tests.faults.campaign import Row, table
from tests.faults.farewells import farewell, farewells
from tests.faults.world import World

mixtures = (
    ("FLUSHALL", "kill -9 instance", "SIGSTOP MongoDB"),
    ("kill -9 Redis", "kill -9 MongoDB", "CLIENT KILL"),
    ("SIGSTOP Redis", "Redis cut off", "kill -9 all"),
    ("FLUSHALL, kill -9", "SIGTERM instance", "MongoDB hangs, FLUSHALL"),
    ("SIGSTOP instance", "Redis silent", "slow MongoDB"),
    ("one way", "cut off for long"),
    ("MongoDB stalls", "Redis stalls"),
)
"""What is done in one round, one after the other, while erasures begin and go on."""


@click.command()
@click.option("--minutes", type=float, default=10.0, show_default=True)
@click.option("--seed", type=int, default=None, help="A random one without it.")
@click.option("--voters", type=click.IntRange(4, 200), default=24, show_default=True)
@click.option("--scale", type=float, default=1.0, show_default=True, help="Length of outages.")
def main(minutes: float, seed: int | None, voters: int, scale: float) -> None:
    """Erase half of the voters in mid-storm, over and over."""
    chosen = random.SystemRandom().randrange(2**32) if seed is None else seed
    click.echo(f"seed {chosen}")
    rows = uvloop.run(_run(minutes * 60, chosen, voters, scale))
    click.echo(table(rows))
    raise SystemExit(not all(row.good for row in rows))


async def _run(seconds: float, seed: int, voters: int, scale: float) -> list[Row]:
    rows: list[Row] = []
    end = monotonic() + seconds
    while monotonic() < end:
        # Each time with new stores: what they have done before makes the embedded MongoDB slow, a
        # read takes six times as long after ten rounds, and erasures as much longer.
        with tempfile.TemporaryDirectory(prefix="quickpoll-farewells-") as directory:
            async with farewells(Path(directory)) as world:
                for names in mixtures:
                    if monotonic() < end:
                        rows.append(await _round(world, names, seed + len(rows), scale, voters))
    return rows


async def _round(world: World, names: Sequence[str], seed: int, scale: float, voters: int) -> Row:
    began = monotonic()
    row = await farewell(world, seed, names, scale, voters)
    click.echo(f"{row.name}: {monotonic() - began:.1f} s")
    _tell(row.wrong)
    return row


def _tell(lines: Iterable[str]) -> None:
    for line in list(lines)[:8]:
        click.echo(f"  {line[:500]}", err=True)


if __name__ == "__main__":
    main()
