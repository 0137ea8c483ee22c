"""``python -m tests.faults --minutes 10 --seed 7``: a long campaign, and a table of what came of
it. Ends with status 1 where anything was lost, doubled, strange or not exact within 5 s."""

from __future__ import annotations

import asyncio
import random
import tempfile
from pathlib import Path
from time import monotonic, strftime

import click

from tests.faults.campaign import Row, campaign, table
from tests.faults.harm import harms


@click.command()
@click.option("--minutes", type=float, default=10.0, show_default=True)
@click.option("--seed", type=int, default=None, help="A random one without it.")
@click.option("--voters", type=click.IntRange(1, 200), default=24, show_default=True)
@click.option("--scale", type=float, default=1.0, show_default=True, help="Length of outages.")
@click.option("--only", multiple=True, type=click.Choice(list(harms)), help="These faults alone.")
def main(
    minutes: float, seed: int | None, voters: int, scale: float, only: tuple[str, ...]
) -> None:
    """Kill, stop, flush and cut things under load for minutes."""
    chosen = random.SystemRandom().randrange(2**32) if seed is None else seed
    click.echo(f"seed {chosen}")
    rows = asyncio.run(_run(minutes * 60, chosen, voters, scale, only or tuple(harms)))
    click.echo(table(rows))
    for row in rows:
        for line in [*row.lost, *row.doubled, *row.strange][:5]:
            click.echo(f"{row.name}: {line}", err=True)
    raise SystemExit(not all(row.good for row in rows))


async def _run(
    seconds: float, seed: int, voters: int, scale: float, names: tuple[str, ...]
) -> list[Row]:
    chance, end = random.Random(seed), monotonic() + seconds
    with tempfile.TemporaryDirectory(prefix="quickpoll-faults-") as directory:
        async with campaign(Path(directory), seed, voters) as going:
            while monotonic() < end:
                for name in chance.sample(names, len(names)):
                    if monotonic() > end:
                        break
                    began = monotonic()
                    row = await going.harm(name, scale)
                    state = "ok" if row.good else "NOT GOOD"
                    click.echo(
                        f"{strftime('%H:%M:%S')} {name}: {monotonic() - began:.1f} s {state}"
                    )
            return list(going.rows.values())


if __name__ == "__main__":
    main()
