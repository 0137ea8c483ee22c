"""``python -m tests.mutants``: break the code in one place after the other, and see that a test
notices each. Ends with status 1 where one survived.

``changes.toml`` has the list, over Python and Lua: each leaves out one step of a protocol or
loosens one comparison. It is written by hand, since what is worth breaking here is seldom an
operator: it is a script in Redis, an option of the driver, the order of two lines.

Tools that make their own changes serve for a look at a pure module that has unit tests: mutmut 3.8
tried 24 on ``likes/rules.py`` and the coalescer, and the six that survived changed what nothing
depends on: the name of an asyncio task, a first value that is replaced before it is read. They know
no Lua, make some 550 changes of seven small files, most of which mean nothing, and each would have
to wait for tests on real stores. So there is no dependency on one.
"""

from __future__ import annotations

import random
import sys

import click

from tests.checkout import root
from tests.mutants.catalogue import CatalogueError, Change, read_changes
from tests.mutants.trying import Trial, Tried


@click.command()
@click.option("--sample", type=click.IntRange(1), help="Only so many, chosen at random.")
@click.option("--seed", type=int, help="Of the sample; a random one without it.")
@click.option("--only", help="Only those whose file or name has this text.")
@click.option("--at-once", type=click.IntRange(1, 8), default=2, show_default=True)
def main(sample: int | None, seed: int | None, only: str | None, at_once: int) -> None:
    """Break the code in one place after the other, and see that a test notices each."""
    try:
        changes = _chosen(read_changes(), sample, seed, only)
        tried = Trial(root, at_once).run(changes, click.echo)
    except CatalogueError as error:
        raise click.ClickException(str(error)) from None
    click.echo(_summary(tried))
    sys.exit(not all(one.good for one in tried))


def _chosen(
    changes: list[Change], sample: int | None, seed: int | None, only: str | None
) -> list[Change]:
    if only is not None:
        changes = [one for one in changes if only in one.file or only in one.name]
        if not changes:
            raise CatalogueError(f"no change has {only!r} in its file or name")
    if sample is None or sample >= len(changes):
        return changes
    chosen = random.SystemRandom().randrange(2**32) if seed is None else seed
    click.echo(f"a sample of {sample} of {len(changes)}: --sample {sample} --seed {chosen}")
    return random.Random(chosen).sample(changes, sample)


def _summary(tried: list[Tried]) -> str:
    bad = [one for one in tried if not one.good]
    lines = [f"{len(tried) - len(bad)} of {len(tried)} changes were noticed."]
    return "\n".join([*lines, *(one.line() for one in bad)])


if __name__ == "__main__":
    main()
