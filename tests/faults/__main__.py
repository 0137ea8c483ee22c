"""``python -m tests.faults --minutes 10 --seed 7``: a long campaign, and a table of what came of
it. Ends with status 1 where anything was lost, doubled, strange, adrift or not exact within 5 s.

The seed says which harm comes when, and what is done in it; ``--only`` with the same seed does the
same rounds of that kind. How processes and packets meet is the machine's doing, as ever.
"""

from __future__ import annotations

import random
import re
import tempfile
from pathlib import Path
from time import monotonic, strftime

import click
import uvloop

from tests.faults.campaign import Row, campaign, kinds, table


@click.command()
@click.option("--minutes", type=float, default=10.0, show_default=True)
@click.option("--seed", type=int, default=None, help="A random one without it.")
@click.option("--voters", type=click.IntRange(1, 200), default=24, show_default=True)
@click.option("--scale", type=float, default=1.0, show_default=True, help="Length of outages.")
@click.option("--only", multiple=True, type=click.Choice(kinds), help="These faults alone.")
def main(
    minutes: float, seed: int | None, voters: int, scale: float, only: tuple[str, ...]
) -> None:
    """Kill, stop, flush, stall and cut things under load for minutes."""
    chosen = random.SystemRandom().randrange(2**32) if seed is None else seed
    click.echo(f"seed {chosen}")
    rows = uvloop.run(_run(minutes * 60, chosen, voters, scale, only or kinds))
    click.echo(table(rows))
    for row in rows:
        for line in one_of_each(row.wrong):
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
                    began, known = (
                        monotonic(),
                        len(going.rows[name].wrong if name in going.rows else ()),
                    )
                    row = await going.harm(name, scale)
                    click.echo(_line(row, known, monotonic() - began))
            return list(going.rows.values())


def one_of_each(lines: list[str]) -> list[str]:
    """The first line of each kind: they are alike but for ids and numbers."""
    kinds = {re.sub(r"\b[0-9a-f]{24}\b|\d+", "", line)[:60]: line for line in reversed(lines)}
    return [line[:500] for line in reversed(kinds.values())]


def _line(row: Row, known: int, seconds: float) -> str:
    news = row.wrong[known:]
    late = "" if row.seconds <= 5.0 else f", {row.seconds:.1f} s to exact at worst"
    state = f"NOT GOOD: {news[0][:200]}" if news else f"ok{late}"
    return f"{strftime('%H:%M:%S')} {row.name}: {seconds:.1f} s {state}"


if __name__ == "__main__":
    main()
